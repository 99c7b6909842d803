// One open-addressing table of a shard: its memory, its probe sequence and its counters.
//
// The home bucket is the top of the hash below the shard's bits, so that buckets are in hash order whatever the size: a
// walk can stop at a hash and go on in a larger or smaller table, and moving a table writes the next one front to back.
// Probing goes bucket by bucket from there, round the end. At least a quarter of the slots is EMPTY, for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include "core/base/check.h"
#include "core/base/large_memory.h"
#include "core/base/limits.h"
#include "core/sync/atomics.h"

namespace sluice::map {

inline constexpr size_t kSlotsPerBucket = 8;

template <typename Atomics>
struct alignas(sync::kCacheLineBytes) Bucket {
  typename Atomics::template Atomic<uint64_t> slots[kSlotsPerBucket];
};

// Owned by its shard until replaced, then by the participant that retired it. Threads: see shard.h.
template <typename Atomics>
class alignas(sync::kCacheLineBytes) Table {
 public:
  template <typename T>
  using Atomic = typename Atomics::template Atomic<T>;

  // `reserved`: slots spoken for by what will be moved in. Aborts when out of memory.
  [[nodiscard]] static Table* make(unsigned log2_buckets, uint64_t reserved) noexcept;
  static void destroy(void* table, void* /*context*/) noexcept;
  // The smallest table that `entries` fill by at most half. Two buckets at least: with one, every second erase would
  // rebuild.
  static constexpr unsigned kLog2BucketsMin = 1;
  [[nodiscard]] static unsigned log2_buckets_for(uint64_t entries) noexcept {
    unsigned log2 = kLog2BucketsMin;
    while ((kSlotsPerBucket << log2) < 2 * entries) ++log2;
    return log2;
  }

  [[nodiscard]] size_t buckets() const noexcept { return mask_ + 1; }
  [[nodiscard]] unsigned log2_buckets() const noexcept { return log2_; }
  [[nodiscard]] uint64_t slot_count() const noexcept { return buckets() * kSlotsPerBucket; }
  [[nodiscard]] size_t bytes() const noexcept { return sizeof(Table) + buckets() * sizeof(Bucket<Atomics>); }

  // The hash without the shard's bits: what orders the buckets.
  [[nodiscard]] static uint64_t position(uint64_t hash) noexcept { return hash << limits::kMapShardBits; }
  [[nodiscard]] size_t home_of_position(uint64_t position) const noexcept {
    return log2_ == 0 ? 0 : position >> (64 - log2_);
  }
  [[nodiscard]] size_t home(uint64_t hash) const noexcept { return home_of_position(position(hash)); }

  [[nodiscard]] Bucket<Atomics>& bucket(size_t index) noexcept { return buckets_[index & mask_]; }
  [[nodiscard]] const Bucket<Atomics>& bucket(size_t index) const noexcept { return buckets_[index & mask_]; }

  // Calls visit(slot) in probe order from a bucket on until it returns true; false when the whole table was seen.
  template <typename Visit>
  bool probe(size_t from, Visit&& visit) noexcept {
    for (size_t i = 0; i <= mask_; ++i) {
      for (auto& slot : bucket(from + i).slots) {
        if (visit(slot)) return true;
      }
    }
    return false;
  }

  // Reserves a slot for an insert; false when the table is full enough to be rebuilt, or closed for that. What the
  // bound rests on is the order of changes of this one variable, so relaxed suffices.
  [[nodiscard]] bool reserve() noexcept {
    const uint64_t before = used_.fetch_add(1, std::memory_order_relaxed);
    if (before < limit_) return true;
    unreserve();
    return false;
  }
  void unreserve(uint64_t slots = 1) noexcept { used_.fetch_sub(slots, std::memory_order_relaxed); }

  // From now on no reservation succeeds. Returns an upper bound of the entries that can have to be moved.
  [[nodiscard]] uint64_t close() noexcept;

