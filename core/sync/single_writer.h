// A number that one thread writes and any thread may read: counters and gauges of a worker, read at a scrape.
//
// No ordering is promised: readers see some recent value of each cell, cells are not consistent with one another.
// add() is a plain load, add and store: no locked instruction, right only because there is one writer.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::sync {

template <typename T = uint64_t>
class SingleWriter {
 public:
  void add(T amount) noexcept {
    // Relaxed: a figure for people, it publishes nothing.
    value_.store(static_cast<T>(value_.load(std::memory_order_relaxed) + amount), std::memory_order_relaxed);
  }
  void set(T value) noexcept { value_.store(value, std::memory_order_relaxed); }  // relaxed: as in add()
  SingleWriter& operator++() noexcept { return add(1), *this; }
  SingleWriter& operator--() noexcept { return add(static_cast<T>(-1)), *this; }
  SingleWriter& operator+=(T amount) noexcept { return add(amount), *this; }
  // Reads like the number that it is.
  operator T() const noexcept { return get(); }  // NOLINT(google-explicit-constructor)
  [[nodiscard]] T get() const noexcept { return value_.load(std::memory_order_relaxed); }  // relaxed: as in add()

 private:
  std::atomic<T> value_{};
};

}  // namespace sluice::sync
