// The timer wheel against a sorted list, with seeds; and what it must never do: fire early, late or twice.
#include "net/loop/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace sluice::net::loop {
namespace {

constexpr int64_t kTick = TimerWheel::kTickNs;

class Probe final : public Timer {
 public:
  void on_timer(int64_t now_ns) override {
    ++fired;
    fired_ns = now_ns;
    if (then) then();
  }
  int fired = 0;
  int64_t fired_ns = 0;
  std::function<void()> then;
};

TEST(TimerWheel, FiresAtItsTickNeverEarly) {
  TimerWheel wheel(0);
  Probe timer;
  wheel.arm(timer, 5 * kTick + 1);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(wheel.next_ns(), 6 * kTick);
  wheel.expire(5 * kTick + 2, 10);
  EXPECT_EQ(timer.fired, 0);
  wheel.expire(6 * kTick, 10);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next_ns(), INT64_MAX);
}

TEST(TimerWheel, ADeadlineInThePastFiresNext) {
  TimerWheel wheel(1000 * kTick);
  Probe timer;
  wheel.arm(timer, 3);
  EXPECT_EQ(wheel.next_ns(), INT64_MIN);
  EXPECT_EQ(wheel.expire(1000 * kTick, 10), 1u);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, FarDeadlinesWaitForTheirRevolution) {
  TimerWheel wheel(0);
  Probe timer;
  const int64_t hour = 3'600'000'000'000;
  wheel.arm(timer, hour);
  int64_t now = 0;
  int looks = 0;
  while (timer.fired == 0) {
    ASSERT_GT(wheel.next_ns(), now);
    now = wheel.next_ns();
    wheel.expire(now, 10);
    ASSERT_LT(++looks, 400);
  }
  EXPECT_GE(now, hour);
  EXPECT_LE(now, hour + kTick);
}

TEST(TimerWheel, CallbacksMayDisarmAndArmAnything) {
  TimerWheel wheel(0);
  Probe first;
  Probe second;
  Probe third;
  for (Probe* p : {&first, &second, &third}) wheel.arm(*p, kTick);
  // Whoever comes first takes the others away and arms itself in the past: it must not fire twice in one expire.
  for (Probe* p : {&first, &second, &third}) {
    p->then = [&, p] {
      for (Probe* other : {&first, &second, &third}) wheel.disarm(*other);
      if (p->fired < 3) wheel.arm(*p, kTick);
    };
  }
  EXPECT_EQ(wheel.expire(kTick, 10), 1u);
  EXPECT_EQ(first.fired + second.fired + third.fired, 1);
  EXPECT_EQ(wheel.expire(2 * kTick, 10), 1u);
  EXPECT_EQ(wheel.armed(), 1u);
  EXPECT_EQ(wheel.expire(3 * kTick, 10), 1u);
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheel, CallsABoundedNumber) {
  TimerWheel wheel(0);
  std::vector<Probe> timers(100);
  for (Probe& p : timers) wheel.arm(p, kTick);
  EXPECT_EQ(wheel.expire(kTick, 30), 30u);
  EXPECT_EQ(wheel.next_ns(), INT64_MIN);
  EXPECT_EQ(wheel.expire(kTick, 100), 70u);
}

TEST(TimerWheel, AgreesWithAModel) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    int64_t now = static_cast<int64_t>(random() % 1'000'000'000'000);
    TimerWheel wheel(now);
    std::vector<Probe> timers(40);
    std::vector<int> expected(timers.size());
    for (int step = 0; step < 2000; ++step) {
      Probe& timer = timers[random() % timers.size()];
      if (random() % 4 == 0) {
        wheel.disarm(timer);
      } else {
        wheel.arm(timer, now + static_cast<int64_t>(random() % (random() % 8 == 0 ? 100'000 : 400) * (kTick / 7)));
      }
      if (random() % 3 == 0) now += static_cast<int64_t>(random() % (random() % 16 == 0 ? 3000 : 5)) * (kTick / 3);
      int64_t earliest = INT64_MAX;
      for (size_t i = 0; i < timers.size(); ++i) {
        if (!timers[i].armed()) continue;
        const int64_t at = (timers[i].deadline_ns() + kTick - 1) / kTick * kTick;
        if (now / kTick * kTick >= at) {
          ++expected[i];
        } else {
          earliest = std::min(earliest, at);
        }
      }
      wheel.expire(now, 1000);
      for (size_t i = 0; i < timers.size(); ++i) ASSERT_EQ(timers[i].fired, expected[i]) << i << " at step " << step;
      ASSERT_LE(wheel.next_ns(), earliest);
      ASSERT_GT(wheel.next_ns(), now - kTick);
    }
    for (Probe& p : timers) wheel.disarm(p);
  }
}

}  // namespace
}  // namespace sluice::net::loop
