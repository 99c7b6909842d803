// The epoch: one counter that orders retirements, grace periods, wake-ups and snapshots.
//
// Every claim of the domain rests on one fact: draw() and join() are read-modify-writes of the same variable, so any
// two of them are ordered, and what was written before the earlier one is seen after the later one. "Unpublish, then
// draw" against "announce, then join" therefore leaves only two outcomes: the reader does not see the object, or the
// writer sees the reader. No fence is needed, and no reader's load has to be seq_cst.
#pragma once

#include <cstdint>

#include "core/sync/atomics.h"

namespace sluice::sync {

template <typename Atomics>
class alignas(kCacheLineBytes) EpochClock {
 public:
  EpochClock() = default;
  EpochClock(const EpochClock&) = delete;
  EpochClock& operator=(const EpochClock&) = delete;

  // A new, unique epoch; everything that the caller wrote before is seen by whoever reads this epoch or a later one.
  // Wait-free.
  [[nodiscard]] uint64_t draw() noexcept {
    // (1) seq_cst read-modify-write, pairs with (1), (2) and (3): orders unpublishing against announcing.
    return now_.fetch_add(1, std::memory_order_seq_cst) + 1;
  }

  // The present epoch as a read-modify-write, for those who announced themselves just before. Wait-free.
  uint64_t join() noexcept {
    // (2) seq_cst read-modify-write of nothing, pairs with (1): publishes the announcement to every later draw.
    return now_.fetch_add(0, std::memory_order_seq_cst);
  }

  // The present epoch. Wait-free.
  [[nodiscard]] uint64_t now() const noexcept {
    // (3) acquire load, pairs with (1): what was unpublished before this epoch was drawn cannot be found any more.
    return now_.load(std::memory_order_acquire);
  }

 private:
  typename Atomics::template Atomic<uint64_t> now_{1};
};

}  // namespace sluice::sync
