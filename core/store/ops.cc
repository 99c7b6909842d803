#include "core/store/ops.h"

#include <utility>

#include "core/base/check.h"
#include "core/store/group_walk.h"
#include "core/store/store_core.h"

namespace sluice::store {
namespace {

constexpr size_t kBucketsPerSlice = 4;  // about 25 deletions of 300 ns

}  // namespace

void PushOp::start(Writer& writer, const PushRequest& request) {
  cancel();
  machine_ = writer.core().borrow_machine();
  machine_->start(request);
}

void PushOp::start_fail(Writer& writer, const model::GroupKey& key, int64_t wall_ns, const limits::Values* values,
                        Pressure pressure) {
  cancel();
  machine_ = writer.core().borrow_machine();
  machine_->start_fail(key, wall_ns, values, pressure);
}

StepResult PushOp::step(Deadline deadline) {
  SLUICE_CHECK(machine_ != nullptr);
  const StepResult step = machine_->step(deadline, result_);
  if (step == StepResult::kDone) cancel();
  return step;
}

void PushOp::cancel() noexcept {
  if (PushMachine* machine = std::exchange(machine_, nullptr)) machine->writer().give_back(machine);
}

namespace {

// Kills the group if `version` still is its own.
struct Killed {
  Journal::Verdict verdict = Journal::Verdict::kAccept;
  bool killed = false;
  uint64_t stamp = 0;
};
Killed kill(WriterCore& core, Group& group, model::Version& version) noexcept {
  Killed result;
  result.verdict = core.begin_change(0);
  if (result.verdict != Journal::Verdict::kAccept) return result;
  core.begin_mutation();
  result.stamp = core.store.stamps.next();
  result.killed = core.kill_group(group, version);
  Change change;
  change.kind = ChangeKind::kErase;
  change.stamp = result.stamp;
  change.label_text = version.label_text();  // replaced and retired, not freed within this step
  core.end_change(result.killed, change);
  core.end_mutation();
  if (!result.killed) core.counters.cas_failures.add(1);
  return result;
}

}  // namespace

EraseResult erase_group(Writer& writer, const model::GroupKey& key) noexcept {
  using Status = EraseResult::Status;
  WriterCore& core = writer.core();
  SLUICE_DCHECK_OWNER(core.owner);
  for (;;) {
    model::Version* version = nullptr;
    Group* group = core.find_group(key, version);
    if (group == nullptr) return {Status::kDone, false, core.store.stamps.last()};
    const Killed result = kill(core, *group, *version);
    switch (result.verdict) {
      case Journal::Verdict::kPark:
        return {Status::kParked, true, 0};
      case Journal::Verdict::kRefuse:
        return {Status::kRefused, true, 0};
      case Journal::Verdict::kAccept:
        break;
    }
    if (result.killed) return {Status::kDone, true, result.stamp};
  }
}

// Walks every shard once and deletes what has anything older than the wipe.
class WipeMachine {
 public:
  WipeMachine(WriterCore& writer, WipeOp::Filter filter, uint64_t groups_max)
      : writer_(writer),
        filter_(std::move(filter)),
        groups_max_(groups_max),
        buckets_(filter_ ? 1 : kBucketsPerSlice),
        wipe_(writer.store.begin_wipe()) {}

  // Not below that of any DELETE that left it nothing to do.
  [[nodiscard]] uint64_t stamp() const noexcept { return writer_.store.stamps.last(); }
  [[nodiscard]] uint64_t groups() const noexcept { return groups_; }
  [[nodiscard]] bool refused() const noexcept { return verdict_ == Journal::Verdict::kRefuse; }

  [[nodiscard]] StepResult step(Deadline deadline) {
    verdict_ = Journal::Verdict::kAccept;
    while (shard_ < GroupMap::shard_count()) {
      const bool done = writer_.store.groups.walk_shard(shard_, cursor_, buckets_, writer_.participant,
                                                        [this](Group& group) { wipe(group); });
      if (refused()) return StepResult::kDone;
      if (verdict_ == Journal::Verdict::kPark) {
        cursor_.reset();
        return StepResult::kParked;
      }
      if (done) {
        ++shard_;
        cursor_.reset();
      }
      if (shard_ < GroupMap::shard_count() && deadline.passed()) return StepResult::kAgain;
    }
    return StepResult::kDone;
  }

 private:
  void wipe(Group& group) {
    while (verdict_ == Journal::Verdict::kAccept && groups_ < groups_max_) {
      model::Version* version = group.cell.current();
      if (version == nullptr || version == Group::Cell::dead() || !is_older(*version)) return;
      if (filter_ && !filter_({group.key(), group.hash(), group.stable_hash(), *version})) return;
      const Killed result = kill(writer_, group, *version);
      verdict_ = result.verdict;
      if (!result.killed) continue;
      ++groups_;
      return;
    }
  }

  // The numbers wrap around: of two the nearer way counts.
  [[nodiscard]] bool is_older(const model::Version& version) const noexcept {
    return static_cast<int32_t>(version.wipes() - wipe_) < 0;
  }

  WriterCore& writer_;
  const WipeOp::Filter filter_;
  const uint64_t groups_max_;
  const size_t buckets_;  // of a slice: a filter may take microseconds for a group
  const uint32_t wipe_;   // its number
  uint64_t groups_ = 0;
  Journal::Verdict verdict_ = Journal::Verdict::kAccept;  // of this step: the first that is not kAccept
  size_t shard_ = 0;
  map::WalkCursor<Group> cursor_;
};

void WipeOp::start(Writer& writer, Filter filter, uint64_t groups_max) {
  cancel();
  machine_ = new WipeMachine(writer.core(), std::move(filter), groups_max);
}

StepResult WipeOp::step(Deadline deadline) {
  SLUICE_CHECK(machine_ != nullptr);
  const StepResult step = machine_->step(deadline);
  if (step != StepResult::kDone) return step;
  stamp_ = machine_->stamp();
  groups_ = machine_->groups();
  refused_ = machine_->refused();
  cancel();
  return StepResult::kDone;
}

void WipeOp::cancel() noexcept { delete std::exchange(machine_, nullptr); }

}  // namespace sluice::store
