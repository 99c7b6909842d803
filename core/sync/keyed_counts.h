// How many of something each of many keys has at the moment, counted by several threads: connections of an address.
//
// A table of fixed size, in buckets of one cache line: a cell is a part of the key's hash and its count, and is free
// when the count is 0. Whoever counts keeps the cell and gives it back by itself, so nothing is searched then.
//
// Two keys share a cell when 40 bits of their hashes and the bucket are the same: hash with a secret. A key whose
// bucket has no free cell is not counted, so the table should have several times as many cells as there are keys. Two
// threads that count the same key for the first time may take a cell each while a third gives one back: then a little
// more than the limit passes, never less.
//
// Threads: any. Lock-free: a failed exchange means that another one succeeded. Linearization: the exchange.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace sluice::sync {

class KeyedCounts {
 public:
  // One that was counted; must be given back.
  class Hold {
   public:
    Hold() = default;

   private:
    friend class KeyedCounts;
    std::atomic<uint64_t>* cell_ = nullptr;
  };

  // 2^`bits` buckets of 8 cells.
  explicit KeyedCounts(unsigned bits) : buckets_(size_t{1} << bits), mask_((uint64_t{1} << bits) - 1) {}
  KeyedCounts(const KeyedCounts&) = delete;
  KeyedCounts& operator=(const KeyedCounts&) = delete;

  // Counts one more of the key unless it has `most` already (false, and `hold` is empty).
  [[nodiscard]] bool add(uint64_t hash, uint64_t most, Hold& hold) noexcept {
    const uint64_t tag = hash & ~kCount;
    Bucket& bucket = buckets_[hash & mask_];
    while (true) {
      std::atomic<uint64_t>* mine = nullptr;
      uint64_t seen = 0;
      for (std::atomic<uint64_t>& cell : bucket.cells) {
        // Relaxed, all of them: a cell publishes nothing but itself, and the exchange looks again.
        const uint64_t value = cell.load(std::memory_order_relaxed);
        const bool free = (value & kCount) == 0;
        if (!free && (value & ~kCount) != tag) continue;
        if (mine != nullptr && free) continue;
        mine = &cell;
        seen = value;
        if (!free) break;
      }
      if (mine == nullptr) return true;
      const uint64_t count = seen & kCount;
      if (count >= most) return false;
      if (count == kCount) return true;
      if (mine->compare_exchange_weak(seen, tag | (count + 1), std::memory_order_relaxed)) {
        hold.cell_ = mine;
        return true;
      }
    }
  }

  // No effect on an empty hold, which it is afterwards.
  static void remove(Hold& hold) noexcept {
    if (hold.cell_ == nullptr) return;
    const uint64_t before = hold.cell_->fetch_sub(1, std::memory_order_relaxed);  // relaxed: as in add()
    SLUICE_CHECK((before & kCount) != 0);
    hold.cell_ = nullptr;
  }

 private:
  static constexpr uint64_t kCount = (uint64_t{1} << 24) - 1;
  struct alignas(64) Bucket {
    std::array<std::atomic<uint64_t>, 8> cells{};
  };

  std::vector<Bucket> buckets_;
  const uint64_t mask_;
};

}  // namespace sluice::sync
