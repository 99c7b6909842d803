#include "parser/index_table.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace sluice::parser {
namespace {

// Against std::unordered_map, through many growths and generations; few distinct hashes, so that entries collide.
TEST(IndexTable, Model) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  IndexTable table;
  for (int generation = 0; generation < 8; ++generation) {
    table.clear();
    std::unordered_map<uint64_t, uint32_t> model;
    std::vector<uint64_t> keys;
    const auto find = [&](uint64_t key) {
      return table.find(key % 4096 * 0x9e3779b97f4a7c15u, [&](uint32_t index) { return keys[index] == key; });
    };
    for (int round = 0; round < 20'000; ++round) {
      const uint64_t key = random() % 16'384;
      const auto known = model.find(key);
      ASSERT_EQ(find(key), known == model.end() ? model::kNone : known->second);
      if (known != model.end()) continue;
      const auto index = static_cast<uint32_t>(keys.size());
      keys.push_back(key);
      model.emplace(key, index);
      table.insert(key % 4096 * 0x9e3779b97f4a7c15u, index);
      ASSERT_EQ(find(key), index);
    }
    for (const auto& [key, index] : model) ASSERT_EQ(find(key), index);
  }
}

TEST(IndexTable, EmptyFindsNothing) {
  IndexTable table;
  EXPECT_EQ(table.find(0, [](uint32_t) { return true; }), model::kNone);
  table.insert(0, 7);
  EXPECT_EQ(table.find(0, [](uint32_t) { return true; }), 7u);
  table.clear();
  EXPECT_EQ(table.find(0, [](uint32_t) { return true; }), model::kNone);
}

}  // namespace
}  // namespace sluice::parser
