// The map against std::map: random operations on one thread, printed seed.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/map/map.h"
#include "tests/core/map/map_world.h"
#include "tests/core/sync/schedule.h"

namespace sluice::map::testing {
namespace {

using sync::testing::for_each_seed;
using sync::testing::Random;

// How many keys, and how their hashes are made: well spread, or all in one shard with collisions.
struct Shape {
  size_t keys;
  bool colliding;
  size_t operations;
};

class MapModel : public ::testing::TestWithParam<Shape> {};

class ModelRun {
 public:
  ModelRun(uint64_t seed, const Shape& shape) : random_(seed), shape_(shape), pool_(seed % 2 == 0) {}

  void go() {
    for (size_t i = 0; i < shape_.operations; ++i) {
      // Phases of mostly inserting and mostly erasing, so that tables grow and shrink.
      const bool growing = i * 6 / shape_.operations % 2 == 0;
      step(growing);
      if (::testing::Test::HasFailure()) return;
    }
    compare_walk(1 + random_.below(64));
    for (auto& [key, item] : model_) {
      ASSERT_TRUE(map_.erase(item, me_));
      me_.retire(item, &ItemPool::free);
    }
    ASSERT_EQ(map_.size(), 0u);
    for (int i = 0; i < 4; ++i) {
      me_.quiescent();
      me_.reclaim(1'000'000);
    }
    EXPECT_EQ(pool_.alive(), 0u);
  }

 private:
  [[nodiscard]] uint64_t hash_of(size_t key) const {
    return shape_.colliding ? colliding_hash(key) : keyed_hash(std::to_string(key));
  }

  void step(bool growing) {
    const size_t key = random_.below(shape_.keys);
    const auto known = model_.find(key);
    Item* expected = known == model_.end() ? nullptr : known->second;
    ASSERT_EQ(map_.find(hash_of(key), std::to_string(key)), expected);
    if (random_.below(10) < (growing ? 8u : 2u)) {
      Item* item = pool_.make(std::to_string(key), hash_of(key));
      const auto result = map_.insert(item, me_);
      ASSERT_EQ(result.inserted, expected == nullptr);
      ASSERT_EQ(result.entry, expected == nullptr ? item : expected);
      if (result.inserted) {
        model_[key] = item;
      } else {
        ItemPool::free(item, nullptr);
      }
    } else if (expected != nullptr) {
      ASSERT_TRUE(map_.erase(expected, me_));
      ASSERT_FALSE(map_.erase(expected, me_));
      me_.retire(expected, &ItemPool::free);
      model_.erase(known);
    }
    ASSERT_EQ(map_.size(), model_.size());
    if (random_.one_in(8)) {
      me_.quiescent();
      me_.reclaim();
    }
    if (random_.one_in(shape_.operations / 4)) compare_walk(1 + random_.below(64));
  }

  void compare_walk(size_t buckets_max) {
    std::set<Item*> seen;
    WalkCursor<Item> cursor;
    for (size_t shard = 0; shard < map_.shard_count(); ++shard) {
      cursor.reset();
      while (!map_.walk_shard(shard, cursor, buckets_max, me_, [&](Item& item) {
        ASSERT_TRUE(seen.insert(&item).second);
        ASSERT_EQ(shard, map_.shard_of(item.hash()));
      })) {
      }
    }
    ASSERT_EQ(seen.size(), model_.size());
    for (const auto& [key, item] : model_) ASSERT_TRUE(seen.contains(item));
  }

  Random random_;
  const Shape shape_;
  ItemPool pool_;
  sync::Epochs epochs_;
  sync::Epochs::Participant me_{epochs_};
  Map<Item> map_;
  std::map<size_t, Item*> model_;
};

TEST_P(MapModel, AgreesWithStdMap) {
  for_each_seed(3, [](uint64_t seed) { ModelRun(seed, GetParam()).go(); });
}

INSTANTIATE_TEST_SUITE_P(Shapes, MapModel,
                         ::testing::Values(Shape{10, false, 20'000}, Shape{20'000, false, 120'000},
                                           Shape{60, true, 30'000}, Shape{2'000, true, 20'000}));

}  // namespace
}  // namespace sluice::map::testing
