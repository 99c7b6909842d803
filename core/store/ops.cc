#include "core/store/ops.h"

#include <utility>

#include "core/base/check.h"
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

void PushOp::start_fail(Writer& writer, const model::GroupKey& key, int64_t wall_ns) {
  cancel();
  machine_ = writer.core().borrow_machine();
  machine_->start_fail(key, wall_ns);
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

EraseResult erase_group(Writer& writer, const model::GroupKey& key) noexcept {
  WriterCore& core = writer.core();
  SLUICE_DCHECK_OWNER(core.owner);
  for (;;) {
    model::Version* version = nullptr;
    Group* group = core.find_group(key, version);
    if (group == nullptr) return {false, core.store.stamps.last()};
    core.begin_mutation();
    const uint64_t stamp = core.store.stamps.next();
    const bool killed = core.kill_group(*group, *version);
    core.end_mutation();
    if (killed) return {true, stamp};
    core.counters.cas_failures.add(1);
  }
}

// Walks every shard once and deletes what is older than the wipe.
class WipeMachine {
 public:
  explicit WipeMachine(WriterCore& writer) : writer_(writer), stamp_(writer.store.stamps.next()) {}

  [[nodiscard]] uint64_t stamp() const noexcept { return stamp_; }
  [[nodiscard]] uint64_t groups() const noexcept { return groups_; }

  [[nodiscard]] bool step(Deadline deadline) {
    while (shard_ < GroupMap::shard_count()) {
      const bool done = writer_.store.groups.walk_shard(shard_, cursor_, kBucketsPerSlice, writer_.participant,
                                                        [this](Group& group) { wipe(group); });
      if (done) {
        ++shard_;
        cursor_.reset();
      }
      if (shard_ < GroupMap::shard_count() && deadline.passed()) return false;
    }
    return true;
  }

 private:
  void wipe(Group& group) noexcept {
    for (;;) {
      model::Version* version = group.cell.current();
      if (version == nullptr || version == Group::Cell::dead() || version->stamp() > stamp_) return;
      writer_.begin_mutation();
      const bool killed = writer_.kill_group(group, *version);
      writer_.end_mutation();
      if (killed) {
        ++groups_;
        return;
      }
      writer_.counters.cas_failures.add(1);
    }
  }

  WriterCore& writer_;
  const uint64_t stamp_;
  uint64_t groups_ = 0;
  size_t shard_ = 0;
  map::WalkCursor<Group> cursor_;
};

void WipeOp::start(Writer& writer) {
  cancel();
  machine_ = new WipeMachine(writer.core());
}

StepResult WipeOp::step(Deadline deadline) {
  SLUICE_CHECK(machine_ != nullptr);
  if (!machine_->step(deadline)) return StepResult::kAgain;
  stamp_ = machine_->stamp();
  groups_ = machine_->groups();
  cancel();
  return StepResult::kDone;
}

void WipeOp::cancel() noexcept { delete std::exchange(machine_, nullptr); }

}  // namespace sluice::store
