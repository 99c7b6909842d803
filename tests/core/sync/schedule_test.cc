// The scheduler itself: it must find what it claims to find, and nothing that cannot happen.
#include "tests/core/sync/schedule.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace sluice::sync::testing {
namespace {

// Each of two fibers announces itself and looks for the other. Returns how often both missed each other.
int both_missed(std::memory_order store_order, uint64_t seeds) {
  int missed = 0;
  for_each_seed(seeds, [&](uint64_t seed) {
    SimAtomic<int> x{0};
    SimAtomic<int> y{0};
    int saw_x = -1;
    int saw_y = -1;
    Schedule schedule(seed);
    schedule.spawn([&] {
      x.store(1, store_order);
      saw_y = y.load(std::memory_order_acquire);
    });
    schedule.spawn([&] {
      y.store(1, store_order);
      saw_x = x.load(std::memory_order_acquire);
    });
    EXPECT_TRUE(schedule.run());
    missed += saw_x == 0 && saw_y == 0 ? 1 : 0;
  });
  return missed;
}

TEST(ScheduleTest, DelayedStoresShowTheRaceOfAnnounceThenLook) {
  EXPECT_GT(both_missed(std::memory_order_release, 500), 0);
}

TEST(ScheduleTest, SequentiallyConsistentStoresDoNot) { EXPECT_EQ(both_missed(std::memory_order_seq_cst, 500), 0); }

TEST(ScheduleTest, StoresOfAFiberArriveInOrder) {
  for_each_seed(500, [&](uint64_t seed) {
    SimAtomic<int> data{0};
    SimAtomic<int> flag{0};
    Schedule schedule(seed);
    schedule.spawn([&] {
      data.store(1, std::memory_order_relaxed);
      flag.store(1, std::memory_order_release);
    });
    schedule.spawn([&] {
      if (flag.load(std::memory_order_acquire) == 1) {
        EXPECT_EQ(data.load(std::memory_order_relaxed), 1);
      }
    });
    EXPECT_TRUE(schedule.run());
  });
}

// A lost update needs a switch between load and store.
TEST(ScheduleTest, FindsALostUpdateAndNoneWithReadModifyWrite) {
  int lost = 0;
  for_each_seed(500, [&](uint64_t seed) {
    SimAtomic<int> torn{0};
    SimAtomic<int> whole{0};
    Schedule schedule(seed);
    for (int i = 0; i < 2; ++i) {
      schedule.spawn([&] {
        torn.store(torn.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
        whole.fetch_add(1, std::memory_order_relaxed);
      });
    }
    EXPECT_TRUE(schedule.run());
    EXPECT_EQ(whole.load(std::memory_order_relaxed), 2);
    lost += torn.load(std::memory_order_relaxed) == 1 ? 1 : 0;
  });
  EXPECT_GT(lost, 0);
}

TEST(ScheduleTest, SameSeedSameSchedule) {
  const auto trace = [](uint64_t seed) {
    std::vector<int> order;
    SimAtomic<int> shared{0};
    Schedule schedule(seed);
    for (int i = 0; i < 3; ++i) {
      schedule.spawn([&, i] {
        for (int n = 0; n < 20; ++n) {
          shared.fetch_add(1, std::memory_order_relaxed);
          order.push_back(i);
        }
      });
    }
    EXPECT_TRUE(schedule.run());
    return order;
  };
  std::set<std::vector<int>> different;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const auto first = trace(seed);
    EXPECT_EQ(first, trace(seed));
    different.insert(first);
  }
  EXPECT_GT(different.size(), 40u);
}

TEST(ScheduleTest, AFrozenFiberStopsBeforeItsStepAndItsStoresStillLand) {
  SimAtomic<int> x{0};
  SimAtomic<int> y{0};
  Schedule schedule(7);
  const size_t fiber = schedule.spawn([&] {
    x.store(1, std::memory_order_release);
    y.store(1, std::memory_order_release);
  });
  schedule.freeze_at(fiber, 2);
  EXPECT_TRUE(schedule.run());
  EXPECT_TRUE(schedule.frozen(fiber));
  EXPECT_EQ(x.load(std::memory_order_relaxed), 1);
  EXPECT_EQ(y.load(std::memory_order_relaxed), 0);
  schedule.thaw();
  EXPECT_TRUE(schedule.run());
  EXPECT_TRUE(schedule.ended(fiber));
  EXPECT_EQ(y.load(std::memory_order_relaxed), 1);
}

TEST(ScheduleTest, WaitingForAFrozenFiberIsReported) {
  SimAtomic<int> lock{0};
  Schedule schedule(7);
  schedule.set_steps_max(100'000);
  const auto locked = [&] {
    int open = 0;
    while (!lock.compare_exchange_strong(open, 1, std::memory_order_acquire)) open = 0;
    lock.store(0, std::memory_order_release);
  };
  const size_t fiber = schedule.spawn(locked);
  schedule.freeze_at(fiber, 2);  // Holding the lock.
  EXPECT_TRUE(schedule.run_only(fiber));
  schedule.spawn(locked);
  EXPECT_FALSE(schedule.run());
}

}  // namespace
}  // namespace sluice::sync::testing
