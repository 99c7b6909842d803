// Counts and rates by key, alone and from several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/sync/keyed_counts.h"
#include "core/sync/keyed_rates.h"
#include "core/sync/shared_number.h"

namespace sluice::sync {
namespace {

constexpr uint64_t kA = 0x1111'0000'0000'0000;
constexpr uint64_t kB = 0x2222'0000'0000'0000;  // of the same bucket
constexpr int64_t kSecondNs = 1'000'000'000;

TEST(KeyedCounts, EachKeyHasItsOwnNumber) {
  KeyedCounts counts(2);
  KeyedCounts::Hold holds[5];
  EXPECT_TRUE(counts.add(kA, 2, holds[0]));
  EXPECT_TRUE(counts.add(kA, 2, holds[1]));
  EXPECT_FALSE(counts.add(kA, 2, holds[2]));
  EXPECT_TRUE(counts.add(kB, 2, holds[3]));
  KeyedCounts::remove(holds[0]);
  KeyedCounts::remove(holds[0]);  // empty by now
  EXPECT_TRUE(counts.add(kA, 2, holds[2]));
  EXPECT_FALSE(counts.add(kA, 2, holds[4]));
}

TEST(KeyedCounts, AFullBucketLimitsNobodyElse) {
  KeyedCounts counts(0);
  KeyedCounts::Hold holds[10];
  for (uint64_t key = 0; key < 8; ++key) EXPECT_TRUE(counts.add(key << 48, 1, holds[key]));
  EXPECT_TRUE(counts.add(uint64_t{8} << 48, 1, holds[8]));
  EXPECT_TRUE(counts.add(uint64_t{8} << 48, 1, holds[9])) << "it is not counted";
  EXPECT_FALSE(counts.add(uint64_t{7} << 48, 1, holds[9]));
  KeyedCounts::remove(holds[3]);
  EXPECT_TRUE(counts.add(uint64_t{8} << 48, 1, holds[9]));
  EXPECT_FALSE(counts.add(uint64_t{8} << 48, 1, holds[3]));
}

// Threads that come and go: never more than the limit of a key that has its cell, and none is left at the end.
TEST(KeyedCounts, ThreadsShareANumber) {
  KeyedCounts counts(4);
  KeyedCounts::Hold kept;
  ASSERT_TRUE(counts.add(kA, 4, kept));
  std::atomic<int> inside{1};
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        KeyedCounts::Hold hold;
        if (!counts.add(kA, 4, hold)) continue;
        EXPECT_LE(inside.fetch_add(1) + 1, 4);
        passed.fetch_add(1);
        inside.fetch_sub(1);
        KeyedCounts::remove(hold);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(passed.load(), 0);
  KeyedCounts::Hold holds[4];
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(counts.add(kA, 4, holds[i])) << i;
  EXPECT_FALSE(counts.add(kA, 4, holds[3]));
}

TEST(KeyedRates, ASecondsShareAtOnceThenOneByOne) {
  KeyedRates rates(4, 2, 5 * kSecondNs);
  int64_t now = 5 * kSecondNs;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(rates.take(kA, now)) << i;
  EXPECT_FALSE(rates.take(kA, now));
  EXPECT_TRUE(rates.take(kB, now));
  now += kSecondNs / 4 - 1000;
  EXPECT_FALSE(rates.take(kA, now));
  now += 1000;
  EXPECT_TRUE(rates.take(kA, now));
  EXPECT_FALSE(rates.take(kA, now));
  now += 10 * kSecondNs;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(rates.take(kA, now)) << i;
  EXPECT_FALSE(rates.take(kA, now)) << "a second's share and not ten";
}

TEST(KeyedRates, EveryRateIsExactWithinASecond) {
  for (const uint64_t rate : {1, 2, 3, 7, 1000, 999'999, 1'000'000}) {
    KeyedRates rates(rate, 0, 0);
    for (uint64_t i = 0; i < rate; ++i) ASSERT_TRUE(rates.take(kA, 0)) << rate << " " << i;
    if (rate <= 1000) {
      EXPECT_FALSE(rates.take(kA, 0)) << rate;
    }
  }
}

TEST(KeyedRates, NoneAndFull) {
  KeyedRates none(0, 0, 0);
  EXPECT_FALSE(none.limited());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(none.take(kA, 0));
  KeyedRates rates(1, 0, 0);
  for (uint64_t key = 0; key < 8; ++key) EXPECT_TRUE(rates.take(key << 48, 0));
  EXPECT_TRUE(rates.take(uint64_t{8} << 48, 0)) << "no cell: not limited";
  EXPECT_TRUE(rates.take(uint64_t{8} << 48, 0));
  EXPECT_FALSE(rates.take(uint64_t{7} << 48, 0));
  EXPECT_TRUE(rates.take(uint64_t{8} << 48, 2 * kSecondNs)) << "cells of the past are free";
  EXPECT_FALSE(rates.take(uint64_t{8} << 48, 2 * kSecondNs));
}

TEST(KeyedRates, ThreadsShareARate) {
  KeyedRates rates(1000, 2, 0);
  ASSERT_TRUE(rates.take(kA, 0));
  std::atomic<int> taken{1};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) taken.fetch_add(rates.take(kA, 0) ? 1 : 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.load(), 1000);
}

TEST(SharedNumber, AddsWhatThreadsAdd) {
  SharedNumber number;
  EXPECT_EQ(number.add(5), 5);
  number.set(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) static_cast<void>(number.add(round % 2 == 0 ? 3 : -1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number.get(), 1 + 3 * 1000);
}

}  // namespace
}  // namespace sluice::sync
