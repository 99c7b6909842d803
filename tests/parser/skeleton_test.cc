// Skeletons: what they keep, what matches them, and that what comes of a match is what parsing gives.
#include "parser/skeleton.h"

#include <gtest/gtest.h>

#include "core/base/limits.h"
#include "parser/simd/kernel.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/skeleton_pairs.h"

namespace sluice::parser::test {
namespace {

bool kept(std::string_view body) {
  FastTextParser parser(simd::active_kernel());
  Skeleton skeleton;
  return skeleton.make(body, parser);
}

bool matches(std::string_view first, std::string_view second) {
  const SkeletonPair pair = compare_by_skeleton(first, second);
  EXPECT_TRUE(pair.kept) << first;
  EXPECT_EQ(pair.difference, "");
  return pair.matched;
}

TEST(Skeleton, KeepsWhatTheFastParserTakes) {
  EXPECT_TRUE(kept("a 1\n"));
  EXPECT_TRUE(kept(gauges_body(10, 1)));
  EXPECT_TRUE(kept(histograms_body(3, 1)));
  EXPECT_TRUE(kept("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n"));
  EXPECT_FALSE(kept(""));
  EXPECT_FALSE(kept("# HELP a text\n"));
  EXPECT_FALSE(kept("a 1"));
  EXPECT_FALSE(kept("a 1 5\n"));
  EXPECT_FALSE(kept("b 1\na 1 5\nc 1\n"));
  EXPECT_FALSE(kept("a x\n"));
  EXPECT_FALSE(kept("{\"a\"} 1\n"));
  for (const NamedBody& body : declined_bodies()) EXPECT_FALSE(kept(body.text)) << body.name;
}

TEST(Skeleton, KeepsNoLargeBody) {
  const std::string line = "a{b=\"" + std::string(1000, 'x') + "\"} 1\n";
  std::string body;
  while (body.size() + line.size() < limits::kSkeletonBodyBytesMax) body += line;
  EXPECT_TRUE(kept(body));
  EXPECT_FALSE(kept(body + line));
  // Many short lines take more memory than they are worth.
  std::string lines;
  while (lines.size() + 4 < limits::kSkeletonBodyBytesMax) lines += "a 1\n";
  EXPECT_FALSE(kept(lines));
}

TEST(Skeleton, MatchesOtherNumbers) {
  EXPECT_TRUE(matches("a 1\n", "a 1\n"));
  EXPECT_TRUE(matches("a 1\n", "a -12345.678e-3\n"));
  EXPECT_TRUE(matches("a 12345\n", "a NaN\n"));
  // Of two counts the later counts, however it is spelled.
  EXPECT_TRUE(matches("# TYPE h histogram\nh_count 1\nh_count 2\n", "# TYPE h histogram\nh_count 7\nh_count 1e2\n"));
  EXPECT_TRUE(matches("a 1\nb 2\n# end\n", "a 123456789\nb +Inf\n# end\n"));
  EXPECT_TRUE(matches("a{b=\"c\"}1\n", "a{b=\"c\"}1e-300\n"));
  EXPECT_TRUE(matches("a 1\n", "a 123456789012345678901234567890123456789012345678901234567890\n"));
}

TEST(Skeleton, MatchesNothingElse) {
  const std::string_view body = "# TYPE a gauge\na{b=\"c\"} 1\nb 2\n";
  for (const std::string_view other :
       {"", "# TYPE a gauge\n", "# TYPE a gauge\na{b=\"c\"} 1\n", "# TYPE a gauge\na{b=\"c\"} 1\nb 2",
        "# TYPE a gauge\na{b=\"c\"} 1\nb 2\n\n", "# TYPE a gauge\na{b=\"c\"} 1\nb 2\nc 3\n",
        "# TYPE a gauge\na{b=\"c\"} 1 5\nb 2\n", "# TYPE a gauge\na{b=\"c\"} 1 \nb 2\n",
        "# TYPE a gauge\na{b=\"c\"}  1\nb 2\n", "# TYPE a gauge\na{b=\"c\"} 1\r\nb 2\n",
        "# TYPE a gauge\na{b=\"c\"} \nb 2\n", "# TYPE a gauge\na{b=\"c\"} x\nb 2\n",
        "# TYPE a gauge\na{b=\"d\"} 1\nb 2\n", "# TYPE a counts\na{b=\"c\"} 1\nb 2\n",
        "# TYPE a gauge\na{b=\"c\"} 1\nc 2\n", "# TYPE a gauge\na{b=\"c\"} 1\nb 2 \n",
        "# TYPE a gauge\na{b=\"c\"} 1_0\nb 2\n", "# TYPE a gauge\na{b=\"c\"} 1\nb 2 # {} 1\n"}) {
    EXPECT_FALSE(matches(body, other)) << other;
  }
}

// A count that is not whole changes a histogram, so the exact parser must see it.
TEST(Skeleton, HistogramsTakeWholeCountsOnly) {
  const std::string_view body =
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
  EXPECT_TRUE(matches(
      body, "# TYPE h histogram\nh_bucket{le=\"1\"} 1e3\nh_bucket{le=\"+Inf\"} 2.0\nh_sum 0.5\nh_count 20000000000\n"));
  EXPECT_FALSE(
      matches(body, "# TYPE h histogram\nh_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"));
  EXPECT_FALSE(
      matches(body, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count -2\n"));
}

TEST(Skeleton, CommonBodiesWithOtherNumbers) {
  std::mt19937_64 random(1);
  for (const NamedBody& body : fast_bodies()) {
    SCOPED_TRACE(std::string(body.name));
    size_t matched = 0;
    for (int round = 0; round < 50; ++round) {
      const SkeletonPair pair = compare_by_skeleton(body.text, renumbered(body.text, random));
      ASSERT_EQ(pair.difference, "");
      if (pair.kept) ++matched;
    }
    // Those without numbers, and with timestamps.
    if (matched == 0) {
      EXPECT_TRUE(body.text.find(" 1395066363000") != std::string_view::npos ||
                  body.text.find("1\n") == std::string_view::npos);
    }
  }
}

// Every byte of a body replaced by each of these.
TEST(Skeleton, EveryByteMatters) {
  static constexpr std::string_view kBytes = "\"\\\n{}=,# \t0.e+-aZ_:\r\xff\xc3";
  for (const std::string& body :
       {gauges_body(2, 1),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{a=\"\\n\",le=\"1\"} 10\nh_sum 7.5\nh_count 10\n"),
        std::string(
            "# TYPE s summary\ns{quantile=\"0.5\"} 1e3\ns{quantile=\"NaN\"} 2\ns_sum 2\ns_count 3\nz 1\nz 2\n")}) {
    for (size_t at = 0; at < body.size(); ++at) {
      for (const char byte : kBytes) {
        std::string other = body;
        other[at] = byte;
        const SkeletonPair pair = compare_by_skeleton(body, other);
        ASSERT_TRUE(pair.kept);
        ASSERT_EQ(pair.difference, "") << other;
      }
      ASSERT_EQ(compare_by_skeleton(body, std::string_view(body).substr(0, at)).difference, "");
      ASSERT_FALSE(compare_by_skeleton(body, std::string_view(body).substr(0, at)).matched);
    }
  }
}

TEST(Skeleton, RandomPairs) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  size_t kept = 0;
  size_t matched = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string body = random_body(random, 8);
    std::string other = renumbered(body, random);
    if (random() % 3 == 0) other = mutated(std::move(other), random);
    const SkeletonPair pair = compare_by_skeleton(body, other);
    ASSERT_EQ(pair.difference, "") << "seed " << seed << " round " << round << "\n" << body << "---\n" << other;
    kept += pair.kept ? 1 : 0;
    matched += pair.matched ? 1 : 0;
  }
  EXPECT_GT(kept, 2000u);
  EXPECT_GT(matched, 1000u);
  EXPECT_LT(matched, kept);
}

}  // namespace
}  // namespace sluice::parser::test
