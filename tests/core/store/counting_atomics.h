// Atomics that count read-modify-writes and know which of them are on something shared: the cost that more threads make
// dearer. One real thread plays all writers in turn and says whose part it plays.
//
// Shared means: more than one writer has touched that atomic since it was made. Neighbours on one cache line are not
// seen; that is what alignas(kCacheLineBytes) in the structures is for.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::store::testing {

struct ModifyCounts {
  uint32_t writer = 0;     // who acts now, below 64
  uint64_t all = 0;        // read-modify-writes
  uint64_t on_shared = 0;  // those on an atomic that several writers have touched
};

[[nodiscard]] inline ModifyCounts& modify_counts() noexcept {
  static ModifyCounts counts;
  return counts;
}

template <typename T>
class CountingAtomic {
 public:
  CountingAtomic() noexcept : CountingAtomic(T{}) {}
  CountingAtomic(T value) noexcept : value_(value) { touch(); }  // NOLINT(google-explicit-constructor): as std::atomic
  CountingAtomic(const CountingAtomic&) = delete;
  CountingAtomic& operator=(const CountingAtomic&) = delete;

  T load(std::memory_order order) const noexcept {
    touch();
    return value_.load(order);
  }
  void store(T value, std::memory_order order) noexcept {
    touch();
    value_.store(value, order);
  }
  T exchange(T value, std::memory_order order) noexcept {
    modify();
    return value_.exchange(value, order);
  }
  template <typename D>
  T fetch_add(D delta, std::memory_order order) noexcept {
    modify();
    return value_.fetch_add(delta, order);
  }
  template <typename D>
  T fetch_sub(D delta, std::memory_order order) noexcept {
    modify();
    return value_.fetch_sub(delta, order);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    modify();
    return value_.compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  void touch() const noexcept { touched_by_ |= uint64_t{1} << modify_counts().writer; }
  void modify() const noexcept {
    touch();
    ModifyCounts& counts = modify_counts();
    ++counts.all;
    if ((touched_by_ & (touched_by_ - 1)) != 0) ++counts.on_shared;
  }

  std::atomic<T> value_;
  mutable uint64_t touched_by_ = 0;
};

struct CountingAtomics {
  template <typename T>
  using Atomic = CountingAtomic<T>;
  static constexpr bool kZeroBytesAreZero = false;
};

}  // namespace sluice::store::testing
