// What other files rely on in a table and its moves: the bound on its load, the order of its buckets, and walks across
// every change of size.
#include "core/map/table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/map/map.h"
#include "tests/core/map/map_world.h"

namespace sluice::map::testing {
namespace {

using StdTable = Table<sync::StdAtomics>;

struct Destroy {
  void operator()(StdTable* table) const { StdTable::destroy(table, nullptr); }
};
using Owned = std::unique_ptr<StdTable, Destroy>;

TEST(TableTest, ReservesThreeQuartersAndNothingOnceClosed) {
  const Owned table(StdTable::make(2, 0));
  ASSERT_EQ(table->slot_count(), 32u);
  for (int i = 0; i < 24; ++i) EXPECT_TRUE(table->reserve());
  EXPECT_FALSE(table->reserve());
  table->unreserve();
  EXPECT_TRUE(table->reserve());
  table->unreserve(14);
  EXPECT_FALSE(table->count_dead());
  EXPECT_EQ(table->close(), 9u);  // Ten slots taken, one of them dead.
  EXPECT_EQ(table->close(), 9u);
  EXPECT_FALSE(table->reserve());
}

TEST(TableTest, AQuarterOfDeadSlotsAsksForARebuild) {
  const Owned table(StdTable::make(1, 0));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table->count_dead());
  EXPECT_TRUE(table->count_dead());
}

TEST(TableTest, SizesLeaveRoomForWhatIsMovedAndMore) {
  for (uint64_t entries = 0; entries < 5000; ++entries) {
    const unsigned log2 = StdTable::log2_buckets_for(entries);
    const uint64_t slots = kSlotsPerBucket << log2;
    EXPECT_LE(2 * entries, slots);
    EXPECT_TRUE(log2 == StdTable::kLog2BucketsMin || 4 * entries > slots);
  }
}

TEST(TableTest, BucketsAreInHashOrder) {
  const Owned small(StdTable::make(3, 0));
  const Owned large(StdTable::make(5, 0));
  for (uint64_t i = 0; i < 256; ++i) {
    const uint64_t hash = 0xab00'0000'0000'0000ull | i << 48;
    EXPECT_EQ(small->home(hash), i >> 5);
    EXPECT_EQ(large->home(hash) >> 2, small->home(hash));
  }
}

TEST(TableTest, BucketsAreCacheLines) {
  const Owned table(StdTable::make(4, 0));
  for (size_t i = 0; i < table->buckets(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(&table->bucket(i)) % sync::kCacheLineBytes, 0u);
  }
  EXPECT_EQ(&table->bucket(table->buckets()), &table->bucket(0));
}

// One shard, filled with evenly spread hashes.
class WalkAcrossSizes : public ::testing::Test {
 protected:
  Item* put(size_t number, uint64_t position) {
    Item* item = pool_.make("k" + std::to_string(number), position >> 8 | uint64_t{0x2a} << 56);
    EXPECT_TRUE(map_.insert(item, me_).inserted);
    return item;
  }
  void erase(Item* item) {
    EXPECT_TRUE(map_.erase(item, me_));
    me_.retire(item, &ItemPool::free);
  }
  // One slice; true at the end.
  bool slice(size_t buckets_max) {
    me_.quiescent();
    me_.reclaim(100'000);
    return map_.walk_shard(kCollidingShard, cursor_, buckets_max, me_, [&](Item& item) { ++seen_[&item]; });
  }

  ItemPool pool_{false};
  sync::Epochs epochs_;
  sync::Epochs::Participant me_{epochs_};
  Map<Item, sync::StdAtomics, 1> map_;
  WalkCursor<Item> cursor_;
  std::map<Item*, int> seen_;
};

TEST_F(WalkAcrossSizes, ShrinksUnderTheWalk) {
  constexpr size_t kCount = 2000;
  std::vector<Item*> items;
  for (size_t i = 0; i < kCount; ++i) items.push_back(put(i, (UINT64_MAX / kCount) * i));
  while (seen_.size() < kCount / 3) ASSERT_FALSE(slice(1));
  for (size_t i = 0; i < kCount; ++i) {
    if (i % 16 != 0) erase(items[i]);
  }
  const size_t bytes = map_.table_bytes();
  while (!slice(1)) {
  }
  EXPECT_LE(map_.table_bytes(), bytes);
  for (size_t i = 0; i < kCount; i += 16) EXPECT_EQ(seen_[items[i]], 1) << i;
}

TEST_F(WalkAcrossSizes, GrowsUnderTheWalk) {
  constexpr size_t kCount = 300;
  std::vector<Item*> items;
  for (size_t i = 0; i < kCount; ++i) items.push_back(put(i, (UINT64_MAX / kCount) * i));
  while (seen_.size() < kCount / 3) ASSERT_FALSE(slice(1));
  for (size_t i = 0; i < 10 * kCount; ++i) put(kCount + i, (UINT64_MAX / (10 * kCount)) * i + 12345);
  while (!slice(1)) {
  }
  for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(seen_[items[i]], 1) << i;
}

// A walk that meets a shard on the move ends the move first: what was inserted into the next table is seen.
TEST_F(WalkAcrossSizes, EndsTheMoveFirst) {
  std::vector<Item*> items;
  for (size_t i = 0; !map_.moving(kCollidingShard) || i < 200; ++i) {
    items.push_back(put(i, i * 0x9e3779b97f4a7c15ull));
  }
  ASSERT_TRUE(map_.moving(kCollidingShard));
  EXPECT_FALSE(slice(0));
  while (!slice(1)) {
  }
  EXPECT_FALSE(map_.moving(kCollidingShard));
  EXPECT_EQ(seen_.size(), items.size());
  for (Item* item : items) EXPECT_EQ(seen_[item], 1);
}

}  // namespace
}  // namespace sluice::map::testing
