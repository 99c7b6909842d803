#include "core/base/clock.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Clock, MonotonicNeverGoesBack) {
  int64_t last = monotonic_ns();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = monotonic_ns();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, DeadlinePassesOnceItsTimeIsOver) {
  EXPECT_TRUE(Deadline::in_ns(-1).passed());
  EXPECT_FALSE(Deadline::in_ns(60'000'000'000).passed());
  EXPECT_FALSE(Deadline::never().passed());
}

}  // namespace
}  // namespace sluice
