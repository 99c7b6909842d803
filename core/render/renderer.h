// A scrape: the text format 0.0.4 of a snapshot and of the gateway's own families, in slices.
//
// Families are sorted by name and contiguous; HELP before TYPE; a family that is both pushed and ours is one block with
// our help, else the help of the first shape that has one. Inside a family the groups come in the snapshot's order, the
// samples of a group in the reference's. The two push-time families are made here from the versions' fields.
//
// Fragments are copied, not read. One whose type differs from its family's (possible only between two racing
// registrations) is left out and counted. The family's type is ours, else that of the shape with the most groups.
// Fragments with names that are not legacy names are rewritten for NameEscaping::kUnderscores; such fragments have a
// name that says so or carry a record (core/model/canonical.h).
//
// Lifetime: the buckets belong to a snapshot that the caller holds until the renderer is destroyed: all that a slow
// reader keeps alive. Memory: 8 bytes a shape, and one line. One owner, one thread. O(bytes produced); the first bytes
// come after O(shapes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/render/byte_source.h"
#include "core/render/family_merge.h"
#include "core/render/family_text.h"
#include "core/render/own_family.h"
#include "core/store/snapshot.h"

namespace sluice::render {

class Renderer final : public ByteSource {
 public:
  // `own`: sorted by name, unique, without the two push-time names.
  Renderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own,
           NameEscaping escaping = NameEscaping::kUnderscores);

  [[nodiscard]] State produce(char* out, size_t capacity, size_t& used, Deadline deadline) override;

  // Fragments left out so far because of their type.
  [[nodiscard]] uint64_t left_out() const noexcept { return left_out_; }

 private:
  enum class Phase : uint8_t { kShapes, kFamily, kMembers, kHeader, kOwnLines, kFragments, kTimes, kDone };
  // What stands behind a name of `own_`, the generated ones included.
  enum class OwnKind : uint8_t { kLines, kPushTime, kPushFailureTime };
  struct Own {
    OwnFamily family;
    OwnKind kind = OwnKind::kLines;
  };
  // A place in the walk over the versions of a bucket.
  struct Place {
    size_t bucket = 0;
    size_t chunk = 0;
    size_t index = 0;
  };
  struct Output {
    char* data;
    size_t capacity;
    size_t used;
    [[nodiscard]] size_t room() const noexcept { return capacity - used; }
  };

  // Each returns when the output is full, the work for one look at the clock is done, or its phase has ended.
  void run_phase(Output& out);
  void next_family();
  void gather_members();
  void make_header();
  void copy_fragments(Output& out);
  [[nodiscard]] bool copy_chunk(Output& out, const store::Snapshot::Chunk& chunk, uint32_t family);
  void copy_times(Output& out);
  void copy_text(Output& out, std::string_view text);
  void choose_type();
  [[nodiscard]] bool own_is(OwnKind kind) const { return own_current_ != nullptr && own_current_->kind == kind; }

  // Fixed after construction.
  std::span<const store::Snapshot::Bucket> buckets_;
  std::vector<Own> own_;
  NameEscaping escaping_;
  bool has_groups_ = false;

  Phase phase_ = Phase::kShapes;
  FamilyMerge merge_;
  size_t own_at_ = 0;  // next of own_
  uint32_t work_ = 0;  // units since the last look at the clock
  uint64_t left_out_ = 0;
  std::string_view pending_;  // to be copied before anything else
  std::string scratch_;       // what pending_ points to when it is not snapshot memory

  // The family being written.
  std::string_view name_;
  const Own* own_current_ = nullptr;
  std::vector<FamilyMember> members_;
  size_t member_ = 0;
  model::MetricType type_ = model::MetricType::kUntyped;
  Place place_;
};

}  // namespace sluice::render
