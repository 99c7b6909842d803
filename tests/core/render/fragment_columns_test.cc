// Buckets that are large enough for columns: they name every fragment, and a scrape through them is what the tables
// say.
#include "core/render/fragment_columns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/render/renderer.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

constexpr size_t kFamilies = 19;  // three turns of columns
constexpr size_t kGroups = 2500;  // three chunks

FakeSnapshot make_snapshot(size_t groups) {
  FakeSnapshot snapshot;
  std::vector<std::string> names;
  for (size_t f = 0; f < kFamilies; ++f) names.push_back("family_" + std::to_string(100 + f));
  std::vector<model::ShapeFamily> families;
  for (const std::string& name : names) families.push_back({name, "", false, model::MetricType::kGauge});
  const size_t bucket = snapshot.add_shape(families);
  for (size_t group = 0; group < groups; ++group) {
    std::vector<std::string> texts;
    for (const std::string& name : names) {
      std::string text = name + "{group=\"" + std::to_string(group) + "\"";
      if (group % 7 == 0) text += ",long=\"" + std::string(group % 500, 'x') + "\"";
      texts.push_back(text + "} " + std::to_string(group % 1000) + "\n");
    }
    snapshot.add_group(bucket, "group=\"" + std::to_string(group) + "\"", texts);
  }
  return snapshot;
}

TEST(FragmentColumns, NameEveryFragmentInPieces) {
  const FakeSnapshot snapshot = make_snapshot(kGroups);
  const auto& bucket = snapshot.buckets()[0];
  ASSERT_TRUE(FragmentColumns::pays(bucket));
  ASSERT_GT(bucket.chunks.size(), 2U);
  FragmentColumns columns;
  size_t pieces = 0;
  for (uint32_t family = 0; family < kFamilies; ++family) {
    for (uint32_t work = 0; !columns.load(bucket, family, work, 5); work = 0) {
      EXPECT_EQ(work, 5U);
      ++pieces;
    }
    const auto column = columns.column(family);
    ASSERT_EQ(column.size(), kGroups);
    size_t at = 0;
    for (const auto& chunk : bucket.chunks) {
      for (const model::Version* version : chunk) {
        ASSERT_EQ(column[at++], version->fragment(family).address()) << family << " of group " << at;
      }
    }
  }
  // Each table is read three times, four of them a unit.
  EXPECT_GE(pieces, 3 * kGroups / 4 / 5 - 3);
  EXPECT_LE(pieces, 3 * kGroups / 4 / 5 + 30);
}

// A scrape need not ask for every family: others may be left out for their type.
TEST(FragmentColumns, FamiliesMayBePassedOver) {
  const FakeSnapshot snapshot = make_snapshot(300);
  const auto& bucket = snapshot.buckets()[0];
  FragmentColumns columns;
  for (const uint32_t family : {3U, 7U, 12U, 18U}) {
    uint32_t work = 0;
    ASSERT_TRUE(columns.load(bucket, family, work, 1'000'000));
    EXPECT_EQ(columns.column(family)[299], bucket.chunks[0][299]->fragment(family).address());
  }
}

TEST(FragmentColumns, FewGroupsAndSingleFamiliesNeedNone) {
  EXPECT_FALSE(FragmentColumns::pays(make_snapshot(10).buckets()[0]));
  FakeSnapshot single;
  const size_t bucket = single.add_shape({{"a", "", false, model::MetricType::kGauge}});
  for (size_t group = 0; group < 1000; ++group) single.add_group(bucket, "", {"a 1\n"});
  EXPECT_FALSE(FragmentColumns::pays(single.buckets()[0]));
}

TEST(FragmentColumns, AScrapeIsWhatTheTablesSay) {
  for (const size_t groups : {size_t{10}, size_t{255}, size_t{256}, kGroups}) {
    const FakeSnapshot snapshot = make_snapshot(groups);
    std::string wanted;
    const auto& bucket = snapshot.buckets()[0];
    for (uint32_t family = 0; family < kFamilies; ++family) {
      wanted += "# TYPE family_" + std::to_string(100 + family) + " gauge\n";
      for (const auto& chunk : bucket.chunks) {
        for (const model::Version* version : chunk) wanted += version->fragment(family).text();
      }
    }
    for (const size_t capacity : {size_t{97}, size_t{4096}, size_t{1} << 20}) {
      Renderer renderer(snapshot.buckets(), {});
      std::string got;
      std::vector<char> buffer(capacity);
      auto state = ByteSource::State::kMore;
      while (state == ByteSource::State::kMore) {
        size_t used = 0;
        state = renderer.produce(buffer.data(), capacity, used, Deadline{0});
        got.append(buffer.data(), used);
      }
      ASSERT_EQ(got.substr(0, wanted.size()), wanted) << groups << " groups, buffers of " << capacity;
    }
  }
}

}  // namespace
}  // namespace sluice::render
