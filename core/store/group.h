// A group: its key and the cell that holds its current version.
//
// Lifetime: made by a push that creates the group and inserted into the map with an empty cell, which readers take for
// no group. The same step, or that of another push of the group, publishes the first version by an exchange: only so is
// its stamp drawn behind those of all DELETEs that the insertion saw. Ends when a DELETE puts dead() into the cell:
// nobody revives it; a later push makes a new Group. Whoever unlinks it from the map retires it.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "core/base/hash.h"
#include "core/base/slabs.h"
#include "core/map/map.h"
#include "core/model/group_key.h"
#include "core/model/version.h"
#include "core/store/atomics.h"
#include "core/store/name_sets.h"
#include "core/sync/version_cell.h"

namespace sluice::store {

class alignas(8) Group {
 public:
  using Cell = sync::VersionCell<model::Version, Atomics>;

  [[nodiscard]] static Group* make(SlabCache& cache, const model::GroupKey& key, NameSet& set) {
    return new (cache.allocate(sizeof(Group) + key.bytes().size())) Group(key, set);
  }
  // `cache` is the caller's, nullptr when the store ends.
  static void destroy(SlabCache* cache, Group* group) noexcept {
    const size_t bytes = sizeof(Group) + group->key_bytes_;
    group->~Group();
    if (cache != nullptr) {
      cache->free(group, bytes);
    } else {
      SlabCache::free_at_end(group, bytes);
    }
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::string_view key() const noexcept { return {reinterpret_cast<const char*>(this + 1), key_bytes_}; }
  // Unkeyed: the same in every process.
  [[nodiscard]] uint64_t stable_hash() const noexcept { return stable_hash_; }
  // The group holds one reference to it until it is dead: that of the push that inserted it.
  [[nodiscard]] NameSet& name_set() const noexcept { return *name_set_; }

  Cell cell;

 private:
  Group(const model::GroupKey& key, NameSet& set)
      : hash_(key.hash()),
        stable_hash_(sluice::stable_hash(key.bytes())),
        name_set_(&set),
        key_bytes_(static_cast<uint32_t>(key.bytes().size())) {
    key.bytes().copy(reinterpret_cast<char*>(this + 1), key_bytes_);
  }

  const uint64_t hash_;
  const uint64_t stable_hash_;
  NameSet* const name_set_;
  const uint32_t key_bytes_;
};

using GroupMap = map::Map<Group, Atomics>;

}  // namespace sluice::store
