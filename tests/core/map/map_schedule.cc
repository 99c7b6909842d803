// Seeded schedules of the map: several fibers insert, erase, find and walk in one shard whose table is rebuilt again
// and again; every key's history must be linearizable, every walk exact, and nothing followed after it was freed.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/map/map.h"
#include "tests/core/map/map_world.h"
#include "tests/core/sync/schedule.h"

namespace sluice::map::testing {
namespace {

using sync::testing::for_each_seed;
using sync::testing::Random;
using sync::testing::Schedule;
using sync::testing::SimAtomics;

using SimEpochs = sync::BasicEpochs<SimAtomics>;
using SimMap = Map<Item, SimAtomics, 1>;  // One bucket a time: moves take many operations.

struct Seen {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::vector<std::pair<std::string, uint64_t>> items;  // key, id
};

// One map, its users and what they saw.
class World {
 public:
  World(uint64_t seed, size_t keys, size_t ops) : pool_(seed % 2 == 0), keys_(keys), ops_(ops), histories_(keys) {}

  // Random operations, one quiescent point now and then.
  void work(Random& random) {
    SimEpochs::Participant me(epochs_);
    for (size_t i = 0; i < ops_; ++i) {
      one_operation(random, me);
      if (random.one_in(3)) {
        me.quiescent();
        me.reclaim();
      }
      if (random.one_in(16)) {
        me.offline();
        me.online();
      }
    }
  }

  void walk(Random& random, size_t times) {
    SimEpochs::Participant me(epochs_);
    WalkCursor<Item> cursor;
    for (size_t i = 0; i < times; ++i) {
      Seen seen;
      seen.begin = ++clock_;
      cursor.reset();
      while (!map_.walk_shard(kCollidingShard, cursor, random.below(3), me,
                              [&](Item& item) { seen.items.emplace_back(item.key(), item.id()); })) {
        me.quiescent();
        me.reclaim();
      }
      seen.end = ++clock_;
      walks_.push_back(std::move(seen));
      me.quiescent();
    }
  }

  void check() {
    for (size_t key = 0; key < keys_; ++key) {
      EXPECT_TRUE(histories_[key].linearizable()) << "key " << key << "\n" << describe(histories_[key]);
    }
    for (const Seen& walk : walks_) check_walk(walk);
    SimEpochs::Participant me(epochs_);
    for (size_t key = 0; key < keys_; ++key) {
      if (Item* item = map_.find(colliding_hash(key), name(key))) {
        EXPECT_TRUE(map_.erase(item, me));
        me.retire(item, &ItemPool::free);
      }
    }
    EXPECT_EQ(map_.size(), 0u);
    for (int i = 0; i < 4; ++i) {
      me.quiescent();
      me.reclaim(1'000'000);
    }
    EXPECT_EQ(pool_.alive(), 0u);
    EXPECT_EQ(epochs_.retired(), 0u);
  }

 private:
  static std::string name(size_t key) { return "k" + std::to_string(key); }

  void one_operation(Random& random, SimEpochs::Participant& me) {
    const size_t key = random.below(keys_);
    if (histories_[key].ops().size() + 2 > kHistoryMax) return;
    const uint64_t hash = colliding_hash(key);
    const uint64_t choice = random.below(8);
    Op found{OpKind::kFind};
    found.begin = ++clock_;
    Item* resident = map_.find(hash, name(key));
    if (resident != nullptr) found.result = resident->id();
    found.end = ++clock_;
    histories_[key].add(found);
    if (choice == 0) return;
    if (resident == nullptr || choice == 1) {
      insert(key, hash, me);
    } else if (choice < 7) {
      erase(key, resident, me);
    }
  }

  void insert(size_t key, uint64_t hash, SimEpochs::Participant& me) {
    Item* item = pool_.make(name(key), hash);
    Op op{OpKind::kInsert, item->id()};
    op.begin = ++clock_;
    const auto result = map_.insert(item, me);
    op.end = ++clock_;
    op.result = result.entry->id();
    histories_[key].add(op);
    EXPECT_EQ(result.inserted, result.entry == item);
    if (!result.inserted) ItemPool::free(item, nullptr);
  }

