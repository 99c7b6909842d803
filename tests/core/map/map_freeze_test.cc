// Lock-free, shown: one fiber is frozen for ever at each atomic step of an insert, an erase, a growth, a retirement and
// a walk, and two others finish 1,000 operations each on the same shard. Then the frozen one is let go, and everything
// must be in order.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/map/map.h"
#include "tests/core/map/map_world.h"
#include "tests/core/sync/schedule.h"

namespace sluice::map::testing {
namespace {

using sync::testing::Random;
using sync::testing::Schedule;
using sync::testing::SimAtomics;

using SimEpochs = sync::BasicEpochs<SimAtomics>;
using SimMap = Map<Item, SimAtomics, 1>;

constexpr size_t kOperations = 1000;
constexpr size_t kOwnKeys = 12;     // of each of the others: nobody else touches them
constexpr size_t kVictimKeys = 40;  // the victim's, numbered from 0

struct World {
  explicit World(bool reuse) : pool(reuse) {}

  Item* make(size_t key) { return pool.make("k" + std::to_string(key), colliding_hash(key)); }
  Item* find(size_t key) { return map.find(colliding_hash(key), "k" + std::to_string(key)); }
  void fill(size_t keys) {
    SimEpochs::Participant me(epochs);
    for (size_t key = 0; key < keys; ++key) ASSERT_TRUE(map.insert(make(key), me).inserted);
  }

