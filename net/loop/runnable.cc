#include "net/loop/runnable.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace sluice::net::loop {

RunQueue::~RunQueue() { SLUICE_CHECK(size_ == 0); }

void RunQueue::schedule(Runnable& runnable) noexcept {
  if (runnable.queued_) return;
  parked_streak_ = 0;
  push(runnable);
}

void RunQueue::unschedule(Runnable& runnable) noexcept {
  if (running_ == &runnable) running_ = nullptr;
  if (runnable.queued_) unlink(runnable);
}

RunQueue::Left RunQueue::run_round() {
  const uint32_t slices = std::min(size_, kSlicesPerTurn);
  for (uint32_t i = 0; i < slices && head_ != nullptr; ++i) {
    Runnable& runnable = *head_;
    unlink(runnable);
    running_ = &runnable;
    const Runnable::Again again = runnable.run(Deadline::in_ns(limits::kSliceNs));
    // Unscheduled, perhaps destroyed, by its own run: not to be touched any more.
    const bool gone = running_ == nullptr;
    running_ = nullptr;
    if (again == Runnable::Again::kParked) ++parked_streak_;
    if (again == Runnable::Again::kYes) parked_streak_ = 0;
    if (again != Runnable::Again::kNo && !gone && !runnable.queued_) push(runnable);
  }
  if (size_ == 0) return Left::kNothing;
  // Everybody in the queue has said so since anything else happened.
  return parked_streak_ >= size_ ? Left::kParkedOnly : Left::kWork;
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
