// The rate limit: what it lets through, also at the ends of its range and between threads.
#include "core/sync/token_bucket.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace sluice::sync {
namespace {

int taken(TokenBucket& bucket, int64_t now_ns, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += bucket.take(now_ns) ? 1 : 0;
  return count;
}

TEST(TokenBucketTest, ABurstThenOneEachInterval) {
  TokenBucket bucket(100, 3);
  EXPECT_EQ(taken(bucket, 1'000, 10), 3);
  EXPECT_EQ(taken(bucket, 1'099, 10), 0);
  EXPECT_EQ(taken(bucket, 1'100, 10), 1);
  EXPECT_EQ(taken(bucket, 1'250, 10), 1);
  EXPECT_EQ(taken(bucket, 1'300, 10), 1);
  EXPECT_EQ(taken(bucket, 1'000'000, 10), 3);  // never more than the burst
}

TEST(TokenBucketTest, NoIntervalIsNoLimitAndNoBurstLetsNothingThrough) {
  TokenBucket unlimited(0, 0);
  EXPECT_EQ(taken(unlimited, 0, 100), 100);
  TokenBucket negative(-1, 5);
  EXPECT_EQ(taken(negative, 0, 100), 100);
  TokenBucket closed(1, 0);
  EXPECT_EQ(taken(closed, 1'000'000'000, 100), 0);
}

TEST(TokenBucketTest, LargeSettingsDoNotOverflow) {
  TokenBucket bucket(INT64_MAX / 4, INT64_MAX);
  EXPECT_EQ(taken(bucket, 1'000'000'000'000, 10), 2);
  TokenBucket many(1, INT64_MAX);
  EXPECT_EQ(taken(many, 1'000'000'000'000, 1000), 1000);
}

TEST(TokenBucketTest, ThreadsShareOneBucket) {
  TokenBucket bucket(1'000'000, 1'000);
  std::vector<int> counts(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(counts.size());
    for (int& count : counts) threads.emplace_back([&] { count = taken(bucket, 5, 1'000); });
  }
  EXPECT_EQ(counts[0] + counts[1] + counts[2] + counts[3], 1'000);
}

}  // namespace
}  // namespace sluice::sync
