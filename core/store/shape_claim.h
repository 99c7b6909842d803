// One push's way to its shape: from a list of families to a ShapeRecord that it may publish with, or to a conflict.
//
// The common ways take no lock: the list is that of the version being replaced, or the writer's cache knows it.
// Otherwise the registry is asked under its lock. A list that contradicts what is registered:
//   - if a group has the contradicting shape for certain, it is a conflict, once a grace period has passed since the
//     push began: by then every deletion that was done before the push has been counted;
//   - else the contradicting shapes are contested. The lock is kept, the push parks, and a grace period later nobody
//     else publishes them and their counts are exact. In use: conflict, and they are alive again. Not in use (but for
//     the version being replaced): the push goes on to publish, then bury the old and register the new. If another
//     mutation of the group comes first, all is restored.
//
// Whatever looks at all families is done in slices; what is done under the lock keeps it until its end.
//
// Holds, from kReady on, a counted reference to the shape until publication or drop().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/store/family_merge.h"
#include "core/store/group.h"
#include "core/store/shape_registry.h"
#include "core/store/try_lock.h"

namespace sluice::store {

class WriterCore;

class ShapeClaim {
 public:
  enum class State : uint8_t { kReady, kAgain, kParked, kConflict, kLimit, kStale };

  explicit ShapeClaim(WriterCore& writer) noexcept : writer_(writer) {}
  ~ShapeClaim() { drop(); }
  ShapeClaim(const ShapeClaim&) = delete;
  ShapeClaim& operator=(const ShapeClaim&) = delete;

  // A new push: what was learnt about grace periods is forgotten. `values` must outlive it.
  void begin(const limits::Values& values) noexcept;
  // `merge` was made of `base`, which is current in `group` (both nullptr for a birth) at the beginning of this step.
  // kStale: it is not any more. After kReady, shape().
  [[nodiscard]] State step(const FamilyMerge& merge, const Group* group, const model::Version* base, Deadline deadline);

  [[nodiscard]] ShapeRecord& shape() noexcept { return *shape_; }
  [[nodiscard]] bool held() const noexcept { return shape_ != nullptr; }
  // The registry's lock is kept until published() or drop(): a contest.
  [[nodiscard]] bool locked() const noexcept { return lock_.held(); }
  // May be published in this step.
  [[nodiscard]] bool publishable() const noexcept;
  // It was published: the reference is the version's now, and a contest ends with the new shape registered.
  void published() noexcept;
  // Gives up: restores what was contested, unlocks, drops the reference.
  void drop() noexcept;

  // After kConflict.
  [[nodiscard]] const ShapeConflict& conflict() const noexcept { return conflict_; }
  // After kLimit.
  [[nodiscard]] std::optional<limits::Limit> limit() const noexcept { return limit_; }

 private:
  [[nodiscard]] bool hash_families(const FamilyMerge& merge, Deadline deadline) noexcept;
  [[nodiscard]] State find_unlocked(const FamilyMerge& merge, const model::Version* base, Deadline deadline);
  [[nodiscard]] State find_cached(const FamilyMerge& merge, Deadline deadline);
  [[nodiscard]] State register_locked(const FamilyMerge& merge, const model::Version* base, Deadline deadline);
  [[nodiscard]] State find_registered(const FamilyMerge& merge, Deadline deadline);
  [[nodiscard]] State pass_limits(const FamilyMerge& merge, Deadline deadline);
  [[nodiscard]] State pass_conflicts(const FamilyMerge& merge, const model::Version* base, Deadline deadline);
  // kReady: made_ is complete.
  [[nodiscard]] State make(const FamilyMerge& merge, Deadline deadline);
  [[nodiscard]] State settle_contest(const FamilyMerge& merge, const model::Version* base, Deadline deadline);
  void drop_cached() noexcept;
  // Gives the lock back; what was found out under it is void.
  void unlock() noexcept;
  void contest_all() noexcept;
  void restore_all() noexcept;
  void hold(ShapeRecord& record) noexcept;
  [[nodiscard]] bool grace_over() noexcept;

  WriterCore& writer_;
  const limits::Values* values_ = nullptr;
  ShapeRecord* shape_ = nullptr;
  uint64_t hash_ = 0;
  size_t hashed_ = 0;  // families in hash_
  bool hash_done_ = false;
  bool graced_ = false;     // a grace period has passed since begin()
  bool collected_ = false;  // a collection was finished for this push
  uint64_t grace_token_ = 0;
  ShapeRecord* cached_ = nullptr;  // being compared with the list
  size_t cached_at_ = 0;
  bool cached_held_ = false;  // a reference of our own, across the slices

  // Progress under lock_.
  enum class Stage : uint8_t { kFind, kLimits, kConflicts, kMake };
  TryLockHold lock_;
  Stage stage_ = Stage::kFind;
  size_t candidate_ = 0;  // of the hash
  size_t at_ = 0;         // families that the stage has seen
  size_t unknown_ = 0;    // of these, names that are not registered
  std::unique_ptr<ShapeRecord> made_;
  bool inserted_ = false;  // in the registry's hands
  std::vector<ShapeConflict> conflicts_;
  std::vector<ShapeRecord*> contested_;        // with lock_ held
  std::unique_ptr<ShapeRecord> unregistered_;  // the shape that takes the place of the contested ones
  ShapeConflict conflict_;
  std::optional<limits::Limit> limit_;
};

}  // namespace sluice::store
