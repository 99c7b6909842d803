// A token bucket that many threads draw from: `burst` tokens at first, and one more each `interval`, up to `burst`.
//
// It is one number, the time at which the bucket will be full again; a token moves it on by one interval, and is there
// if that lies at most burst intervals ahead. Lock-free, and an allowed draw is one compare-and-swap.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

namespace sluice::sync {

class TokenBucket {
 public:
  // An interval that is not positive is no limit; a burst that is not positive lets nothing through.
  TokenBucket(int64_t interval_ns, int64_t burst) noexcept
      : interval_ns_(interval_ns), room_ns_(room(interval_ns, burst)) {}
  TokenBucket(const TokenBucket&) = delete;
  TokenBucket& operator=(const TokenBucket&) = delete;

  // Whether there was a token at `now_ns` (monotonic), which is then gone.
  [[nodiscard]] bool take(int64_t now_ns) noexcept {
    if (interval_ns_ <= 0) return true;
    int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);  // relaxed: the number is all that is shared
    for (;;) {
      const int64_t begin = std::max(full_at, now_ns);
      if (room_ns_ - (begin - now_ns) < interval_ns_) return false;
      // Relaxed: as above.
      if (full_at_ns_.compare_exchange_weak(full_at, begin + interval_ns_, std::memory_order_relaxed)) return true;
    }
  }

 private:
  // burst intervals, at most 146 years: the sum with a time must not overflow.
  static int64_t room(int64_t interval_ns, int64_t burst) noexcept {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
    if (interval_ns <= 0 || burst <= 0) return 0;
    return burst > kMost / interval_ns ? kMost : interval_ns * burst;
  }

  const int64_t interval_ns_;
  const int64_t room_ns_;
  std::atomic<int64_t> full_at_ns_{std::numeric_limits<int64_t>::min() / 2};
};

}  // namespace sluice::sync
