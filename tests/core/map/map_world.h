// What the map's seeded tests share: entries that know when they have been freed, and a history per key that can be
// checked for linearizability.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/check.h"
#include "core/map/map.h"

namespace sluice::map::testing {

// An entry that aborts when it is read after it was freed.
class Item {
 public:
  Item() = default;
  [[nodiscard]] uint64_t hash() const {
    SLUICE_CHECK(alive_ && "an entry was followed after it was freed");
    return hash_;
  }
  [[nodiscard]] std::string_view key() const {
    SLUICE_CHECK(alive_ && "an entry was followed after it was freed");
    return key_;
  }
  [[nodiscard]] uint64_t id() const {
    SLUICE_CHECK(alive_ && "an entry was followed after it was freed");
    return id_;
  }

 private:
  friend class ItemPool;
  uint64_t id_ = 0;
  uint64_t hash_ = 0;
  std::string key_;
  class ItemPool* pool_ = nullptr;
  bool alive_ = false;
};

// Makes items. With `reuse`, the address of the item freed last is used for the next one at once, as an allocator
// would; without, freed items stay dead, so that a late read is caught.
class ItemPool {
 public:
  explicit ItemPool(bool reuse) : reuse_(reuse) {}
  ItemPool(const ItemPool&) = delete;
  ItemPool& operator=(const ItemPool&) = delete;

  Item* make(std::string key, uint64_t hash) {
    Item* item = nullptr;
    if (reuse_ && !free_.empty()) {
      item = free_.back();
      free_.pop_back();
    } else {
      item = items_.emplace_back(std::make_unique<Item>()).get();
    }
    item->id_ = ++last_id_;
    item->hash_ = hash;
    item->key_ = std::move(key);
    item->pool_ = this;
    item->alive_ = true;
    ++alive_;
    return item;
  }

  // A sync::FreeFunction.
  static void free(void* object, void* /*context*/) {
    auto* item = static_cast<Item*>(object);
    SLUICE_CHECK(item->alive_ && "freed twice");
    item->alive_ = false;
    --item->pool_->alive_;
    item->pool_->free_.push_back(item);
  }

  [[nodiscard]] size_t alive() const { return alive_; }

 private:
  const bool reuse_;
  uint64_t last_id_ = 0;
  size_t alive_ = 0;
  std::vector<std::unique_ptr<Item>> items_;
  std::vector<Item*> free_;
};

enum class OpKind : uint8_t { kInsert, kErase, kFind };

struct Op {
  OpKind kind;
  uint64_t argument = 0;  // the item's id, for insert and erase
  uint64_t result = 0;    // insert, find: id of the resident item, 0 for none; erase: 1 if it did
  uint64_t begin = 0;     // both on one clock
  uint64_t end = 0;
};

// Operations that a history takes: a bit each in a word, less what may be under way when a test looks.
inline constexpr size_t kHistoryMax = 56;

// Operations of one key, which is absent at first. linearizable(): whether some order of them that respects real time
// gives the results seen (Wing and Gong's search, with a memory of the states visited).
class History {
 public:
  void add(const Op& op) { ops_.push_back(op); }
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }

  [[nodiscard]] bool linearizable() {
    SLUICE_CHECK(ops_.size() <= 64);
    seen_.clear();
    return search(0, 0);
  }

 private:
  [[nodiscard]] static bool apply(const Op& op, uint64_t& state) {
    switch (op.kind) {
      case OpKind::kInsert:
        if (op.result != op.argument) return state == op.result && state != 0;
        if (state != 0) return false;
        state = op.argument;
        return true;
      case OpKind::kErase:
        if ((state == op.argument) != (op.result == 1)) return false;
        if (op.result == 1) state = 0;
        return true;
      case OpKind::kFind:
        return state == op.result;
    }
    return false;
  }

  [[nodiscard]] bool search(uint64_t done, uint64_t state) {
    const uint64_t all = ops_.size() == 64 ? ~uint64_t{0} : (uint64_t{1} << ops_.size()) - 1;
    if (done == all) return true;
    if (!seen_.insert(done * 0x9e3779b97f4a7c15ull + state).second) return false;
    uint64_t first_end = UINT64_MAX;
    for (size_t i = 0; i < ops_.size(); ++i) {
      if ((done >> i & 1) == 0 && ops_[i].end < first_end) first_end = ops_[i].end;
    }
    for (size_t i = 0; i < ops_.size(); ++i) {
      if ((done >> i & 1) != 0 || ops_[i].begin > first_end) continue;
      uint64_t next = state;
      if (apply(ops_[i], next) && search(done | uint64_t{1} << i, next)) return true;
    }
    return false;
  }

  std::vector<Op> ops_;
  std::unordered_set<uint64_t> seen_;
};

// Hashes of one shard that collide in home buckets and in tags.
inline uint64_t colliding_hash(size_t key) {
  const uint64_t home = (key * 5) % 16;  // four bits below the shard's
  const uint64_t tag = key % 3;
  return (uint64_t{0x2a} << 56) | (home << 52) | ((key % 7) << 20) | tag;
}
inline constexpr size_t kCollidingShard = 0x2a;

}  // namespace sluice::map::testing
