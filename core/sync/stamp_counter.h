// The one global counter of stamps.
#pragma once

#include <cstdint>

#include "core/sync/atomics.h"

namespace sluice::sync {

// Orders the versions of all groups: drawn inside a mutation's compare-and-swap loop, continued at start above
// everything found on disk, never reset, never a clock. One per process. Any thread. Wait-free; 64 bits never wrap.
// Stamps start at 1.
template <typename Atomics>
class alignas(kCacheLineBytes) BasicStampCounter {
 public:
  BasicStampCounter() = default;
  BasicStampCounter(const BasicStampCounter&) = delete;
  BasicStampCounter& operator=(const BasicStampCounter&) = delete;

  // A new, unique stamp, above every stamp that happened before it.
  [[nodiscard]] uint64_t next() noexcept {
    // (1) acq_rel read-modify-write, pairs with (1) and (2): what was written before a stamp was drawn is seen by
    // whoever draws or reads a later one.
    return last_.fetch_add(1, std::memory_order_acq_rel) + 1;
  }

  // The newest stamp drawn. At the end of a walk: nothing that the walk saw has a stamp above it, since each version
  // was published after its stamp was drawn.
  [[nodiscard]] uint64_t last() const noexcept {
    return last_.load(std::memory_order_acquire);  // (2) acquire load, pairs with (1).
  }

  // At start: the next stamp will be above `stamp`. Lock-free.
  void advance_to(uint64_t stamp) noexcept {
    uint64_t last = last_.load(std::memory_order_relaxed);  // Relaxed: the exchange below checks it.
    while (last < stamp &&
           !last_.compare_exchange_strong(last, stamp, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
  }

 private:
  typename Atomics::template Atomic<uint64_t> last_{0};
};

using StampCounter = BasicStampCounter<StdAtomics>;

}  // namespace sluice::sync
