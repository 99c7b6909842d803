// The cache of skeletons: when it makes one, whom it lends it, and what it drops.
#include "parser/skeleton_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "parser/text_parser.h"
#include "tests/parser/fast_bodies.h"
#include "tests/parser/fast_families.h"

namespace sluice::parser::test {
namespace {

// A body of one kind with number `value`; kinds have first lines of their own.
std::string body_of(int kind, int value) {
  const std::string name = "batch_job_metric_" + std::to_string(kind);
  return "# TYPE " + name + " gauge\n" + name + "{region=\"eu-west-1\",stage=\"production\"} " + std::to_string(value) +
         "\n" + name + "_too 1\n";
}

// The same first line, another label.
std::string variant_of(int variant, int value) {
  return "# TYPE batch_job_metric gauge\nbatch_job_metric{region=\"eu-west-1\",request=\"" + std::to_string(variant) +
         "\"} " + std::to_string(value) + "\n";
}

// As a push does it. Whether there was a skeleton.
bool push(SkeletonCache& cache, std::string_view body) {
  if (cache.find(body)) return true;
  cache.learn(body);
  return false;
}

TEST(SkeletonCache, LearnsTheSecondTime) {
  SkeletonCache cache;
  EXPECT_FALSE(push(cache, body_of(1, 1)));
  EXPECT_FALSE(push(cache, body_of(1, 2)));
  EXPECT_TRUE(push(cache, body_of(1, 3)));
  EXPECT_FALSE(push(cache, body_of(2, 1)));
  EXPECT_TRUE(push(cache, body_of(1, 4)));
}

TEST(SkeletonCache, LendsTheFamiliesOfTheBody) {
  SkeletonCache cache;
  const std::string body = gauges_body(10, 1);
  push(cache, body);
  push(cache, body);
  const SkeletonCache::Loan loan = cache.find(body);
  ASSERT_TRUE(loan);
  TextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  ASSERT_EQ(parser.step(Deadline::never()), TextParser::Step::kDone);
  EXPECT_EQ(describe(loan->families()), describe(families));
}

// Two pushes under way at once: the second one parses.
TEST(SkeletonCache, LendsToOneAtATime) {
  SkeletonCache cache;
  push(cache, body_of(1, 1));
  push(cache, body_of(1, 1));
  SkeletonCache::Loan first = cache.find(body_of(1, 3));
  ASSERT_TRUE(first);
  EXPECT_FALSE(cache.find(body_of(1, 4)));
  SkeletonCache::Loan moved = std::move(first);
  EXPECT_FALSE(cache.find(body_of(1, 4)));
  moved.give_back();
  EXPECT_FALSE(moved);
  moved.give_back();
  EXPECT_TRUE(cache.find(body_of(1, 4)));
}

// What is lent is never replaced; giving back in any order is fine.
TEST(SkeletonCache, KeepsWhatIsLent) {
  SkeletonCache cache;
  std::vector<SkeletonCache::Loan> loans;
  std::vector<std::string> bodies;
  for (int kind = 0; kind < 16; ++kind) bodies.push_back(body_of(kind, 7));
  for (const std::string& body : bodies) {
    push(cache, body);
    push(cache, body);
    loans.push_back(cache.find(body));
    ASSERT_TRUE(loans.back());
  }
  for (int round = 0; round < 5000; ++round) push(cache, body_of(100, round));
  EXPECT_FALSE(cache.find(body_of(100, 1)));
  for (const size_t index : {3u, 0u, 15u}) {
    EXPECT_EQ(loans[index]->families().metrics.front().value, 7);
    loans[index].give_back();
    EXPECT_TRUE(cache.find(bodies[index]));
  }
  for (int round = 0; round < 5000; ++round) push(cache, body_of(100, round));
  EXPECT_TRUE(cache.find(body_of(100, 1)));
}

TEST(SkeletonCache, TakesBodiesOfItsSizesOnly) {
  SkeletonCache cache;
  for (int round = 0; round < 4; ++round) {
    EXPECT_FALSE(push(cache, ""));
    EXPECT_FALSE(push(cache, "a 1\n"));
    EXPECT_FALSE(push(cache, series_body(1000, 1)));
  }
}

TEST(SkeletonCache, VariantsOfOneFirstLine) {
  SkeletonCache cache;
  for (int round = 0; round < 100; ++round) push(cache, variant_of(round % 8, round));
  for (int variant = 0; variant < 8; ++variant) EXPECT_TRUE(push(cache, variant_of(variant, 1))) << variant;
}

// More kinds than there are slots: those that stay are of use.
TEST(SkeletonCache, MoreKindsThanSlots) {
  SkeletonCache cache;
  size_t hits = 0;
  for (int round = 0; round < 32000; ++round) hits += push(cache, body_of(round % 32, round)) ? 1 : 0;
  EXPECT_GT(hits, 32000u / 4);
}

// Bodies that never repeat make few skeletons, and one that begins to repeat is found all the same.
TEST(SkeletonCache, BodiesThatNeverRepeat) {
  SkeletonCache cache;
  for (int round = 0; round < 20000; ++round) ASSERT_FALSE(push(cache, variant_of(round, 1)));
  int rounds = 0;
  while (!push(cache, body_of(1, rounds))) ASSERT_LT(++rounds, 3000);
  // Nearly every one of them would have been made otherwise.
  EXPECT_GT(rounds, 100);
}

// A workload that changes over time: the old kinds make room.
TEST(SkeletonCache, NewKindsReplaceOldOnes) {
  SkeletonCache cache;
  for (int generation = 0; generation < 20; ++generation) {
    size_t hits = 0;
    for (int round = 0; round < 1000; ++round) hits += push(cache, body_of(generation * 4 + round % 4, round)) ? 1 : 0;
    EXPECT_GT(hits, 900u) << generation;
  }
}

}  // namespace
}  // namespace sluice::parser::test
