// One shard of the map: its table, and the operations on it.
//
// Invariants, progress, linearization and reclamation are map.h's; how a table is moved is migration.h's. What a thread
// that meets a shard on the move does:
//  - find reads the old table first and follows `next` only when the old one cannot answer.
//  - insert and erase move a few buckets and their own key's probe sequence, then work on the next table.
//  - walks move the table before they visit.
// A table starts to move only when it is the shard's root, so there are two tables at most, and a move ends before the
// next begins. Growth is started by the insert that finds no room, and by the erase that makes a quarter of the slots
// dead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "core/map/migration.h"
#include "core/map/slot.h"
#include "core/map/table.h"
#include "core/sync/epochs.h"

namespace sluice::map {

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
class Shard {
 public:
  using T = Table<Atomics>;
  using Participant = typename sync::BasicEpochs<Atomics>::Participant;

  Shard() noexcept { root_.store(T::make(T::kLog2BucketsMin, 0), std::memory_order_relaxed); }  // Relaxed: one thread.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // See Map. insert returns the resident entry, which is `entry` itself if it went in.
  [[nodiscard]] Entry* find(uint64_t hash, std::string_view key) const noexcept;
  [[nodiscard]] Entry* insert(Entry* entry, Participant& participant) noexcept;
  [[nodiscard]] bool erase(Entry* entry, Participant& participant) noexcept;
  void prefetch(uint64_t hash) const noexcept {
    const T* table = root();
    __builtin_prefetch(&table->bucket(table->home(hash)));
  }
  [[nodiscard]] const Entry* guess(uint64_t hash) const noexcept {
    const T* table = root();
    for (const Slot& slot : table->bucket(table->home(hash)).slots) {
      const uint64_t word = slot.load(std::memory_order_acquire);  // (3) acquire load, pairs with (4), (5), (6), (9).
      if (slot::is_empty(word)) return nullptr;
      if (slot::same_tag(word, hash) && !slot::is_dead(word) && !slot::is_moved(word)) return slot::entry<Entry>(word);
    }
    return nullptr;
  }

  // The table, if nothing is being moved; otherwise moves a few buckets and returns nullptr.
  [[nodiscard]] T* settled(Participant& participant) noexcept;

  [[nodiscard]] size_t table_bytes() const noexcept;
  [[nodiscard]] bool moving() const noexcept { return next_of(*root()) != nullptr; }

 private:
  using Slot = typename Atomics::template Atomic<uint64_t>;

  // What an attempt on one table came to, when it did not come to an end.
  enum class Attempt : uint8_t {
    kDone,
    kMoving,  // met a frozen slot: `next` is set
    kFull,    // no room left
  };

  [[nodiscard]] T* root() const noexcept {
    return root_.load(std::memory_order_acquire);  // (1) acquire load, pairs with (2): the table's content.
  }
  [[nodiscard]] static T* next_of(const T& table) noexcept {
    return table.next.load(std::memory_order_acquire);  // (10) acquire load, pairs with (11).
  }

  // Moves what a mutation of `hash` must move; returns the table to work on.
  [[nodiscard]] T* table_for_mutation(T* table, uint64_t hash, Participant& participant) noexcept;
  [[nodiscard]] static Attempt try_insert(T& table, Entry* entry, uint64_t hash, Entry*& resident) noexcept;
  [[nodiscard]] static Attempt try_erase(T& table, const Entry* entry, uint64_t hash, bool& erased) noexcept;
  void rebuild(T& table, Participant& participant) noexcept;
  void help(T& from, T& to, Participant& participant) noexcept;

