// Latencies one by one: what is written, and what is done when there are too many.
#include "tools/load/latency_rows.h"

#include <gtest/gtest.h>

namespace sluice::tools::load {
namespace {

TEST(LatencyRows, AreALineEach) {
  LatencyRows rows;
  EXPECT_EQ(rows.csv(), "planned_ns,latency_ns\n");
  rows.record(1'000'000'000'000, 250'000);
  rows.record(1'000'000'040'000, 1);
  EXPECT_EQ(rows.csv(), "planned_ns,latency_ns\n1000000000000,250000\n1000000040000,1\n");
}

TEST(LatencyRows, WhatIsTooManyIsCounted) {
  LatencyRows one(3);
  one.expect(1e18);  // more than it ever takes
  LatencyRows other(3);
  for (int i = 0; i < 2; ++i) one.record(i, i);
  for (int i = 0; i < 5; ++i) other.record(10 + i, i);
  EXPECT_EQ(other.size(), 3u);
  EXPECT_EQ(other.left_out(), 2u);
  one.merge(other);
  EXPECT_EQ(one.csv(), "planned_ns,latency_ns\n0,0\n1,1\n10,0\n");
  EXPECT_EQ(one.left_out(), 4u);
}

}  // namespace
}  // namespace sluice::tools::load
