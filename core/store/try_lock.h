// A lock that is tried and never waited for: whoever does not get it parks its operation and tries in a later turn.
//
// In the store two have one: the shape registry and a job with several name sets. There it may be held across turns, by
// an operation rather than by a thread. In core/render the bodies of scrapes do, for a slice at most.
#pragma once

#include <utility>

#include "core/base/check.h"
#include "core/store/atomics.h"

namespace sluice::store {

class TryLock {
 public:
  [[nodiscard]] bool try_lock() noexcept {
    uint32_t unlocked = 0;
    // (1) seq_cst, pairs with (2): on success what the last holder wrote is seen; on failure the attempt is ordered
    // before the holder's unlocking, so that the holder's look afterwards sees why somebody tried (NameSets::unlock).
    return held_.compare_exchange_strong(unlocked, 1, std::memory_order_seq_cst, std::memory_order_seq_cst);
  }
  void unlock() noexcept {
    // (2) seq_cst store, pairs with (1).
    held_.store(0, std::memory_order_seq_cst);
  }
  // For assertions only.
  [[nodiscard]] bool held() const noexcept { return held_.load(std::memory_order_relaxed) != 0; }  // relaxed: a figure

 private:
  Atomic<uint32_t> held_{0};
};

// Gives the lock back when it goes out of scope, unless kept.
class TryLockHold {
 public:
  TryLockHold() noexcept = default;
  ~TryLockHold() { reset(); }
  TryLockHold(const TryLockHold&) = delete;
  TryLockHold& operator=(const TryLockHold&) = delete;

  // False: another operation holds it.
  [[nodiscard]] bool acquire(TryLock& lock) noexcept {
    SLUICE_DCHECK(lock_ == nullptr);
    if (!lock.try_lock()) return false;
    lock_ = &lock;
    return true;
  }
  [[nodiscard]] bool held() const noexcept { return lock_ != nullptr; }
  void reset() noexcept {
    if (TryLock* lock = std::exchange(lock_, nullptr)) lock->unlock();
  }

 private:
  TryLock* lock_ = nullptr;
};

}  // namespace sluice::store
