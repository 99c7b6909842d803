// Which of a worker's parser tables outlive a push.
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "core/base/limits.h"
#include "net/api/push.h"
#include "net/api/worker_context.h"

namespace sluice::net::api {
namespace {

constexpr size_t kLargeBody = limits::kPushBodyBytesLarge;

std::unique_ptr<PushScratch> scratch_of(size_t bytes) {
  auto scratch = std::make_unique<PushScratch>();
  scratch->families.metrics.resize(bytes / (sizeof(model::Metric) + 64) + 1);
  EXPECT_GE(scratch->bytes(), bytes);
  return scratch;
}

TEST(ScratchPool, SmallOnesComeBackToAnyPush) {
  ScratchPool pool;
  auto scratch = scratch_of(1000);
  const PushScratch* const first = scratch.get();
  pool.give(std::move(scratch));
  scratch = pool.take(kLargeBody);
  EXPECT_EQ(scratch.get(), first);
  pool.give(std::move(scratch));
  EXPECT_EQ(pool.take(10).get(), first);
}

TEST(ScratchPool, OneLargeOneComesBackToLargePushesOnly) {
  ScratchPool pool;
  auto scratch = scratch_of(limits::kPushScratchBytesKept + 1);
  const PushScratch* const first = scratch.get();
  pool.give(std::move(scratch));
  const auto small = pool.take(kLargeBody - 1);
  EXPECT_NE(small.get(), first);
  const auto large = pool.take(kLargeBody);
  EXPECT_EQ(large.get(), first);
  const auto second = pool.take(kLargeBody);
  EXPECT_NE(second.get(), first);
}

// Else broken bodies that are long and come to nothing would turn one large one after the other into small ones.
TEST(ScratchPool, ALargeOneStaysOneAfterAPushThatNeededLittle) {
  ScratchPool pool;
  pool.give(scratch_of(limits::kPushScratchBytesKept + 1));
  auto scratch = pool.take(kLargeBody);
  const PushScratch* const first = scratch.get();
  scratch->families.clear();
  pool.give(std::move(scratch));
  EXPECT_NE(pool.take(10).get(), first);
  EXPECT_EQ(pool.take(kLargeBody).get(), first);
}

TEST(ScratchPool, HugeOnesAreNotKept) {
  ScratchPool pool;
  pool.give(scratch_of(limits::kPushScratchLargeBytesKept + 1));
  EXPECT_TRUE(pool.take(kLargeBody)->families.metrics.empty());
}

TEST(ScratchPool, ALargeOneThatIsNotUsedIsFreed) {
  ScratchPool pool;
  pool.give(scratch_of(limits::kPushScratchBytesKept + 1));
  for (int second = 0; second < limits::kPushScratchLargeSeconds; ++second) pool.age();
  auto scratch = pool.take(kLargeBody);
  EXPECT_FALSE(scratch->families.metrics.empty());
  pool.give(std::move(scratch));
  for (int second = 0; second <= limits::kPushScratchLargeSeconds; ++second) pool.age();
  EXPECT_TRUE(pool.take(kLargeBody)->families.metrics.empty());
}

}  // namespace
}  // namespace sluice::net::api
