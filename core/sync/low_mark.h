// What one thread may still owe: the lowest stamp that it has drawn, or is about to draw, and has not secured. And a
// place to hand one thing from a thread to another.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/sync/atomics.h"

namespace sluice::sync {

// One writer. Before it draws a stamp it sets the mark to a bound below that stamp, unless a lower one is set already;
// when everything below a stamp is secured it raises the mark to it, or to kNone.
//
// A reader that has drawn, or read from the counter, a stamp S and then finds the mark above S knows that the writer
// owes nothing up to S: had it drawn a smaller stamp, that draw would come before the reader's in the counter's order,
// whose read-modify-writes are acq_rel, and with it the mark that was set before it.
class alignas(kCacheLineBytes) LowMark {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;

  LowMark() = default;
  LowMark(const LowMark&) = delete;
  LowMark& operator=(const LowMark&) = delete;

  void set(uint64_t stamp) noexcept { mark_.store(stamp, std::memory_order_release); }  // (1)
  [[nodiscard]] uint64_t get() const noexcept {
    return mark_.load(std::memory_order_acquire);  // (2) acquire load, pairs with (1): what was secured is.
  }

 private:
  std::atomic<uint64_t> mark_{kNone};
};

// A slot for one object: one thread puts, another takes.
template <typename T>
class HandOver {
 public:
  HandOver() = default;
  ~HandOver() { static_cast<void>(take()); }
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  [[nodiscard]] bool empty() const noexcept {
    return slot_.load(std::memory_order_acquire) == nullptr;  // acquire load, pairs with (4): the slot may be filled.
  }
  // The slot must be empty.
  void put(std::unique_ptr<T> object) noexcept {
    slot_.store(object.release(), std::memory_order_release);  // (3) release store, pairs with (4): its content.
  }
  // nullptr when there is none.
  [[nodiscard]] std::unique_ptr<T> take() noexcept {
    // (4) acq_rel exchange, pairs with (3).
    return std::unique_ptr<T>(slot_.exchange(nullptr, std::memory_order_acq_rel));
  }

 private:
  std::atomic<T*> slot_{nullptr};
};

// A number that one thread sets for others, which see what it did before.
class Published {
 public:
  void set(uint64_t value) noexcept { value_.store(value, std::memory_order_release); }  // (5)
  [[nodiscard]] uint64_t get() const noexcept {
    return value_.load(std::memory_order_acquire);  // (6) acquire load, pairs with (5).
  }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace sluice::sync
