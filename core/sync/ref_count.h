// Reference count of a shared block.
#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/sync/atomics.h"

namespace sluice::sync {

// Starts at one, the maker's. A holder may add references for others; whoever releases the last one frees the block.
// Any thread. Wait-free.
template <typename Atomics>
class BasicRefCount {
 public:
  BasicRefCount() = default;
  BasicRefCount(const BasicRefCount&) = delete;
  BasicRefCount& operator=(const BasicRefCount&) = delete;

  // The caller holds a reference already.
  void add(uint32_t references = 1) noexcept {
    // Relaxed: the caller's own reference keeps the block alive, and nothing is read through the count.
    const uint32_t before = count_.fetch_add(references, std::memory_order_relaxed);
    SLUICE_DCHECK(before != 0 && before + references > before);
    static_cast<void>(before);
  }

  // True for the last one: the caller frees the block.
  [[nodiscard]] bool release() noexcept {
    // (1) acq_rel read-modify-write, pairs with itself: every holder's reads come before the free.
    const uint32_t before = count_.fetch_sub(1, std::memory_order_acq_rel);
    SLUICE_CHECK(before != 0);
    return before == 1;
  }

  // The caller is the only holder, and nobody else can gain a reference but through it.
  [[nodiscard]] bool unique() const noexcept {
    return count_.load(std::memory_order_acquire) == 1;  // (2) acquire load, pairs with (1).
  }

 private:
  typename Atomics::template Atomic<uint32_t> count_{1};
};

using RefCount = BasicRefCount<StdAtomics>;

}  // namespace sluice::sync
