#include "net/loop/runnable.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace sluice::net::loop {

RunQueue::~RunQueue() { SLUICE_CHECK(size_ == 0); }

void RunQueue::schedule(Runnable& runnable) noexcept {
  if (!runnable.queued_) push(runnable);
}

void RunQueue::unschedule(Runnable& runnable) noexcept {
  if (running_ == &runnable) running_ = nullptr;
  if (runnable.queued_) unlink(runnable);
}

RunQueue::Left RunQueue::run_round() {
  bool all_parked = true;
  const uint32_t due = size_;
  const uint32_t slices = std::min(due, kSlicesPerTurn);
  for (uint32_t i = 0; i < slices && head_ != nullptr; ++i) {
    Runnable& runnable = *head_;
    unlink(runnable);
    running_ = &runnable;
    const Runnable::Again again = runnable.run(Deadline::in_ns(limits::kSliceNs));
    // Unscheduled, perhaps destroyed, by its own run: not to be touched any more.
    const bool gone = running_ == nullptr;
    running_ = nullptr;
    if (again != Runnable::Again::kNo) {
      all_parked = all_parked && again == Runnable::Again::kParked;
      if (!gone && !runnable.queued_) push(runnable);
    } else if (!gone && runnable.queued_) {
      all_parked = false;  // it scheduled itself anew
    }
  }
  if (size_ == 0) return Left::kNothing;
  // What was not run, or was scheduled meanwhile, is work until it has said otherwise.
  return all_parked && due <= kSlicesPerTurn && size_ <= due ? Left::kParkedOnly : Left::kWork;
}

void RunQueue::push(Runnable& runnable) noexcept {
  runnable.queued_ = true;
  runnable.next_ = nullptr;
  runnable.previous_ = tail_;
  (tail_ != nullptr ? tail_->next_ : head_) = &runnable;
  tail_ = &runnable;
  ++size_;
}

void RunQueue::unlink(Runnable& runnable) noexcept {
  SLUICE_DCHECK(runnable.queued_);
  (runnable.next_ != nullptr ? runnable.next_->previous_ : tail_) = runnable.previous_;
  (runnable.previous_ != nullptr ? runnable.previous_->next_ : head_) = runnable.next_;
  runnable.next_ = runnable.previous_ = nullptr;
  runnable.queued_ = false;
  --size_;
}

}  // namespace sluice::net::loop
