// One push from its merge to its publication; what a PushOp borrows from its writer.
//
// Stages: merge the families with the current version's; find the shape (or register it: shape_claim.h); build the
// version; find or announce the name set; in a job with several sets probe for duplicate series under the job's lock;
// publish by one compare-and-swap against the version that all of this was computed on. If that version is not current
// any more, at the swap or at the beginning of a later step, everything is computed again from the present one.
//
// Invariant: from the last look at the shape's state and at the job's list of sets to the compare-and-swap there is no
// quiescent point. Across quiescent points the machine holds references to the base version, the shape and the set, and
// looks the group up again.
// Locks: the registry's before the job's; nobody who holds a job's lock waits for the registry's, and nobody who holds
// either for the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/store/family_merge.h"
#include "core/store/group.h"
#include "core/store/name_sets.h"
#include "core/store/ops.h"
#include "core/store/series_probe.h"
#include "core/store/shape_claim.h"
#include "core/store/version_builder.h"

namespace sluice::store {

class WriterCore;

class PushMachine {
 public:
  explicit PushMachine(WriterCore& writer);
  ~PushMachine() { reset(); }
  PushMachine(const PushMachine&) = delete;
  PushMachine& operator=(const PushMachine&) = delete;

  [[nodiscard]] WriterCore& writer() noexcept { return writer_; }

  void start(const PushRequest& request);
  void start_fail(const model::GroupKey& key, int64_t wall_ns, const limits::Values* values, Pressure pressure);
  // After kDone the machine holds nothing and may be started again.
  [[nodiscard]] StepResult step(Deadline deadline, PushResult& result);
  // Gives everything back; nothing has been or will be published.
  void reset() noexcept;

 private:
  enum class Stage : uint8_t { kNone, kStart, kMerge, kShape, kBuild, kSet, kProbe, kPublish };
  enum class Next : uint8_t { kGoOn, kAgain, kParked, kDone };

  [[nodiscard]] Next advance(Deadline deadline, PushResult& result);
  [[nodiscard]] Next find_shape(Deadline deadline, PushResult& result);
  [[nodiscard]] Next build(Deadline deadline);
  [[nodiscard]] Next find_set(PushResult& result);
  [[nodiscard]] Next probe(Deadline deadline, PushResult& result);
  [[nodiscard]] Next publish(PushResult& result);
  // What the group grows by is counted for its job, unless that or something else is beyond a limit.
  [[nodiscard]] std::optional<limits::Limit> reserve() noexcept;
  [[nodiscard]] std::optional<limits::Limit> find_limit() const noexcept;
  [[nodiscard]] uint64_t group_bytes_max() const noexcept;
  // Nothing was published.
  void give_reserved_back() noexcept;
  [[nodiscard]] Next wait_for_journal() noexcept;
  [[nodiscard]] size_t change_bytes() const noexcept;
  // The first version of a group that another push, and perhaps a DELETE, was faster with.
  [[nodiscard]] Next lose_birth(bool inserted) noexcept;
  // Behind an attempt at a birth: `inserted`, and the group has our reference to the set.
  void give_set_away(bool inserted) noexcept;

  void refresh() noexcept;
  void restart(model::Version* base) noexcept;
  void hold_base() noexcept;
  void drop_base() noexcept;
  void drop_set() noexcept;
  void unlock_job() noexcept;
  [[nodiscard]] bool grace_over() noexcept;
  [[nodiscard]] bool has_series() const noexcept;
  [[nodiscard]] NameSet& current_set() noexcept { return group_ != nullptr ? group_->name_set() : *set_; }
  [[nodiscard]] Next limit(PushResult& result, limits::Limit which) noexcept;
  [[nodiscard]] Next conflict(PushResult& result, const model::Conflict& found);

  WriterCore& writer_;
  std::optional<PushRequest> request_;
  const limits::Values* values_ = nullptr;
  bool fail_ = false;     // sets the failure time instead
  bool held_up_ = false;  // by the journal, which is asked before anything else is done
  Stage stage_ = Stage::kNone;

  Group* group_ = nullptr;          // looked up in this step
  model::Version* base_ = nullptr;  // nullptr: no group
  bool base_held_ = false;
  FamilyMerge merge_;
  ShapeClaim claim_;
  VersionBuilder builder_;
  uint64_t built_base_ = 0;   // stamp of the base that builder_ works on, 0 for none
  uint64_t built_shape_ = 0;  // id of its shape
  std::string label_text_;
  NameSet* set_ = nullptr;  // a reference of our own: for a birth, and while the job's lock is held
  bool job_locked_ = false;
  SeriesProbe probe_;
  uint64_t grace_token_ = 0;
  Sums growth_;  // of the group
};

}  // namespace sluice::store
