// The map from a group's hash and key to its entry: sharded, lock-free, growing in small steps.
//
// Invariants
//  - At every moment at most one live entry per key.
//  - A slot goes EMPTY -> entry -> DEAD, or is frozen in any of these states, and never holds another entry before the
//    table is rebuilt. An entry stands before the first EMPTY slot of its probe sequence.
//  - A shard has one table, or an old one whose `next` is set and which is being moved. Mutations of a key go to the
//  next
//    table once the key's probe sequence in the old one is frozen up to its first EMPTY and moved.
// Progress: find is wait-free bounded by the table; insert, erase and walks are lock-free: a thread that stops anywhere
// delays nobody. Linearization: insert and erase at their compare-and-swap of the slot, find at the load of the slot
// that decides. Reclamation: entries by the caller (erase, then Participant::retire), tables by the map through the
// participant; readers are protected between quiescent points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/limits.h"
#include "core/map/shard.h"
#include "core/sync/atomics.h"
#include "core/sync/epochs.h"
#include "core/sync/padded_counter.h"

namespace sluice::map {

// Where a resumable walk of one shard stands. Starts fresh for each shard; holds no pointers between slices.
template <typename Entry>
struct WalkCursor {
  uint64_t position = 0;  // hash below the shard's bits: everything before it has been visited
  bool done = false;
  std::vector<Entry*> found;  // scratch of one slice, kept for its capacity

  void reset() noexcept {
    position = 0;
    done = false;
  }
};

// What it is: see above. An Entry offers `uint64_t hash() const` (keyed, all 64 bits well spread) and
// `std::string_view key() const`, both fixed while it is in the map, and is aligned to 8 bytes. The map does not own
// its entries; the destructor frees tables only. Threads: participants of one Epochs domain, online, in every call that
// takes hashes, entries or cursors; the domain outlives the map. Pointers returned are valid until the caller's next
// quiescent point. Complexity: expected O(1); a mutation of a growing shard moves at most a few buckets besides.
// Fails: out of memory aborts. kHelpBuckets is a parameter for the tests, which want long moves of small tables.
template <typename Entry, typename Atomics = sync::StdAtomics, unsigned kHelpBuckets = limits::kMapHelpBuckets>
class Map {
 public:
  using Participant = typename sync::BasicEpochs<Atomics>::Participant;

  struct Inserted {
    Entry* entry;   // the resident one: the argument, or the one that was there
    bool inserted;  // the argument is now in the map
  };

  Map();
  ~Map();
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  // The entry with this hash and key, or nullptr. Takes no lock, writes nothing.
  [[nodiscard]] Entry* find(uint64_t hash, std::string_view key) const noexcept;

  // Starts loading the bucket that find(hash) will read; call it some 100 ns ahead.
  void prefetch(uint64_t hash) const noexcept;
  // The entry that find(hash) will most likely come to, for its memory to be loaded ahead: perhaps another one, or
  // nullptr although there is one. Looks at one bucket and at no entry. May be read until the next quiescent point.
  [[nodiscard]] const Entry* guess(uint64_t hash) const noexcept;

  // Puts the entry in unless its key is there. Not inserted: the entry stays the caller's.
  [[nodiscard]] Inserted insert(Entry* entry, Participant& participant) noexcept;

  // Unlinks exactly this entry, never another of its key. True for the one caller that did; that caller retires it.
  // (The store marks the group DEAD first, so that whoever still holds the entry cannot revive it.)
  bool erase(Entry* entry, Participant& participant) noexcept;

  // Visits entries of a shard, about `buckets_max` buckets per call, moving a growing shard on first (such a call may
  // visit nothing). Calls fn(Entry&) for every entry that is present for the whole walk exactly once, for one that
  // comes or goes meanwhile at most once, and never for two entries of one key. True when the shard is done. Entries
  // are valid until the caller's next quiescent point.
  template <typename Fn>
  bool walk_shard(size_t shard, WalkCursor<Entry>& cursor, size_t buckets_max, Participant& participant, Fn&& fn);

  // Entries in the map; exact when nobody inserts or erases.
  [[nodiscard]] size_t size() const noexcept;

  // Bytes of all tables. A figure.
  [[nodiscard]] size_t table_bytes() const noexcept;

  // Whether a shard is being moved to another table. A figure.
  [[nodiscard]] bool moving(size_t shard) const noexcept { return shards_[shard].moving(); }

  [[nodiscard]] static constexpr size_t shard_count() noexcept { return kShards; }
  [[nodiscard]] static constexpr size_t shard_of(uint64_t hash) noexcept { return hash >> (64 - kShardBits); }
  // In its shard, as WalkCursor counts: a walk whose cursor is set behind a visited entry goes on there.
  [[nodiscard]] static constexpr uint64_t position_of(uint64_t hash) noexcept { return hash << kShardBits; }

 private:
  static constexpr unsigned kShardBits = limits::kMapShardBits;
  static constexpr size_t kShards = size_t{1} << kShardBits;

  Shard<Entry, Atomics, kHelpBuckets> shards_[kShards];
  sync::BasicPaddedCounter<Atomics> size_;
};

}  // namespace sluice::map

#include "core/map/map_impl.h"
