// The short form of bench/churn_bench.cc: a hundredth of its operations and groups. Memory must stay what it was, by
// the store's own count and by malloc's.
#include "tests/core/store/churn.h"

#include <gtest/gtest.h>

namespace sluice::store::testing {
namespace {

TEST(ChurnTest, MemoryStaysWhatItWasAfterAMillionOperations) {
  Churn churn(1'000, 1, 1);
  churn.run(10'000);
  const Footprint first = footprint_of(churn.store());
  churn.run(990'000);
  const Footprint last = footprint_of(churn.store());
  EXPECT_GE(churn.operations(), 1'000'000u);
  EXPECT_EQ(churn.store().stats().groups, 1'000u);
  EXPECT_EQ(churn.store().stats().versions_retired, 0u);
  // The live bytes are a sum over random groups: with 1,000 of them it varies by some percent.
  EXPECT_LE(last.store_bytes, first.store_bytes + first.store_bytes / 5);
  if (first.in_use_bytes == 0) {
    std::printf("NOT RUN: churn by malloc's own count: malloc is a sanitizer's\n");
    return;
  }
  EXPECT_LE(last.in_use_bytes, first.in_use_bytes + first.in_use_bytes / 5);
  EXPECT_LE(last.from_system, first.from_system + first.from_system / 4);
  std::printf("blocks %lu -> %lu, in use %lu -> %lu, from the system %lu -> %lu\n", first.store_bytes, last.store_bytes,
              first.in_use_bytes, last.in_use_bytes, first.from_system, last.from_system);
}

}  // namespace
}  // namespace sluice::store::testing
