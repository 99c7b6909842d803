// Latencies: percentiles against a sorted list, and stretches of time that are joined when there are too many.
#include "tools/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/load/random.h"
#include "tools/load/timeline.h"

namespace sluice::tools::load {
namespace {

TEST(Histogram, PercentilesAreWithinOnePercentOfASortedList) {
  Histogram histogram;
  std::vector<int64_t> values;
  Random random(5);
  for (int i = 0; i < 100'000; ++i) {
    // From a nanosecond to an hour, evenly over the magnitudes.
    const auto value = static_cast<int64_t>(std::exp(random.unit() * std::log(3.6e12)));
    values.push_back(value);
    histogram.record(value);
  }
  std::ranges::sort(values);
  for (const double percent : {0.001, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(values.size()) - 1e-9));
    const auto exact = static_cast<double>(values[std::max<size_t>(rank, 1) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(percent)), exact, exact * 0.01) << percent;
  }
  EXPECT_EQ(histogram.max_ns(), values.back());
  EXPECT_EQ(histogram.min_ns(), values.front());
}

TEST(Histogram, EdgesAndMerge) {
  Histogram empty;
  EXPECT_EQ(empty.percentile_ns(99), 0);
  EXPECT_EQ(empty.min_ns(), 0);
  Histogram a;
  for (const int64_t value : {int64_t{-5}, int64_t{0}, int64_t{127}, int64_t{128}, int64_t{255}, int64_t{256}}) {
    a.record(value);
  }
  EXPECT_EQ(a.percentile_ns(1), 0);
  EXPECT_EQ(a.percentile_ns(50), 127);
  EXPECT_EQ(a.percentile_ns(100), 256);
  Histogram b;
  b.record(INT64_MAX / 2);  // longer than the range: counted, and the maximum stays exact
  b.merge(a);
  EXPECT_EQ(b.count(), 7u);
  EXPECT_EQ(b.max_ns(), INT64_MAX / 2);
  EXPECT_EQ(b.min_ns(), 0);
  b.clear();
  EXPECT_EQ(b.count(), 0u);
}

TEST(Timeline, IsBoundedAndKeepsEveryCount) {
  Timeline timeline(1000);
  for (int64_t at = 0; at < 1'000'000; at += 100) timeline.record(at, 5);
  timeline.record_failure(999'999);
  EXPECT_LE(timeline.intervals().size(), Timeline::kIntervalsMax);
  EXPECT_EQ(timeline.interval_ns(), 4000);
  uint64_t total = 0;
  for (size_t i = 0; i + 1 < timeline.intervals().size(); ++i) {
    EXPECT_EQ(timeline.intervals()[i].latency.count(), 40u) << i;
  }
  for (const Interval& interval : timeline.intervals()) total += interval.latency.count();
  EXPECT_EQ(total, 10'000u);
  EXPECT_EQ(timeline.intervals().back().failed, 1u);
}

TEST(Timeline, MergesOnesOfDifferentWidth) {
  Timeline fine(1000);
  fine.record(2500, 7);
  Timeline coarse(1000);
  for (int64_t at = 0; at < 500'000; at += 1000) coarse.record(at, 5);
  fine.merge(coarse);
  EXPECT_EQ(fine.interval_ns(), 2000);
  EXPECT_EQ(fine.intervals()[1].latency.count(), 3u);
  EXPECT_EQ(fine.intervals()[1].latency.max_ns(), 7);
}

}  // namespace
}  // namespace sluice::tools::load
