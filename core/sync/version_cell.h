// The cell that holds a group's current version.
#pragma once

#include "core/base/check.h"
#include "core/sync/atomics.h"

namespace sluice::sync {

// A pointer that is read by anybody and changed by compare-and-swap against the value that the change was computed
// from. Null at first; dead() is final: no compare_exchange expects it. The versions live as long as the epochs domain
// says: a loaded pointer is valid until the reader's next quiescent point, the replaced one is retired by who replaced
// it. Any thread. load is wait-free; compare_exchange is wait-free and fails when another mutation came first.
template <typename T, typename Atomics = StdAtomics>
class VersionCell {
 public:
  VersionCell() = default;
  explicit VersionCell(T* first) noexcept : version_(first) {}
  VersionCell(const VersionCell&) = delete;
  VersionCell& operator=(const VersionCell&) = delete;

  // The final value. A mark, never dereferenced.
  [[nodiscard]] static T* dead() noexcept {
    alignas(T) static constinit unsigned char mark[1] = {};
    return reinterpret_cast<T*>(mark);
  }

  [[nodiscard]] T* current() const noexcept {
    return version_.load(std::memory_order_acquire);  // (1) acquire load, pairs with (2): the version's content.
  }

  // Publishes `desired` (or dead()) if the cell still holds `expected`, which is updated otherwise.
  [[nodiscard]] bool compare_exchange(T*& expected, T* desired) noexcept {
    SLUICE_DCHECK(expected != dead());
    // (2) acq_rel on success, pairs with (1) and (2): publishes the new version, and acquires the old one for its
    // retirer. Acquire on failure: the caller computes on the value found.
    return version_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel, std::memory_order_acquire);
  }

 private:
  typename Atomics::template Atomic<T*> version_{nullptr};
};

}  // namespace sluice::sync
