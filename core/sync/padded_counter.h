// A counter with one cell per participant, so that counting touches no shared line.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/sync/atomics.h"

namespace sluice::sync {

// Each cell is written by the participant with that index only (Participant::index(); single-threaded owners use 0) and
// read by anybody. add is wait-free and costs no read-modify-write; sum is O(cells), exact when nobody adds, otherwise
// some value between (with negative deltas even a transient one below zero, hence signed).
template <typename Atomics>
class BasicPaddedCounter {
 public:
  explicit BasicPaddedCounter(uint32_t cells = limits::kParticipantsMax)
      : count_(cells), cells_(std::make_unique<Cell[]>(cells)) {}
  BasicPaddedCounter(const BasicPaddedCounter&) = delete;
  BasicPaddedCounter& operator=(const BasicPaddedCounter&) = delete;

  void add(uint32_t index, int64_t delta = 1) noexcept {
    SLUICE_DCHECK(index < count_);
    auto& value = cells_[index].value;
    // (1) release store, pairs with (2): who sees this count sees what was done before it was counted. The load is
    // relaxed: only this thread writes the cell.
    value.store(value.load(std::memory_order_relaxed) + delta, std::memory_order_release);
  }

  [[nodiscard]] int64_t sum() const noexcept {
    int64_t total = 0;
    for (uint32_t i = 0; i < count_; ++i) total += cell(i);
    return total;
  }

  // One participant's part: a change detector compares these, not the sum, in which +1 and -1 would hide each other.
  [[nodiscard]] int64_t cell(uint32_t index) const noexcept {
    SLUICE_DCHECK(index < count_);
    return cells_[index].value.load(std::memory_order_acquire);  // (2) acquire load, pairs with (1).
  }

  [[nodiscard]] uint32_t cells() const noexcept { return count_; }

 private:
  struct alignas(kCacheLineBytes) Cell {
    typename Atomics::template Atomic<int64_t> value{0};
  };

  const uint32_t count_;
  std::unique_ptr<Cell[]> cells_;
};

using PaddedCounter = BasicPaddedCounter<StdAtomics>;

}  // namespace sluice::sync
