// A number that several threads change and any may read: sums that are compared with a limit.
//
// No ordering is promised: it publishes nothing, and is not consistent with others. Wait-free.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::sync {

class SharedNumber {
 public:
  SharedNumber() = default;
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;

  // What it is then.
  int64_t add(int64_t amount) noexcept {
    // Relaxed: one number alone; the sum is right whatever the order.
    return value_.fetch_add(amount, std::memory_order_relaxed) + amount;
  }
  void set(int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }           // relaxed: as in add()
  [[nodiscard]] int64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }  // relaxed: as in add()

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace sluice::sync
