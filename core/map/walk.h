// Visiting a shard in slices.
//
// A slice visits some home buckets of one table, in hash order, and reads each slot of their probe sequences once. The
// cursor is a hash, so the next slice may find another table of any size. An entry that stays has one slot in whichever
// table is the root when its home bucket is visited, and an entry's home lies in one slice: it is seen exactly once. If
// the table begins to move during the slice, its frozen slots still hold their entries, and none of them is freed
// before the walker's next quiescent point. A key that is erased and inserted again while its bucket is read could show
// two entries; they have the same home, so they meet in `found`, and the later one is visited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/map/slot.h"
#include "core/map/table.h"

namespace sluice::map {

template <typename Entry, typename Atomics>
struct Walk {
  using T = Table<Atomics>;
  using Slot = typename Atomics::template Atomic<uint64_t>;

  // Appends the entries whose home is that bucket and whose position is not below `position`.
  static void collect(T& table, size_t home, uint64_t position, std::vector<Entry*>& found) {
    static_cast<void>(table.probe(home, [&](const Slot& slot) {
      const uint64_t word = slot.load(std::memory_order_acquire);  // (3) acquire load, pairs with (4), (5), (6), (9).
      if (slot::is_empty(word)) return true;
      if (slot::is_dead(word)) return false;
      Entry* entry = slot::entry<Entry>(word);
      const uint64_t at = T::position(entry->hash());
      if (table.home_of_position(at) == home && at >= position) found.push_back(entry);
      return false;
    }));
  }

  // Drops an entry when a later one has its key. `found` holds a handful: quadratic is short.
  static void drop_superseded(std::vector<Entry*>& found) noexcept {
    size_t kept = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      bool superseded = false;
      for (size_t j = i + 1; j < found.size() && !superseded; ++j) {
        superseded = found[i]->hash() == found[j]->hash() && found[i]->key() == found[j]->key();
      }
      if (!superseded) found[kept++] = found[i];
    }
    found.resize(kept);
  }

  // Starts loading the entries of a bucket that will be visited soon.
  static void prefetch(const T& table, size_t bucket) noexcept {
    for (const Slot& slot : table.bucket(bucket).slots) {
      // Relaxed: a hint; the address is not followed here.
      __builtin_prefetch(slot::entry<Entry>(slot.load(std::memory_order_relaxed)));
    }
  }
};

}  // namespace sluice::map