  void erase(size_t key, Item* item, SimEpochs::Participant& me) {
    Op op{OpKind::kErase, item->id()};
    op.begin = ++clock_;
    const bool erased = map_.erase(item, me);
    op.end = ++clock_;
    op.result = erased ? 1 : 0;
    histories_[key].add(op);
    if (erased) me.retire(item, &ItemPool::free);
  }

  void check_walk(const Seen& walk) {
    std::map<uint64_t, std::string> by_id;
    std::set<std::string> keys;
    for (const auto& [key, id] : walk.items) {
      EXPECT_TRUE(by_id.emplace(id, key).second) << "seen twice: " << key;
      EXPECT_TRUE(keys.insert(key).second) << "two entries of " << key;
    }
    for (size_t key = 0; key < keys_; ++key) {
      std::map<uint64_t, std::pair<uint64_t, uint64_t>> life;  // id: end of its insert, begin of its erase
      for (const Op& op : histories_[key].ops()) {
        if (op.kind == OpKind::kInsert && op.result == op.argument) {
          life.try_emplace(op.argument, 0, UINT64_MAX).first->second.first = op.end;
          EXPECT_FALSE(op.begin > walk.end && by_id.contains(op.argument)) << "seen before it was inserted";
        }
        if (op.kind == OpKind::kErase && op.result == 1) {
          life.try_emplace(op.argument, 0, UINT64_MAX).first->second.second = op.begin;
          EXPECT_FALSE(op.end < walk.begin && by_id.contains(op.argument)) << "seen after it was erased";
        }
      }
      for (const auto& [id, span] : life) {
        if (span.first < walk.begin && span.second > walk.end) {
          EXPECT_TRUE(by_id.contains(id)) << "missed " << name(key);
        }
      }
    }
  }

  static std::string describe(const History& history) {
    std::string text;
    for (const Op& op : history.ops()) {
      static constexpr const char* kNames[] = {"insert", "erase", "find"};
      text += std::to_string(op.begin) + ".." + std::to_string(op.end) + " " + kNames[static_cast<int>(op.kind)] + " " +
              std::to_string(op.argument) + " -> " + std::to_string(op.result) + "\n";
    }
    return text;
  }

  ItemPool pool_;
  SimEpochs epochs_;
  SimMap map_;
  const size_t keys_;
  const size_t ops_;
  uint64_t clock_ = 0;
  std::vector<History> histories_;
  std::vector<Seen> walks_;
};

void run_world(uint64_t seed, size_t keys, size_t ops, size_t fibers, size_t walks) {
  World world(seed, keys, ops);
  Schedule schedule(seed);
  for (size_t i = 0; i < fibers; ++i) {
    schedule.spawn([&world, &schedule] { world.work(schedule.random()); });
  }
  if (walks != 0) schedule.spawn([&world, &schedule, walks] { world.walk(schedule.random(), walks); });
  ASSERT_TRUE(schedule.run());
  world.check();
}

// Few keys: every key contended, a rebuild every few erases.
TEST(MapSchedule, FewKeysManyRebuilds) {
  for_each_seed(300, [](uint64_t seed) { run_world(seed, 4, 24, 3, 0); });
}

// Many keys: the table grows and shrinks.
TEST(MapSchedule, GrowthDuringEverything) {
  for_each_seed(150, [](uint64_t seed) { run_world(seed, 48, 120, 3, 0); });
}

TEST(MapSchedule, WalksDuringRebuilds) {
  for_each_seed(300, [](uint64_t seed) { run_world(seed, 6, 24, 2, 4); });
}

TEST(MapSchedule, WalksDuringGrowth) {
  for_each_seed(150, [](uint64_t seed) { run_world(seed, 40, 100, 2, 6); });
}

}  // namespace
}  // namespace sluice::map::testing
