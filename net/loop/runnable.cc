#include "net/loop/runnable.h"

#include <algorithm>

#include "core/base/check.h"

namespace sluice::net::loop {

RunQueue::~RunQueue() { SLUICE_CHECK(size() == 0); }

void RunQueue::schedule(Runnable& runnable, Runnable::Work work) noexcept {
  if (runnable.queued_) return;
  parked_streak_ = 0;
  push(runnable, work);
}

void RunQueue::unschedule(Runnable& runnable) noexcept {
  if (running_ == &runnable) running_ = nullptr;
  if (runnable.queued_) unlink(runnable);
}

RunQueue::Left RunQueue::run_round(int64_t long_slice_ns, Deadline short_until) {
  const bool long_work = long_.size > 0 && long_slice_ns > 0;  // what becomes long in this round has had its slice
  const bool left_out = long_.size > 0 && long_slice_ns == 0;
  const uint32_t slices = std::min(short_.size, kSlicesPerTurn - 1);
  for (uint32_t i = 0; i < slices && short_.size > 0; ++i) {
    if (i > 0 && short_until.passed()) break;
    run_first(short_, limits::kSliceNs);
  }
  surplus_ran_ = false;
  if (long_work && long_.size > 0) {
    surplus_ran_ = long_.head->work_ == Runnable::Work::kSurplus;
    run_first(long_, long_slice_ns);
  }
  if (size() == 0) return Left::kNothing;
  if (left_out) return Left::kWork;
  // Everybody in the queue has said so since anything else happened.
  return parked_streak_ >= size() ? Left::kParkedOnly : Left::kWork;
}

void RunQueue::run_first(List& list, int64_t slice_ns) {
  Runnable& runnable = *list.head;
  unlink(runnable);
  running_ = &runnable;
  const Runnable::Again again = runnable.run(Deadline::in_ns(slice_ns));
  // Unscheduled, perhaps destroyed, by its own run: not to be touched any more.
  const bool gone = running_ == nullptr;
  running_ = nullptr;
  if (again == Runnable::Again::kParked) ++parked_streak_;
  if (again == Runnable::Again::kYes) parked_streak_ = 0;
  if (again == Runnable::Again::kNo || gone || runnable.queued_) return;
  push(runnable, again == Runnable::Again::kYes ? Runnable::Work::kLong : Runnable::Work::kShort);
}

void RunQueue::push(Runnable& runnable, Runnable::Work work) noexcept {
  runnable.work_ = work;
  List& list = list_of(runnable);
  runnable.queued_ = true;
  runnable.next_ = nullptr;
  runnable.previous_ = list.tail;
  (list.tail != nullptr ? list.tail->next_ : list.head) = &runnable;
  list.tail = &runnable;
  ++list.size;
}

void RunQueue::unlink(Runnable& runnable) noexcept {
  SLUICE_DCHECK(runnable.queued_);
  List& list = list_of(runnable);
  (runnable.next_ != nullptr ? runnable.next_->previous_ : list.tail) = runnable.previous_;
  (runnable.previous_ != nullptr ? runnable.previous_->next_ : list.head) = runnable.next_;
  runnable.next_ = runnable.previous_ = nullptr;
  runnable.queued_ = false;
  --list.size;
}

}  // namespace sluice::net::loop