  typename Atomics::template Atomic<T*> root_{nullptr};
};

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Shard<Entry, Atomics, kHelpBuckets>::~Shard() {
  T* table = root();
  while (table != nullptr) {
    T* next = next_of(*table);
    T::destroy(table, nullptr);
    table = next;
  }
}

// An entry in a frozen slot that is not marked moved has not been erased at the moment of the load, since whoever
// erases it from the next table marks it first. One that is marked may have been freed: its tag sends the search on.
template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Entry* Shard<Entry, Atomics, kHelpBuckets>::find(uint64_t hash, std::string_view key) const noexcept {
  Entry* found = nullptr;
  for (T* table = root(); table != nullptr;) {
    bool follow = false;
    static_cast<void>(table->probe(table->home(hash), [&](const Slot& slot) noexcept {
      const uint64_t word = slot.load(std::memory_order_acquire);  // (3) acquire load, pairs with (4), (5), (6), (9).
      if (slot::is_empty(word)) {
        follow |= slot::is_frozen(word);
        return true;
      }
      if (!slot::same_tag(word, hash) || slot::is_dead(word)) return false;
      if (slot::is_moved(word)) {
        follow = true;
        return false;
      }
      Entry* entry = slot::entry<Entry>(word);
      if (entry->hash() != hash || entry->key() != key) return false;
      found = entry;
      return true;
    }));
    if (found != nullptr) return found;
    table = follow ? next_of(*table) : nullptr;
  }
  return nullptr;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
Entry* Shard<Entry, Atomics, kHelpBuckets>::insert(Entry* entry, Participant& participant) noexcept {
  const uint64_t hash = entry->hash();
  T* table = root();
  while (true) {
    table = table_for_mutation(table, hash, participant);
    Entry* resident = nullptr;
    switch (try_insert(*table, entry, hash, resident)) {
      case Attempt::kDone:
        return resident;
      case Attempt::kMoving:
        break;
      case Attempt::kFull:
        rebuild(*table, participant);
        break;
    }
  }
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
bool Shard<Entry, Atomics, kHelpBuckets>::erase(Entry* entry, Participant& participant) noexcept {
  const uint64_t hash = entry->hash();
  T* table = root();
  while (true) {
    table = table_for_mutation(table, hash, participant);
    bool erased = false;
    if (try_erase(*table, entry, hash, erased) == Attempt::kMoving) continue;
    // A table that is still being filled is looked at again by a later erase.
    if (erased && table->count_dead() && root() == table) rebuild(*table, participant);
    return erased;
  }
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
typename Shard<Entry, Atomics, kHelpBuckets>::T* Shard<Entry, Atomics, kHelpBuckets>::table_for_mutation(
    T* table, uint64_t hash, Participant& participant) noexcept {
  while (T* next = next_of(*table)) {
    help(*table, *next, participant);
    Migration<Entry, Atomics, kHelpBuckets>::move_run(*table, *next, hash);
    table = next;
  }
  return table;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
typename Shard<Entry, Atomics, kHelpBuckets>::Attempt Shard<Entry, Atomics, kHelpBuckets>::try_insert(
    T& table, Entry* entry, uint64_t hash, Entry*& resident) noexcept {
  const std::string_view key = entry->key();
  const uint64_t fresh = slot::pack(entry, hash);
  bool reserved = false;
  Attempt result = Attempt::kFull;
  static_cast<void>(table.probe(table.home(hash), [&](Slot& slot) noexcept {
    uint64_t word = slot.load(std::memory_order_acquire);  // (3)
    if (word == slot::kEmpty) {
      if (!reserved && !table.reserve()) return true;
      reserved = true;
      // (4) acq_rel on success, pairs with (3): publishes the entry. Acquire on failure: the slot's new entry is read.
      if (slot.compare_exchange_strong(word, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
        resident = entry;
        result = Attempt::kDone;
        return true;
      }
    }
    if (slot::is_empty(word)) {  // Frozen.
      result = Attempt::kMoving;
      return true;
    }
    if (!slot::same_tag(word, hash) || slot::is_dead(word)) return false;
    if (slot::is_moved(word)) {  // Perhaps this key, and then the next table decides.
      result = Attempt::kMoving;
      return true;
    }
    Entry* other = slot::entry<Entry>(word);
    if (other->hash() != hash || other->key() != key) return false;
    resident = other;
    result = Attempt::kDone;
    return true;
  }));
  if (reserved && resident != entry) table.unreserve();
  return result;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
typename Shard<Entry, Atomics, kHelpBuckets>::Attempt Shard<Entry, Atomics, kHelpBuckets>::try_erase(
    T& table, const Entry* entry, uint64_t hash, bool& erased) noexcept {
  Attempt result = Attempt::kDone;
  static_cast<void>(table.probe(table.home(hash), [&](Slot& slot) noexcept {
    uint64_t word = slot.load(std::memory_order_acquire);  // (3)
    if (slot::is_empty(word)) {
      if (slot::is_frozen(word)) result = Attempt::kMoving;
      return true;
    }
    // A DEAD slot may hold the same address: a former entry's, freed and allocated again.
    if (slot::entry<Entry>(word) != entry || slot::is_dead(word)) return false;
    if (!slot::is_frozen(word)) {
      // (5) acq_rel on success, pairs with (3): what the eraser did before. Acquire on failure: frozen, or erased.
      if (slot.compare_exchange_strong(word, word | slot::kDead, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        erased = true;
        return true;
      }
      if (slot::is_dead(word)) return false;
    }
    result = Attempt::kMoving;
    return true;
  }));
  return result;
}

// Makes the shard move from `table` to a new one of the right size; when it returns, table.next is set.
template <typename Entry, typename Atomics, unsigned kHelpBuckets>
void Shard<Entry, Atomics, kHelpBuckets>::rebuild(T& table, Participant& participant) noexcept {
  // What is moving into `table` comes first. Each round moves a few buckets or finds that others did.
  for (T* first = root(); first != &table; first = root()) {
    if (next_of(table) != nullptr) return;
    T* next = next_of(*first);
    if (next == nullptr) return;  // Another root: `table` has been replaced since.
    help(*first, *next, participant);
  }
  if (next_of(table) != nullptr) return;
  const uint64_t entries = table.close();
  T* made = T::make(T::log2_buckets_for(entries), entries);
  T* none = nullptr;
  // (11) release on success, pairs with (10): the new table's header and, on amd64 by calloc, its zeroed slots.
  if (!table.next.compare_exchange_strong(none, made, std::memory_order_release, std::memory_order_relaxed)) {
    T::destroy(made, nullptr);  // Another thread's table stands there. Relaxed: it is not read here.
  }
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
void Shard<Entry, Atomics, kHelpBuckets>::help(T& from, T& to, Participant& participant) noexcept {
  if (!Migration<Entry, Atomics, kHelpBuckets>::help(from, to)) return;
  T* expected = &from;
  // (2) acq_rel on success, pairs with (1): everything has been moved. Relaxed on failure: another thread was first.
  if (!root_.compare_exchange_strong(expected, &to, std::memory_order_acq_rel, std::memory_order_relaxed)) return;
  // What was reserved for entries that were erased before they were moved is free now. Relaxed: every copy was counted
  // before its bucket was passed by (8).
  to.unreserve(to.reserved - to.moved_in.load(std::memory_order_relaxed));
  participant.retire(&from, &T::destroy);
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
typename Shard<Entry, Atomics, kHelpBuckets>::T* Shard<Entry, Atomics, kHelpBuckets>::settled(
    Participant& participant) noexcept {
  T* table = root();
  T* next = next_of(*table);
  if (next == nullptr) return table;
  help(*table, *next, participant);
  return nullptr;
}

template <typename Entry, typename Atomics, unsigned kHelpBuckets>
size_t Shard<Entry, Atomics, kHelpBuckets>::table_bytes() const noexcept {
  size_t bytes = 0;
  for (const T* table = root(); table != nullptr; table = next_of(*table)) bytes += table->bytes();
  return bytes;
}

}  // namespace sluice::map
