// The tables of one probe (series_probe.h): the series of the push by label hash, and the groups compared already.
//
// Flat and of their final size from the start: the number of entries is known, so nothing is ever rehashed, and a table
// for a million entries goes in one piece. One owner, one thread; reused from push to push.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/model/canonical.h"

namespace sluice::store {

// The smallest power of two that leaves half of the slots free.
[[nodiscard]] inline size_t slots_for(size_t entries) noexcept { return std::bit_ceil(entries * 2 + 2); }

class SeriesIndex {
 public:
  // Forgets everything.
  void clear() noexcept {
    slots_.drop_large();
    family_ = 0;
    series_ = 0;
    started_ = false;
  }

  // Enters the series of `push`, the same in every step, until clear(). False: the slice is used up.
  [[nodiscard]] bool build(const model::CanonicalPush& push, Deadline deadline) {
    if (!started_) slots_.assign(slots_for(push.series));
    started_ = true;
    for (; family_ < push.families.size(); ++family_, series_ = 0) {
      const model::Fragment fragment = push.fragment(push.families[family_]);
      while (series_ < fragment.header().series) {
        enter(fragment.series_hashes()[series_]);
        if (++series_ % kPerCheck == 0 && deadline.passed()) return false;
      }
      if (family_ % kPerCheck == kPerCheck - 1 && deadline.passed()) {
        ++family_;
        series_ = 0;
        return false;
      }
    }
    return true;
  }

  // The first series of the push's family with this hash, or kNone.
  [[nodiscard]] uint32_t find(uint32_t family, uint64_t hash) const noexcept {
    const size_t mask = slots_.size() - 1;
    for (size_t at = place(family, hash) & mask; slots_[at].used != 0; at = (at + 1) & mask) {
      if (slots_[at].hash == hash && slots_[at].family == family) return slots_[at].used - 1;
    }
    return model::kNone;
  }

 private:
  static constexpr uint32_t kPerCheck = 128;  // about 10 us of cache misses
  struct Slot {
    uint64_t hash;
    uint32_t family;
    uint32_t used;  // series + 1, 0 for an empty slot
  };

  // Hashes are keyed, so their bits are as good as random; the same labels under many names must not meet.
  [[nodiscard]] static size_t place(uint32_t family, uint64_t hash) noexcept {
    return hash ^ (uint64_t{family} * 0x9e3779b97f4a7c15u >> 20);
  }
  void enter(uint64_t hash) noexcept {
    const size_t mask = slots_.size() - 1;
    size_t at = place(family_, hash) & mask;
    while (slots_[at].used != 0) at = (at + 1) & mask;
    slots_[at] = {hash, family_, series_ + 1};
  }

  ZeroedArray<Slot> slots_;
  uint32_t family_ = 0;  // the next one to enter
  uint32_t series_ = 0;  // of it
  bool started_ = false;
};

// Addresses of at most a number of objects that is known beforehand.
class AddressSet {
 public:
  void clear() noexcept {
    slots_.drop_large();
    started_ = false;
  }
  // False: it was there already. `most`: of different addresses until clear().
  [[nodiscard]] bool add(const void* address, size_t most) {
    if (!started_) slots_.assign(slots_for(most));
    started_ = true;
    const size_t mask = slots_.size() - 1;
    // Objects lie on cache lines of their own; multiplication moves what tells them apart upwards.
    const auto key = reinterpret_cast<uintptr_t>(address);
    size_t at = (key * 0x9e3779b97f4a7c15u >> 20) & mask;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
      if (slots_[at] == key) return false;
    }
    slots_[at] = key;
    return true;
  }

 private:
  ZeroedArray<uintptr_t> slots_;
  bool started_ = false;
};

}  // namespace sluice::store
