// Who gets a new connection.
#include "net/loop/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace sluice::net::loop {
namespace {

TEST(Balance, KeepsWhatIsNearTheMean) {
  const std::vector<uint64_t> even{10, 10, 10, 10};
  EXPECT_EQ(choose_worker(even, 2, 1000), 2u);
  const std::vector<uint64_t> idle{0, 1, 0, 0};
  EXPECT_EQ(choose_worker(idle, 1, 1000), 1u) << "two connections are not worth a message";
  const std::vector<uint64_t> alone{5};
  EXPECT_EQ(choose_worker(alone, 0, 1000), 0u);
}

TEST(Balance, HandsOnAboveOneAndAHalfTimesTheMean) {
  EXPECT_EQ(choose_worker(std::vector<uint64_t>{14, 10, 10, 10}, 0, 1000), 0u);  // 15 of 45: mean 11.25, bound 16.9
  EXPECT_EQ(choose_worker(std::vector<uint64_t>{17, 10, 9, 10}, 0, 1000), 2u);   // 18 of 47: bound 17.6
}

TEST(Balance, AFullWorkerHandsOn) {
  EXPECT_EQ(choose_worker(std::vector<uint64_t>{10, 9}, 0, 10), 1u);
  EXPECT_EQ(choose_worker(std::vector<uint64_t>{10, 10}, 0, 10), 0u) << "nobody is better off";
}

TEST(Balance, LeastLoadedGoesRound) {
  EXPECT_EQ(least_loaded(std::vector<uint64_t>{1, 1, 1}, 0), 1u);
  EXPECT_EQ(least_loaded(std::vector<uint64_t>{1, 1, 1}, 2), 0u);
  EXPECT_EQ(least_loaded(std::vector<uint64_t>{3, 1, 0, 2}, 2), 2u);
}

// The case that the rule is for: 16 connections on 8 workers, placed at random by the kernel.
TEST(Balance, SixteenConnectionsOnEightWorkers) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<uint64_t> loads(8);
    for (int i = 0; i < 16; ++i) ++loads[choose_worker(loads, static_cast<uint32_t>(random() % 8), 1000)];
    EXPECT_EQ(std::accumulate(loads.begin(), loads.end(), uint64_t{0}), 16u);
    EXPECT_LE(*std::max_element(loads.begin(), loads.end()), 3u);
  }
}

// Connections end where they want to, here all on some workers; as many new ones make up for it, wherever the kernel
// puts them.
TEST(Balance, WhatEndsUnevenlyIsMadeUpForByNewConnections) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<uint64_t> loads(8, 100);
    for (size_t i = 0; i < 6; ++i) loads[i] = random() % 20;
    uint64_t total = std::accumulate(loads.begin(), loads.end(), uint64_t{0});
    // All of them go to one listener: the worst that SO_REUSEPORT can do.
    const auto own = static_cast<uint32_t>(random() % 8);
    for (; total < 800; ++total) ++loads[choose_worker(loads, own, 1000)];
    EXPECT_LE(*std::max_element(loads.begin(), loads.end()), 150u);
    EXPECT_GE(*std::min_element(loads.begin(), loads.end()), 80u);
  }
}

}  // namespace
}  // namespace sluice::net::loop
