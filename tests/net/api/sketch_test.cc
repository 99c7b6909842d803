#include "net/api/sketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

namespace sluice::net::api {
namespace {

double quantile_at(const Sketch& sketch, double q, int64_t now_ns) {
  std::vector<uint64_t> counts(Sketch::kBuckets);
  sketch.merge_into(counts, now_ns);
  return Sketch::quantile(counts, q);
}

TEST(Sketch, BucketsAreContiguousAndCloseToTheirValues) {
  uint32_t last = 0;
  for (uint64_t value = 0; value < 100'000; ++value) {
    const uint32_t bucket = Sketch::bucket_of(value);
    ASSERT_TRUE(bucket == last || bucket == last + 1) << value;
    last = bucket;
    ASSERT_NEAR(Sketch::value_of(bucket), static_cast<double>(value), 0.5 + 0.032 * static_cast<double>(value));
  }
  EXPECT_LT(Sketch::bucket_of(UINT64_MAX), Sketch::kBuckets);
}

TEST(Sketch, QuantilesOfAKnownDistribution) {
  const auto sketch = std::make_unique<Sketch>();
  for (uint64_t value = 1; value <= 1000; ++value) sketch->observe(value, 1);
  EXPECT_NEAR(quantile_at(*sketch, 0.1, 1), 100, 4);
  EXPECT_NEAR(quantile_at(*sketch, 0.5, 1), 500, 16);
  EXPECT_NEAR(quantile_at(*sketch, 0.9, 1), 900, 28);
  EXPECT_EQ(sketch->count(), 1000u);
  EXPECT_EQ(sketch->sum(), 500'500u);
}

TEST(Sketch, ForgetsAfterTenMinutesButKeepsItsSums) {
  const auto sketch = std::make_unique<Sketch>();
  sketch->observe(10, 0);
  EXPECT_EQ(quantile_at(*sketch, 0.5, 4 * Sketch::kWindowNs), 10);
  EXPECT_TRUE(std::isnan(quantile_at(*sketch, 0.5, 5 * Sketch::kWindowNs)));
  sketch->observe(20, 5 * Sketch::kWindowNs);  // takes the first window's place
  EXPECT_EQ(quantile_at(*sketch, 0.5, 5 * Sketch::kWindowNs), 20);
  EXPECT_EQ(sketch->count(), 2u);
}

}  // namespace
}  // namespace sluice::net::api
