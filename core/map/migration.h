// Moving a shard from one table to the next, a few buckets at a time, by whoever mutates the shard.
//
// Each slot is frozen, then its entry is copied, then the slot is marked moved; all three steps are idempotent, so any
// number of helpers may work on the same slot and any of them may stop for ever.
//  - Frozen is final: an insert or erase that meets a frozen slot of its own goes to the next table.
//  - Copied once: the copy looks for the entry's address in its probe sequence in the next table, DEAD ones included,
//  and
//    takes the first EMPTY only if it meets none. Since slots never change their entry, a helper that wakes late finds
//    what others did, even if the entry has been erased meanwhile. It cannot take a new entry at a reused address for
//    the old one: an entry at a reused address was allocated after a grace period that began after the next table was
//    published, so its insert went to the next table and no helper copies it.
//  - Marked before touched: a mutation of a key in the next table first moves the key's probe sequence, so an entry
//  that
//    was erased from the next table is marked moved here before it is retired. Hence an unmarked entry may be followed.
//  - `moved_buckets` only says from where to go on. A helper that advances it has itself seen all of those slots moved.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/map/slot.h"
#include "core/map/table.h"

namespace sluice::map {

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
struct Migration {
  using T = Table<Atomics>;
  using Slot = typename Atomics::template Atomic<uint64_t>;

  // Moves the next kHelpBuckets buckets. True when the whole table has been moved.
  static bool help(T& from, T& to) noexcept {
    // (7) acquire load, pairs with (8): the buckets before have been moved.
    uint64_t first = from.moved_buckets.load(std::memory_order_acquire);
    if (first >= from.buckets()) return true;
    const uint64_t end = std::min<uint64_t>(first + kHelpBuckets, from.buckets());
    prefetch_entries(from, first, end);
    for (uint64_t i = first; i < end; ++i) {
      for (Slot& slot : from.bucket(i).slots) static_cast<void>(move_slot(slot, to));
    }
    // (8) acq_rel on success, pairs with (7): hands on what this helper did and what it acquired. Failure means that
    // another helper moved the same buckets; acquire, since the value answers the question of the end.
    if (from.moved_buckets.compare_exchange_strong(first, end, std::memory_order_acq_rel, std::memory_order_acquire)) {
      first = end;
    }
    return first >= from.buckets();
  }

  // Moves the probe sequence of a hash up to its first EMPTY. After this, mutations of the key belong in `to`.
  static void move_run(T& from, T& to, uint64_t hash) noexcept {
    static_cast<void>(
        from.probe(from.home(hash), [&to](Slot& slot) noexcept { return slot::is_empty(move_slot(slot, to)); }));
  }

 private:
  // Freezes and moves one slot; returns the word it was frozen with.
  static uint64_t move_slot(Slot& slot, T& to) noexcept {
    const uint64_t word = freeze(slot);
    if (slot::is_empty(word) || slot::is_dead(word) || slot::is_moved(word)) return word;
    copy(word, to);
    // (9) release store, pairs with the acquire loads (3) of the slot: the copy is in the next table. All helpers store
    // the same word, and nothing else is stored into a frozen entry's slot.
    slot.store(word | slot::kMoved, std::memory_order_release);
    return word;
  }

  static uint64_t freeze(Slot& slot) noexcept {
    uint64_t word = slot.load(std::memory_order_acquire);  // (3) acquire load, pairs with (4), (5), (6), (9).
    while (!slot::is_frozen(word)) {
      // (6) acq_rel on success: releases that `next` is set to whoever meets the frozen slot. Acquire on failure as
      // (3).
      if (slot.compare_exchange_strong(word, word | slot::kFrozen, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        return word | slot::kFrozen;
      }
    }
    return word;
  }

  static void copy(uint64_t word, T& to) noexcept {
    Entry* entry = slot::entry<Entry>(word);
    const uint64_t fresh = word & ~slot::kFlags;
    const bool settled = to.probe(to.home(entry->hash()), [&](Slot& slot) noexcept {
      uint64_t there = slot.load(std::memory_order_acquire);  // (3)
      if (there == slot::kEmpty) {
        // Counted before it is there, so that the count is never short. Relaxed: published by (9) and (8).
        to.moved_in.fetch_add(1, std::memory_order_relaxed);
        // (4) release on success, pairs with (3): the entry's content, acquired from the old slot. Acquire on failure.
        if (slot.compare_exchange_strong(there, fresh, std::memory_order_acq_rel, std::memory_order_acquire))
          return true;
        to.moved_in.fetch_sub(1, std::memory_order_relaxed);  // Relaxed as above.
      }
      if (slot::entry<Entry>(there) == entry) return true;  // Copied by another, perhaps erased or moved on since.
      // A frozen EMPTY: `to` is being moved itself, so this table had been moved entirely before, this entry included.
      return slot::is_empty(there);
    });
    SLUICE_CHECK(settled);  // The next table has room reserved for every entry.
  }

  // The hash of each entry is needed, and entries are scattered: overlap the misses.
  static void prefetch_entries(T& from, uint64_t first, uint64_t end) noexcept {
    for (uint64_t i = first; i < end; ++i) {
      for (Slot& slot : from.bucket(i).slots) {
        // Relaxed: a hint; the address is not followed here.
        __builtin_prefetch(slot::entry<Entry>(slot.load(std::memory_order_relaxed)));
      }
    }
  }
};

}  // namespace sluice::map
