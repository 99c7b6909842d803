// A scrape: the text format 0.0.4 of a snapshot and of the gateway's own families, in slices.
//
// Families are sorted by name and contiguous (family_walk.h); HELP before TYPE. Inside a family the groups come in the
// snapshot's order, the samples of a group in the reference's. The two push-time families are made here from the
// versions' fields.
//
// Fragments are copied, not read, except those with names that are not legacy names: they are rewritten line by line,
// unless names are to stay as they are.
//
// Lifetime: the buckets belong to a snapshot that the caller holds until the renderer is destroyed: all that a slow
// reader keeps alive. Memory: 8 bytes a shape, up to 64 bytes a group
// (fragment_columns.h), and one line. One owner, one thread. O(bytes produced); the first bytes
// come after O(shapes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/render/escape_names.h"
#include "core/render/family_walk.h"
#include "core/render/fragment_columns.h"
#include "core/render/own_family.h"
#include "core/render/snapshot_source.h"
#include "core/store/snapshot.h"

namespace sluice::render {

class Renderer final : public SnapshotSource {
 public:
  // `own`: sorted by name, unique, without the two push-time names.
  Renderer(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own,
           NameEscaping escaping = NameEscaping::kUnderscores, FamilyWalk::OnHelpConflict on_help_conflict = {},
           FamilyShown shown = FamilyShown::kAll);

  [[nodiscard]] State produce(char* out, size_t capacity, size_t& used, Deadline deadline) override;

  [[nodiscard]] uint64_t left_out() const noexcept override { return walk_.left_out(); }
  [[nodiscard]] uint32_t place() const noexcept override { return place_of_bytes_; }
  [[nodiscard]] bool left_to_own() const noexcept override { return walk_.left_to_own(); }

 private:
  enum class Phase : uint8_t { kFamily, kHeader, kOwnLines, kFragments, kTimes, kDone };
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
  void make_header();
  void copy_fragments(Output& out);
  [[nodiscard]] bool copy_chunk(Output& out, const store::Snapshot::Chunk& chunk, uint32_t family);
  [[nodiscard]] bool copy_column(Output& out, const store::Snapshot::Bucket& bucket, FamilyMember member);
  // False when something of it is pending now.
  [[nodiscard]] bool copy_fragment(Output& out, model::Fragment fragment);
  // The next lines of escape_rest_ become pending.
  void escape_lines();
  void copy_times(Output& out);
  void copy_text(Output& out, std::string_view text);

  // Fixed after construction.
  std::span<const store::Snapshot::Bucket> buckets_;
  NameEscaping escaping_;

  FamilyWalk walk_;
  Phase phase_ = Phase::kFamily;
  uint32_t place_of_bytes_ = 0;
  uint32_t work_ = 0;             // units since the last look at the clock
  std::string_view pending_;      // to be copied before anything else
  std::string_view escape_rest_;  // to be escaped after that
  std::string scratch_;           // what pending_ points to when it is not snapshot memory

  std::unordered_map<uint32_t, FragmentColumns> columns_;  // of the buckets where they pay

  size_t last_bytes_ = 256;  // of the last fragment, up to the end of its text

  // The place in the family being written; in a column only the index counts.
  size_t member_ = 0;
  Place place_;
};

}  // namespace sluice::render
