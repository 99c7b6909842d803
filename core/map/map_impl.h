// The definitions of map.h. Included by it only.
#pragma once

#include "core/base/check.h"
#include "core/map/map.h"
#include "core/map/walk.h"

namespace sluice::map {

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Map<Entry, Atomics, kHelpBuckets>::Map() {
  static_assert(alignof(Entry) >= 8, "the three low bits of an entry's address are the slot's flags");
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Map<Entry, Atomics, kHelpBuckets>::~Map() = default;

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Entry* Map<Entry, Atomics, kHelpBuckets>::find(uint64_t hash, std::string_view key) const noexcept {
  return shards_[shard_of(hash)].find(hash, key);
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
void Map<Entry, Atomics, kHelpBuckets>::prefetch(uint64_t hash) const noexcept {
  shards_[shard_of(hash)].prefetch(hash);
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
const Entry* Map<Entry, Atomics, kHelpBuckets>::guess(uint64_t hash) const noexcept {
  return shards_[shard_of(hash)].guess(hash);
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
typename Map<Entry, Atomics, kHelpBuckets>::Inserted Map<Entry, Atomics, kHelpBuckets>::insert(
    Entry* entry, Participant& participant) noexcept {
  SLUICE_DCHECK(participant.is_online());
  Entry* resident = shards_[shard_of(entry->hash())].insert(entry, participant);
  const bool inserted = resident == entry;
  if (inserted) size_.add(participant.index(), 1);
  return {resident, inserted};
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
bool Map<Entry, Atomics, kHelpBuckets>::erase(Entry* entry, Participant& participant) noexcept {
  SLUICE_DCHECK(participant.is_online());
  const bool erased = shards_[shard_of(entry->hash())].erase(entry, participant);
  if (erased) size_.add(participant.index(), -1);
  return erased;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
template <typename Fn>
bool Map<Entry, Atomics, kHelpBuckets>::walk_shard(size_t shard, WalkCursor<Entry>& cursor, size_t buckets_max,
                                                   Participant& participant, Fn&& fn) {
  SLUICE_CHECK(shard < kShards);
  SLUICE_DCHECK(participant.is_online());
  if (cursor.done) return true;
  using Step = Walk<Entry, Atomics>;
  typename Shard<Entry, Atomics, kHelpBuckets>::T* table = nullptr;
  for (size_t helped = 0; table == nullptr; helped += kHelpBuckets) {
    if (helped > buckets_max) return false;
    table = shards_[shard].settled(participant);
  }
  size_t home = table->home_of_position(cursor.position);
  for (size_t visited = 0; visited < buckets_max || visited == 0; ++visited) {
    Step::prefetch(*table, home + 1);
    cursor.found.clear();
    Step::collect(*table, home, cursor.position, cursor.found);
    Step::drop_superseded(cursor.found);
    for (Entry* entry : cursor.found) fn(*entry);
    ++home;
    if (home == table->buckets()) {
      cursor.done = true;
      return true;
    }
    cursor.position = static_cast<uint64_t>(home) << (64 - table->log2_buckets());
  }
  return false;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
size_t Map<Entry, Atomics, kHelpBuckets>::size() const noexcept {
  const int64_t sum = size_.sum();
  return sum > 0 ? static_cast<size_t>(sum) : 0;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
size_t Map<Entry, Atomics, kHelpBuckets>::table_bytes() const noexcept {
  size_t bytes = sizeof(*this);
  for (const auto& shard : shards_) bytes += shard.table_bytes();
  return bytes;
}

}  // namespace sluice::map
