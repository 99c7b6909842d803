// The short form of bench/churn_bench.cc: a hundredth of its operations and groups. Memory must stay what it was, by
// the store's own count and by the slabs'; and it must not depend on which thread runs.
#include "tests/core/store/churn.h"

#include <gtest/gtest.h>

#include "core/base/slabs.h"

namespace sluice::store::testing {
namespace {

TEST(ChurnTest, MemoryStaysWhatItWasAfterAMillionOperations) {
  Churn churn(20'000, 2, 1);
  churn.run(200'000);
  const Footprint first = footprint_of(churn.store());
  churn.run(800'000);
  const Footprint last = footprint_of(churn.store());
  EXPECT_GE(churn.operations(), 990'000u);
  EXPECT_EQ(churn.store().stats().groups, 20'000u);
  EXPECT_EQ(churn.store().stats().versions_retired, 0u);
  // The live bytes are a sum over random groups: with 20,000 of them it varies by a percent or so.
  EXPECT_LE(last.store_bytes, first.store_bytes + first.store_bytes / 10);
  if (!Slabs::enabled()) {
    std::printf("NOT RUN: churn by the slabs' count: all pieces are malloc's in this build\n");
    return;
  }
  EXPECT_GE(last.held_bytes, last.store_bytes);
  // Spans that are not full are a larger part of 90 MB than of 400 (there churn_bench allows a tenth); and a thread
  // that a busy system holds up for some milliseconds holds up what the other one wants to free.
  EXPECT_LE(last.held_bytes, first.held_bytes + first.held_bytes / 3);
  std::printf("blocks %lu -> %lu, slabs %lu -> %lu\n", first.store_bytes, last.store_bytes, first.held_bytes,
              last.held_bytes);
}

// With an arena for each thread, as the C library has them, a thread that rests keeps the pages that the groups of the
// others have left.
TEST(ChurnTest, MemoryDoesNotDependOnWhichThreadRuns) {
  constexpr size_t kGroups = 10'000;
  Churn churn(kGroups, 2, 1);
  churn.run_in_turns(6 * kGroups, 1);
  const Footprint first = footprint_of(churn.store());
  churn.run_in_turns(6 * kGroups, 6);
  const Footprint last = footprint_of(churn.store());
  EXPECT_EQ(churn.store().stats().groups, kGroups);
  std::printf("blocks %lu -> %lu, slabs %lu -> %lu, resident %lu -> %lu\n", first.store_bytes, last.store_bytes,
              first.held_bytes, last.held_bytes, first.resident_bytes, last.resident_bytes);
  if (!Slabs::enabled()) {
    std::printf("NOT RUN: churn by the slabs' count: all pieces are malloc's in this build\n");
    return;
  }
  EXPECT_LE(last.held_bytes, first.held_bytes + first.held_bytes / 5);
}

}  // namespace
}  // namespace sluice::store::testing
