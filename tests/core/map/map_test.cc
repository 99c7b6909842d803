// The map on one thread: what each operation promises.
#include "core/map/map.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"

namespace sluice::map {
namespace {

struct alignas(8) Item {
  explicit Item(std::string name) : key_(std::move(name)), hash_(keyed_hash(key_)) {}
  Item(std::string name, uint64_t hash) : key_(std::move(name)), hash_(hash) {}
  [[nodiscard]] uint64_t hash() const { return hash_; }
  [[nodiscard]] std::string_view key() const { return key_; }

 private:
  std::string key_;
  uint64_t hash_;
};

class MapTest : public testing::Test {
 protected:
  Item* make(const std::string& name) { return items_.emplace_back(std::make_unique<Item>(name)).get(); }
  Item* make(const std::string& name, uint64_t hash) {
    return items_.emplace_back(std::make_unique<Item>(name, hash)).get();
  }
  Item* find(const std::string& name) { return map_.find(keyed_hash(name), name); }

  std::map<std::string, int> walk(size_t buckets_max) {
    std::map<std::string, int> seen;
    WalkCursor<Item> cursor;
    for (size_t shard = 0; shard < map_.shard_count(); ++shard) {
      cursor.reset();
      while (!map_.walk_shard(shard, cursor, buckets_max, me_, [&](Item& item) { ++seen[std::string(item.key())]; })) {
      }
    }
    return seen;
  }

  std::vector<std::unique_ptr<Item>> items_;
  sync::Epochs epochs_;
  sync::Epochs::Participant me_{epochs_};
  Map<Item> map_;
};

// Only a guess, but while tables are half empty nearly always right.
TEST_F(MapTest, GuessesTheEntryThatWillBeFound) {
  size_t right = 0;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(map_.insert(make("key-" + std::to_string(i)), me_).inserted);
  for (const auto& item : items_) right += map_.guess(item->hash()) == item.get() ? 1 : 0;
  EXPECT_GE(right, 800u);
  for (const auto& item : items_) ASSERT_TRUE(map_.erase(item.get(), me_));
  for (const auto& item : items_) EXPECT_NE(map_.guess(item->hash()), item.get());
}

TEST_F(MapTest, FindsWhatWasInsertedAndNothingElse) {
  EXPECT_EQ(find("a"), nullptr);
  Item* a = make("a");
  const auto first = map_.insert(a, me_);
  EXPECT_TRUE(first.inserted);
  EXPECT_EQ(first.entry, a);
  EXPECT_EQ(find("a"), a);
  EXPECT_EQ(find("b"), nullptr);
  EXPECT_EQ(map_.size(), 1u);
}

TEST_F(MapTest, SecondInsertOfAKeyReturnsTheResident) {
  Item* a = make("a");
  Item* again = make("a");
  ASSERT_TRUE(map_.insert(a, me_).inserted);
  const auto second = map_.insert(again, me_);
  EXPECT_FALSE(second.inserted);
  EXPECT_EQ(second.entry, a);
  EXPECT_EQ(map_.size(), 1u);
}

TEST_F(MapTest, EraseUnlinksExactlyThatEntry) {
  Item* a = make("a");
  Item* other = make("a");
  ASSERT_TRUE(map_.insert(a, me_).inserted);
  EXPECT_FALSE(map_.erase(other, me_));
  EXPECT_EQ(find("a"), a);
  EXPECT_TRUE(map_.erase(a, me_));
  EXPECT_FALSE(map_.erase(a, me_));
  EXPECT_EQ(find("a"), nullptr);
  ASSERT_TRUE(map_.insert(other, me_).inserted);
  EXPECT_EQ(find("a"), other);
  EXPECT_FALSE(map_.erase(a, me_));
  EXPECT_EQ(map_.size(), 1u);
}

TEST_F(MapTest, ErasedAddressMayComeBack) {
  Item* a = make("a");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(map_.insert(a, me_).inserted);
    ASSERT_EQ(find("a"), a);
    ASSERT_TRUE(map_.erase(a, me_));
    ASSERT_EQ(find("a"), nullptr);
    me_.quiescent();
    me_.reclaim();
  }
}

TEST_F(MapTest, GrowsAndKeepsEverything) {
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(map_.insert(make("k" + std::to_string(i)), me_).inserted);
    if (i % 64 == 0) {
      me_.quiescent();
      me_.reclaim();
    }
  }
  EXPECT_EQ(map_.size(), static_cast<size_t>(kCount));
  for (int i = 0; i < kCount; ++i) ASSERT_NE(find("k" + std::to_string(i)), nullptr);
  EXPECT_EQ(find("k" + std::to_string(kCount)), nullptr);
  const auto seen = walk(16);
  EXPECT_EQ(seen.size(), static_cast<size_t>(kCount));
  for (const auto& [name, times] : seen) ASSERT_EQ(times, 1) << name;
}

TEST_F(MapTest, ShrinksAfterErasing) {
  std::vector<Item*> items;
  for (int i = 0; i < 50'000; ++i) items.push_back(make("k" + std::to_string(i)));
  for (Item* item : items) ASSERT_TRUE(map_.insert(item, me_).inserted);
  const size_t full = map_.table_bytes();
  for (Item* item : items) ASSERT_TRUE(map_.erase(item, me_));
  EXPECT_EQ(map_.size(), 0u);
  for (size_t i = 0; i < 50; ++i) {  // The last rebuilds are ended by walks.
    EXPECT_TRUE(walk(16).empty());
    me_.quiescent();
    me_.reclaim(1'000'000);
  }
  EXPECT_LT(map_.table_bytes() * 2, full);
}

TEST_F(MapTest, EqualHashesAreToldApartByKey) {
  constexpr uint64_t kHash = 0x1234567890abcdefull;
  std::vector<Item*> items;
  for (int i = 0; i < 200; ++i) items.push_back(make("k" + std::to_string(i), kHash));
  for (Item* item : items) ASSERT_TRUE(map_.insert(item, me_).inserted);
  for (Item* item : items) ASSERT_EQ(map_.find(kHash, item->key()), item);
  for (size_t i = 0; i < items.size(); i += 2) ASSERT_TRUE(map_.erase(items[i], me_));
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ(map_.find(kHash, items[i]->key()), i % 2 == 0 ? nullptr : items[i]);
  }
  EXPECT_EQ(walk(1).size(), 100u);
}

TEST_F(MapTest, ProbesRoundTheEndOfATable) {
  // All ones: the last bucket of the last shard, whatever its size.
  std::vector<Item*> items;
  for (int i = 0; i < 100; ++i) items.push_back(make("k" + std::to_string(i), ~uint64_t{0} - static_cast<uint64_t>(i)));
  for (Item* item : items) ASSERT_TRUE(map_.insert(item, me_).inserted);
  for (Item* item : items) ASSERT_EQ(map_.find(item->hash(), item->key()), item);
  const auto seen = walk(1);
  EXPECT_EQ(seen.size(), items.size());
  for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
}

TEST_F(MapTest, SmallAtFirst) { EXPECT_LT(map_.table_bytes(), 128u * 1024); }

}  // namespace
}  // namespace sluice::map
