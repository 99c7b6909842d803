// std::atomic for stress tests: counts failed exchanges, and gives the processor away now and then just before an
// access, so that threads meet in the middle of operations even on few cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace sluice::sync::testing {

inline std::atomic<uint64_t> stress_failed_exchanges{0};

inline void maybe_yield() noexcept {
  thread_local uint32_t state = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&state) >> 4) | 1;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  if (state % 256 == 0) std::this_thread::yield();
}

template <typename T>
class StressAtomic : private std::atomic<T> {
  using Base = std::atomic<T>;

 public:
  StressAtomic() noexcept = default;
  StressAtomic(T value) noexcept : Base(value) {}  // NOLINT(google-explicit-constructor): as std::atomic

  T load(std::memory_order order) const noexcept {
    maybe_yield();
    return Base::load(order);
  }
  void store(T value, std::memory_order order) noexcept {
    maybe_yield();
    Base::store(value, order);
  }
  T exchange(T value, std::memory_order order) noexcept {
    maybe_yield();
    return Base::exchange(value, order);
  }
  template <typename D>
  T fetch_add(D delta, std::memory_order order) noexcept {
    maybe_yield();
    return Base::fetch_add(delta, order);
  }
  template <typename D>
  T fetch_sub(D delta, std::memory_order order) noexcept {
    maybe_yield();
    return Base::fetch_sub(delta, order);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    maybe_yield();
    if (Base::compare_exchange_strong(expected, desired, success, failure)) return true;
    stress_failed_exchanges.fetch_add(1, std::memory_order_relaxed);  // Relaxed: a count for the end.
    return false;
  }
};

struct StressAtomics {
  template <typename T>
  using Atomic = StressAtomic<T>;
  static constexpr bool kZeroBytesAreZero = true;
};

}  // namespace sluice::sync::testing
