// The families of a scrape in name order, one after the other: pushed ones, the gateway's own and the two push times.
//
// A family that is both pushed and ours is one, with our help and type; else the help is the first shape's that has one
// and the type that of the shape with the most groups. Shapes whose type differs (possible only between two racing
// registrations) are left out and counted.
//
// Of a part of a snapshot it shows what the whole would show: help and type are chosen among all shapes, a family
// stands where the part has a group with it.
//
// Lifetime: the buckets belong to a snapshot that the caller holds. Memory: 8 bytes a shape. One owner, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/families.h"
#include "core/render/family_merge.h"
#include "core/render/own_family.h"
#include "core/store/snapshot.h"

namespace sluice::render {

// Two different helps of one family, of which a scrape shows the first.
struct HelpConflict {
  std::string_view family;
  std::string_view shown;
  std::string_view other;
};

// Which families a walk shows. A body that is kept for other scrapes has the pushed ones; the gateway's own, with what
// groups push under the same names, are made for each scrape.
enum class FamilyShown : uint8_t {
  kAll,
  kPushed,  // the push times, and every family that has no name of ours
  kOwn,     // the others
};

class FamilyWalk {
 public:
  enum class Step : uint8_t {
    kMore,    // enough for one look at the clock: call again
    kFamily,  // the next family stands
    kEnd,
  };
  // Where the samples of a family are.
  enum class Kind : uint8_t {
    kSamples,          // own lines, then the fragments of the members
    kPushTime,         // a field of every version
    kPushFailureTime,  // another
  };
  using OnHelpConflict = std::function<void(const HelpConflict&)>;

  // `own`: sorted by name, unique, without the two push-time names. `on_help_conflict` may be empty.
  FamilyWalk(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own,
             OnHelpConflict on_help_conflict, FamilyShown shown = FamilyShown::kAll);

  // Adds to `work` in units of about 50 ns and returns kMore when there are `work_max`.
  [[nodiscard]] Step next(uint32_t& work, uint32_t work_max);

  // Of the family that stands.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] bool has_help() const noexcept { return has_help_; }
  [[nodiscard]] std::string_view help() const noexcept { return help_; }
  [[nodiscard]] model::MetricType type() const noexcept { return type_; }
  [[nodiscard]] Kind kind() const noexcept { return own_current_ == nullptr ? Kind::kSamples : own_current_->kind; }
  [[nodiscard]] std::string_view own_lines() const noexcept {
    return own_current_ == nullptr ? std::string_view() : std::string_view(own_current_->family.lines);
  }
  // The shapes that have it with its type.
  [[nodiscard]] std::span<const FamilyMember> members() const noexcept { return members_; }
  [[nodiscard]] std::span<const store::Snapshot::Bucket> buckets() const noexcept { return buckets_; }
  // Its place among the own names: grows with the name, odd for one of them and even between two, so that kPushed and
  // kOwn over the same names can be put together again. Always 0 with kAll.
  [[nodiscard]] uint32_t place() const noexcept;

  // kPushed: groups have pushed families with names of ours, which were not shown.
  [[nodiscard]] bool left_to_own() const noexcept { return left_to_own_; }
  // Fragments left out so far because of their type.
  [[nodiscard]] uint64_t left_out() const noexcept { return left_out_; }

 private:
  enum class Phase : uint8_t { kShapes, kName, kMembers, kEnd };
  struct Own {
    OwnFamily family;
    Kind kind = Kind::kSamples;
  };

  void next_name();
  // True when all shapes that have the name are members.
  [[nodiscard]] bool gather(uint32_t& work, uint32_t work_max);
  void add_member(FamilyMember member);
  [[nodiscard]] bool stands_as_own() const noexcept {
    return own_current_ != nullptr && own_current_->kind == Kind::kSamples;
  }
  // False when the family has nothing to show.
  [[nodiscard]] bool complete();

  // Fixed after construction.
  std::span<const store::Snapshot::Bucket> buckets_;
  std::vector<Own> own_;
  OnHelpConflict on_help_conflict_;
  FamilyShown shown_;
  bool has_groups_ = false;

  Phase phase_ = Phase::kShapes;
  FamilyMerge merge_;
  size_t own_at_ = 0;  // next of own_
  uint64_t left_out_ = 0;
  bool left_to_own_ = false;

  // The family that stands.
  std::string_view name_;
  const Own* own_current_ = nullptr;
  std::vector<FamilyMember> members_;
  bool has_help_ = false;
  std::string_view help_;
  model::MetricType type_ = model::MetricType::kUntyped;
  std::array<size_t, 8> groups_by_type_{};          // in all parts
  size_t groups_ = 0;                               // that have it, in this part
  const model::ShapeFamily* other_help_ = nullptr;  // the first member whose help is not help_
};

}  // namespace sluice::render