  ItemPool pool;
  SimEpochs epochs;
  SimMap map;
  size_t finished = 0;
};

// 1,000 operations on keys of one's own, each result known in advance; every insert and erase of the shard passes the
// places where the frozen fiber may have stopped.
void work(World& world, size_t first_key, Random random) {
  SimEpochs::Participant me(world.epochs);
  std::map<size_t, Item*> model;
  WalkCursor<Item> cursor;
  for (size_t i = 0; i < kOperations; ++i) {
    const size_t key = first_key + random.below(kOwnKeys);
    const auto known = model.find(key);
    Item* found = world.find(key);
    EXPECT_EQ(found, known == model.end() ? nullptr : known->second);
    if (found == nullptr) {
      Item* item = world.make(key);
      EXPECT_TRUE(world.map.insert(item, me).inserted);
      model[key] = item;
    } else {
      EXPECT_TRUE(world.map.erase(found, me));
      me.retire(found, &ItemPool::free, 1);
      model.erase(known);
    }
    if (random.one_in(64)) {
      size_t own = 0;
      cursor.reset();
      while (!world.map.walk_shard(kCollidingShard, cursor, 2, me, [&](Item& item) {
        const auto mine = model.find(std::stoul(std::string(item.key().substr(1))));
        own += mine != model.end() && mine->second == &item ? 1 : 0;
      })) {
        me.quiescent();
      }
      EXPECT_EQ(own, model.size());
    }
    me.quiescent();
    me.reclaim();
  }
  for (const auto& [key, item] : model) {
    EXPECT_TRUE(world.map.erase(item, me));
    me.retire(item, &ItemPool::free, 1);
  }
  ++world.finished;
}

void expect_all_freed(World& world) {
  SimEpochs::Participant me(world.epochs);
  for (size_t key = 0; key < kVictimKeys; ++key) {
    if (Item* item = world.find(key)) {
      EXPECT_TRUE(world.map.erase(item, me));
      me.retire(item, &ItemPool::free, 1);
    }
  }
  EXPECT_EQ(world.map.size(), 0u);
  for (int i = 0; i < 4; ++i) {
    me.quiescent();
    me.reclaim(1'000'000);
  }
  EXPECT_EQ(world.pool.alive(), 0u);
  EXPECT_EQ(world.epochs.snapshots().pinned(), 0u);
}

using Script = std::function<void(World&, SimEpochs::Participant&)>;

// Returns false once the victim gets through without reaching the step.
bool freeze_one(uint64_t step, size_t filled, const Script& script) {
  World world(step % 2 == 0);
  world.fill(filled);
  Schedule schedule(step);
  const size_t victim = schedule.spawn([&] {
    SimEpochs::Participant me(world.epochs);
    script(world, me);
  });
  schedule.freeze_at(victim, step);
  EXPECT_TRUE(schedule.run_only(victim));
  const bool frozen = schedule.frozen(victim);
  for (size_t i = 0; i < 2; ++i) {
    schedule.spawn([&world, i, step] { work(world, 100 * (i + 1), Random(step * 2 + i)); });
  }
  EXPECT_TRUE(schedule.run()) << "no progress with a fiber frozen at step " << step;
  EXPECT_EQ(world.finished, 2u);
  schedule.thaw();
  EXPECT_TRUE(schedule.run());
  EXPECT_TRUE(schedule.ended(victim));
  expect_all_freed(world);
  return frozen;
}

// Every step, or under a sanitizer some of them.
constexpr uint64_t kStride = sync::testing::kSlowdown > 1 ? 23 : 1;

void freeze_at_each_step(size_t filled, const Script& script, uint64_t steps_min) {
  uint64_t step = 1;
  while (freeze_one(step, filled, script)) {
    if (::testing::Test::HasFailure()) {
      std::printf("frozen at step %llu\n", static_cast<unsigned long long>(step));
      return;
    }
    step += kStride;
  }
  std::printf("frozen at steps up to %llu\n", static_cast<unsigned long long>(step - kStride));
  EXPECT_GE(step - 1, steps_min);
}

TEST(MapFreezeTest, Insert) {
  freeze_at_each_step(
      4, [](World& world, SimEpochs::Participant& me) { EXPECT_TRUE(world.map.insert(world.make(20), me).inserted); },
      8);
}

TEST(MapFreezeTest, Erase) {
  freeze_at_each_step(
      4,
      [](World& world, SimEpochs::Participant& me) {
        Item* item = world.find(2);
        EXPECT_TRUE(world.map.erase(item, me));
        me.retire(item, &ItemPool::free, 1);
      },
      8);
}

// The table is full: the insert closes it, makes the next one and moves; more inserts until the move is over.
TEST(MapFreezeTest, Growth) {
  freeze_at_each_step(
      12,
      [](World& world, SimEpochs::Participant& me) {
        for (size_t key = 12; key < 16; ++key) EXPECT_TRUE(world.map.insert(world.make(key), me).inserted);
      },
      100);
}

// The fourth erase makes a quarter of the slots dead and starts a rebuild; an insert and a find go through it.
TEST(MapFreezeTest, RebuildByErase) {
  freeze_at_each_step(
      10,
      [](World& world, SimEpochs::Participant& me) {
        for (size_t key = 0; key < 5; ++key) {
          Item* item = world.find(key);
          EXPECT_TRUE(world.map.erase(item, me));
          me.retire(item, &ItemPool::free, 1);
        }
        EXPECT_TRUE(world.map.insert(world.make(3), me).inserted);
        EXPECT_NE(world.find(3), nullptr);
      },
      100);
}

TEST(MapFreezeTest, Retire) {
  freeze_at_each_step(
      4,
      [](World& world, SimEpochs::Participant& me) {
        const auto snapshot = me.open_snapshot();
        ASSERT_TRUE(snapshot.has_value());
        for (size_t key = 0; key < 3; ++key) {
          Item* item = world.find(key);
          EXPECT_TRUE(world.map.erase(item, me));
          me.retire(item, &ItemPool::free, 1);
          me.quiescent();
          me.reclaim();
        }
        me.set_bound(*snapshot, 5);
        me.offline();
        me.online();
        me.reclaim();
        me.close_snapshot(*snapshot);
        me.quiescent();
        me.reclaim();
      },
      50);
}

TEST(MapFreezeTest, Walk) {
  freeze_at_each_step(
      12,
      [](World& world, SimEpochs::Participant& me) {
        // The insert leaves the shard growing, and the walk ends that first.
        EXPECT_TRUE(world.map.insert(world.make(12), me).inserted);
        WalkCursor<Item> cursor;
        size_t seen = 0;
        const auto count = [&](Item& item) { seen += item.key().size() < 4 ? 1 : 0; };  // The victim's keys only.
        while (!world.map.walk_shard(kCollidingShard, cursor, 1, me, count)) me.quiescent();
        EXPECT_EQ(seen, 13u);
      },
      50);
}

}  // namespace
}  // namespace sluice::map::testing
