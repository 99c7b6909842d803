// How often something happens for each of many keys, limited for each: requests of an address, pushes of a job.
//
// A key may do so many things at once as it may do in a second, and then one whenever its share of a second has passed.
// A table of fixed size, in buckets of one cache line: a cell is 16 bits of the key's hash and the time, in
// microseconds, at which the key will have its whole second again; a cell of the past is free. Nothing is swept.
//
// Two keys share a cell when those bits and the bucket are the same: hash with a secret. A key whose bucket is full of
// others that are busy is not limited, as is one of two whose threads both were the first to see it.
//
// Threads: any. Lock-free: a failed exchange means that another one succeeded. Linearization: the exchange.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::sync {

class KeyedRates {
 public:
  // 2^`bits` buckets of 8 cells; `per_second` up to a million, 0 for no limit and no memory. `start_ns`: of the clock
  // that take() is given, which must not go back.
  KeyedRates(uint64_t per_second, unsigned bits, int64_t start_ns)
      : share_us_(per_second == 0 ? 0 : kSecondUs / per_second),
        start_ns_(start_ns),
        buckets_(per_second == 0 ? 0 : size_t{1} << bits),
        mask_((uint64_t{1} << bits) - 1) {}
  KeyedRates(const KeyedRates&) = delete;
  KeyedRates& operator=(const KeyedRates&) = delete;

  [[nodiscard]] bool limited() const noexcept { return share_us_ != 0; }

  // Whether the key may do it once more at this time; then it counts.
  [[nodiscard]] bool take(uint64_t hash, int64_t now_ns) noexcept {
    if (!limited()) return true;
    const uint64_t now = static_cast<uint64_t>(now_ns - start_ns_) / 1000 + 1;
    const uint64_t tag = hash & ~kTime;
    Bucket& bucket = buckets_[hash & mask_];
    while (true) {
      std::atomic<uint64_t>* mine = nullptr;
      uint64_t seen = 0;
      for (std::atomic<uint64_t>& cell : bucket.cells) {
        // Relaxed, all of them: a cell publishes nothing but itself, and the exchange looks again.
        const uint64_t value = cell.load(std::memory_order_relaxed);
        const bool free = (value & kTime) <= now;
        if (!free && (value & ~kTime) != tag) continue;
        if (mine != nullptr && free) continue;
        mine = &cell;
        seen = value;
        if (!free) break;
      }
      if (mine == nullptr) return true;
      const uint64_t busy = std::max(seen & kTime, now);
      if (busy - now > kSecondUs - share_us_) return false;
      if (mine->compare_exchange_weak(seen, tag | (busy + share_us_), std::memory_order_relaxed)) return true;
    }
  }

 private:
  static constexpr uint64_t kTime = (uint64_t{1} << 48) - 1;  // nine years
  static constexpr uint64_t kSecondUs = 1'000'000;
  struct alignas(64) Bucket {
    std::array<std::atomic<uint64_t>, 8> cells{};
  };

  const uint64_t share_us_;
  const int64_t start_ns_;
  std::vector<Bucket> buckets_;
  const uint64_t mask_;
};

}  // namespace sluice::sync