  // Counts an erased entry; true when a quarter of the slots is dead and the table ought to be rebuilt.
  [[nodiscard]] bool count_dead() noexcept {
    // (13) acq_rel, pairs with (14): the slot was DEAD before it was counted.
    return (dead_.fetch_add(1, std::memory_order_acq_rel) + 1) * 4 >= slot_count();
  }

  // Fixed after construction, and `next`, which is set once.
 private:
  void* memory_ = nullptr;
  Bucket<Atomics>* buckets_ = nullptr;
  size_t mask_ = 0;
  unsigned log2_ = 0;
  uint64_t limit_ = 0;

 public:
  uint64_t reserved = 0;
  Atomic<Table*> next{nullptr};
  // Shared by mutations: a line of their own.
  alignas(sync::kCacheLineBytes) Atomic<uint64_t> moved_buckets{0};  // those before are frozen and moved
  Atomic<uint64_t> moved_in{0};                                      // entries copied into this table

 private:
  static constexpr uint64_t kClosed = uint64_t{1} << 40;
  // Larger tables are mapped; clearing what is smaller takes a few microseconds.
  static constexpr size_t kMappedBytes = 128 * 1024;

  [[nodiscard]] static constexpr size_t allocated_bytes(size_t buckets) noexcept {
    return sizeof(Table) + buckets * sizeof(Bucket<Atomics>) + sync::kCacheLineBytes;
  }

  Atomic<uint64_t> used_{0};  // slots taken or spoken for, never fewer than are not EMPTY; plus kClosed
  Atomic<uint64_t> dead_{0};
};

template <typename Atomics>
Table<Atomics>* Table<Atomics>::make(unsigned log2_buckets, uint64_t reserved) noexcept {
  const size_t buckets = size_t{1} << log2_buckets;
  const size_t bytes = allocated_bytes(buckets);
  // A large one comes from fresh pages, which are cleared as helpers touch them and not in one stretch, and goes back
  // to the system in slices. From malloc it would, once it has seen that size freed, be used memory cleared at once.
  void* memory = bytes < kMappedBytes ? std::calloc(1, bytes) : allocate_large(bytes);
  SLUICE_CHECK(memory != nullptr);
  void* aligned = memory;
  size_t space = bytes;
  aligned = std::align(sync::kCacheLineBytes, bytes - sync::kCacheLineBytes, aligned, space);
  SLUICE_CHECK(aligned != nullptr);
  auto* table = new (aligned) Table;
  auto* first = reinterpret_cast<std::byte*>(aligned) + sizeof(Table);
  if constexpr (Atomics::kZeroBytesAreZero) {
    table->buckets_ = reinterpret_cast<Bucket<Atomics>*>(first);
  } else {
    table->buckets_ = new (first) Bucket<Atomics>[buckets];
  }
  table->memory_ = memory;
  table->mask_ = buckets - 1;
  table->log2_ = log2_buckets;
  table->limit_ = buckets * kSlotsPerBucket / 4 * 3;
  table->reserved = reserved;
  table->used_.store(reserved, std::memory_order_relaxed);  // Relaxed: published with the table.
  SLUICE_CHECK(reserved < table->limit_);
  return table;
}

template <typename Atomics>
void Table<Atomics>::destroy(void* table, void* /*context*/) noexcept {
  auto* self = static_cast<Table*>(table);
  if constexpr (!Atomics::kZeroBytesAreZero) std::destroy_n(self->buckets_, self->buckets());
  void* memory = self->memory_;
  const size_t bytes = allocated_bytes(self->buckets());
  self->~Table();
  if (bytes < kMappedBytes) {
    std::free(memory);
  } else {
    release_large(memory, bytes);
  }
}

template <typename Atomics>
uint64_t Table<Atomics>::close() noexcept {
  uint64_t used = used_.load(std::memory_order_relaxed);  // Relaxed: as in reserve().
  if (used < kClosed) used = used_.fetch_add(kClosed, std::memory_order_relaxed);
  used &= kClosed - 1;
  const uint64_t dead = dead_.load(std::memory_order_acquire);  // (14) acquire load, pairs with (13).
  return used > dead ? used - dead : 0;
}

}  // namespace sluice::map
