// Shapes: lookup, copies of their text, the hash that interning uses, suffix bases.
#include "core/model/shape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::model {
namespace {

uint64_t hash_of(const std::vector<ShapeFamily>& families) {
  uint64_t hash = 0;
  for (const ShapeFamily& family : families) hash = shape_hash_step(hash, family);
  return hash;
}

TEST(Shape, FindsEachFamilyAndNothingElse) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("family_" + std::to_string(1000 + 2 * i));
  std::vector<ShapeFamily> families;
  for (const std::string& name : names) families.push_back({name, "help", true, MetricType::kGauge});
  const Shape shape(families, 7);
  ASSERT_EQ(shape.size(), 100u);
  EXPECT_EQ(shape.id(), 7u);
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(shape.find(names[i]), i);
  EXPECT_EQ(shape.find("family_1001"), kNone);
  EXPECT_EQ(shape.find(""), kNone);
  EXPECT_EQ(shape.find("zzz"), kNone);
}

TEST(Shape, OwnsItsText) {
  std::string name = "some_name";
  std::string help = "some help";
  const std::vector<ShapeFamily> families = {{name, help, true, MetricType::kCounter}};
  const Shape shape(families, 1);
  name.assign(name.size(), 'x');
  help.assign(help.size(), 'x');
  EXPECT_EQ(shape.family(0).name, "some_name");
  EXPECT_EQ(shape.family(0).help, "some help");
}

TEST(Shape, EmptyShapeHasNoFamilies) {
  const Shape shape({}, 1);
  EXPECT_EQ(shape.size(), 0u);
  EXPECT_EQ(shape.find("a"), kNone);
}

TEST(Shape, HashSeesEveryPart) {
  const std::vector<std::vector<ShapeFamily>> lists = {
      {},
      {{"a", "", false, MetricType::kGauge}},
      {{"a", "", true, MetricType::kGauge}},
      {{"a", "h", true, MetricType::kGauge}},
      {{"a", "", false, MetricType::kCounter}},
      {{"b", "", false, MetricType::kGauge}},
      {{"a", "", false, MetricType::kGauge}, {"b", "", false, MetricType::kGauge}},
      {{"ab", "", false, MetricType::kGauge}, {"b", "", false, MetricType::kGauge}},
  };
  for (size_t i = 0; i < lists.size(); ++i) {
    for (size_t j = 0; j < lists.size(); ++j)
      EXPECT_EQ(hash_of(lists[i]) == hash_of(lists[j]), i == j) << i << " " << j;
  }
}

TEST(Shape, SuffixBases) {
  EXPECT_EQ(suffix_base("x_count").base, "x");
  EXPECT_FALSE(suffix_base("x_count").is_bucket);
  EXPECT_EQ(suffix_base("x_sum").base, "x");
  EXPECT_EQ(suffix_base("x_bucket").base, "x");
  EXPECT_TRUE(suffix_base("x_bucket").is_bucket);
  EXPECT_TRUE(suffix_base("x").base.empty());
  EXPECT_TRUE(suffix_base("_count").base.empty());  // as the reference: nothing is left to collide with
  EXPECT_EQ(suffix_base("x_sum_count").base, "x_sum");
}

}  // namespace
}  // namespace sluice::model
