// Canonical pushes that a skeleton writes: the same bytes as the canonicaliser's, or none.
#include "parser/skeleton_text.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/parser/fast_bodies.h"
#include "tests/parser/skeleton_pairs.h"

namespace sluice::parser::test {
namespace {

using Labels = std::vector<model::LabelPair>;

model::GroupKey key_of(const Labels& labels) { return model::GroupKey::from_labels(labels); }

// Whether the push of `second` is written by what the push of `first` has left.
bool writes(std::string_view first, const Labels& first_key, std::string_view second, const Labels& second_key) {
  const SkeletonPair pair = compare_by_skeleton(first, key_of(first_key), second, key_of(second_key));
  EXPECT_TRUE(pair.kept && pair.matched) << first;
  EXPECT_EQ(pair.difference, "");
  return pair.written;
}

bool writes(std::string_view first, std::string_view second) {
  return writes(first, {{"job", "a"}, {"instance", "host-1"}}, second, {{"job", "a"}, {"instance", "host-22222222"}});
}

TEST(SkeletonText, WritesEveryTypeOfFamily) {
  EXPECT_TRUE(
      writes("# TYPE g gauge\ng{b=\"c\"} 1\ng{b=\"d\"} 2\n", "# TYPE g gauge\ng{b=\"c\"} 1.5\ng{b=\"d\"} NaN\n"));
  EXPECT_TRUE(writes("# HELP c x\n# TYPE c counter\nc 1\n", "# HELP c x\n# TYPE c counter\nc 1e9\n"));
  EXPECT_TRUE(writes("u{a=\"\\\\\\n\\\"\"} 1\n", "u{a=\"\\\\\\n\\\"\"} +Inf\n"));
  EXPECT_TRUE(writes("# TYPE s summary\ns{quantile=\"0.5\",a=\"b\"} 1\ns_sum{a=\"b\"} 2\ns_count{a=\"b\"} 3\n",
                     "# TYPE s summary\ns{quantile=\"0.5\",a=\"b\"} 0.1\ns_sum{a=\"b\"} 1e7\ns_count{a=\"b\"} 30\n"));
  std::mt19937_64 random(1);
  const std::string histograms = histograms_body(3, 1);
  EXPECT_TRUE(writes(histograms, histograms));
  EXPECT_TRUE(writes(gauges_body(10, 1), gauges_body(10, 1)));
}

TEST(SkeletonText, SortsWhatCameUnsorted) {
  EXPECT_TRUE(writes("z 1\nm{b=\"2\",a=\"x\"} 2\nm{b=\"1\",a=\"x\"} 3\nm{b=\"3\",a=\"a\"} 4\na 5\n",
                     "z 11\nm{b=\"2\",a=\"x\"} 12\nm{b=\"1\",a=\"x\"} 13\nm{b=\"3\",a=\"a\"} 14\na 15\n"));
}

TEST(SkeletonText, DropsTheGatewaysOwnFamilies) {
  EXPECT_TRUE(writes("push_time_seconds 1\nb 2\n", "push_time_seconds 3\nb 4\n"));
}

TEST(SkeletonText, GroupingLabelsOfAnyValue) {
  const std::string_view body = "a{b=\"c\",job=\"mine\"} 1\nb{instance=\"x\",zone=\"\"} 2\n";
  const Labels key = {{"job", "t"}, {"zone", "z"}};
  EXPECT_TRUE(writes(body, key, body, key));
  EXPECT_TRUE(writes(body, key, body, {{"job", "other"}, {"zone", ""}}));
  EXPECT_TRUE(writes(body, key, body, {{"job", "\"quoted\" \\ \n"}, {"zone", "},{=\""}}));
  EXPECT_TRUE(writes(body, {{"job", "\"\\\n"}, {"zone", "a=\"b\","}}, body, key));
  EXPECT_TRUE(writes(body, key, body, {{"job", std::string(5000, 'j')}, {"zone", "z"}}));
  // Looked at by the canonicaliser: what is not ASCII may not be UTF-8, and a long one is repeated on every line.
  EXPECT_FALSE(writes(body, key, body, {{"job", "\xc3\xa4"}, {"zone", "z"}}));
  EXPECT_FALSE(writes(body, key, body, {{"job", "\xff"}, {"zone", "z"}}));
  EXPECT_FALSE(writes(body, key, body, {{"job", std::string(100000, 'j')}, {"zone", "z"}}));
}

TEST(SkeletonText, OtherNamesAreAnotherPush) {
  const std::string_view body = "a{b=\"c\"} 1\n";
  EXPECT_FALSE(writes(body, {{"job", "t"}}, body, {{"job", "t"}, {"instance", "i"}}));
  EXPECT_FALSE(writes(body, {{"job", "t"}, {"instance", "i"}}, body, {{"job", "t"}}));
  EXPECT_FALSE(writes(body, {{"job", "t"}, {"b", "i"}}, body, {{"job", "t"}, {"c", "i"}}));
}

// A record says what the text cannot.
TEST(SkeletonText, NumbersThatTextDoesNotExpress) {
  EXPECT_FALSE(writes("a 1\n", "a -0\n"));
  EXPECT_FALSE(writes("a 1\n", "a -0.0\n"));
  EXPECT_TRUE(writes("a -0.5\n", "a 0.00\n"));
  // The first body has no template either; the second makes one.
  EXPECT_FALSE(
      writes("# TYPE s summary\ns_sum 1\ns_count 1\n", "# TYPE s summary\ns_sum 1\ns_count 9007199254740994\n"));
  EXPECT_TRUE(
      writes("# TYPE s summary\ns_sum 1\ns_count 1\n", "# TYPE s summary\ns_sum 1\ns_count 9007199254740992\n"));
  EXPECT_FALSE(writes("# TYPE s summary\ns_sum 1\ns_count 1\n", "# TYPE s summary\ns_sum -0\ns_count 1\n"));
  EXPECT_FALSE(writes("# TYPE s summary\ns_count 1\n", "# TYPE s summary\ns_count 1\n"));
  EXPECT_FALSE(writes("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
                      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"));
}

// Their order, or what is wrong with them, may depend on the grouping labels.
TEST(SkeletonText, LeavesDoubtfulFamiliesAlone) {
  EXPECT_FALSE(writes("a{b=\"1\"} 1\na{c=\"1\"} 2\n", "a{b=\"1\"} 1\na{c=\"1\"} 2\n"));
  EXPECT_FALSE(writes("a 1\na{b=\"1\"} 2\n", "a 1\na{b=\"1\"} 2\n"));
  EXPECT_FALSE(writes("a 1\na 2\n", "a 1\na 2\n"));
  EXPECT_FALSE(writes("a{__b=\"1\"} 1\n", "a{__b=\"1\"} 1\n"));
  EXPECT_FALSE(writes("x_bucket 1\n# TYPE x histogram\nx{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n",
                      "x_bucket 1\n# TYPE x histogram\nx{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n"));
}

TEST(SkeletonText, KeepsNoLargeOne) {
  std::string body;
  for (int k = 0; k < 129; ++k) body += "a{b=\"" + std::to_string(k) + "\"} 1\n";
  EXPECT_FALSE(writes(body, body));
  body.erase(0, body.find('\n') + 1);
  EXPECT_TRUE(writes(body, body));
}

Labels random_key(std::mt19937_64& random) {
  static constexpr std::string_view kNames[] = {"instance", "region", "path", "b", "le", "quantile", "zone", "a"};
  static constexpr std::string_view kValues[] = {
      "", "x", "host-1", "a \"b\" \\ c\n", "\xc3\xa4", "eu-west-1", "aaaaaaaaaaaaaaaaaaaaaaaa", "1", "z", "}"};
  Labels labels = {{"job", kValues[1 + random() % 9]}};
  for (uint64_t count = random() % 3; count != 0; --count) {
    labels.push_back({kNames[random() % std::size(kNames)], kValues[random() % std::size(kValues)]});
  }
  return labels;
}

TEST(SkeletonText, RandomPairs) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  size_t written = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string body = random_body(random, 5);
    const std::string other = renumbered(body, random);
    Labels first = random_key(random);
    Labels second = random_key(random);
    if (random() % 4 != 0) {
      // The same names.
      std::string_view value = second.front().value;
      second = first;
      second.front().value = value;
    }
    const SkeletonPair pair = compare_by_skeleton(body, key_of(first), other, key_of(second));
    ASSERT_EQ(pair.difference, "") << "seed " << seed << " round " << round << "\n" << body << "---\n" << other;
    written += pair.written ? 1 : 0;
  }
  EXPECT_GT(written, 700u);
}

}  // namespace
}  // namespace sluice::parser::test
