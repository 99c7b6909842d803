// The plan of an open-loop run, and which groups are popular.
#include "tools/load/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tools/load/popularity.h"

namespace sluice::tools::load {
namespace {

TEST(Arrivals, ConstantOnesNeverDrift) {
  Arrivals arrivals(ArrivalKind::kConstant, 3000, 500, 1);
  for (int64_t i = 0; i < 3'000'000; ++i) {
    ASSERT_NEAR(static_cast<double>(arrivals.next_ns()), 500 + static_cast<double>(i) * 1e9 / 3000, 1.0) << i;
    arrivals.pop();
  }
}

TEST(Arrivals, PoissonOnesHaveTheRateAndExponentialGaps) {
  constexpr int kCount = 200'000;
  constexpr double kRate = 10'000;
  Arrivals arrivals(ArrivalKind::kPoisson, kRate, 0, 7);
  int64_t last = 0;
  int longer_than_mean = 0;
  double squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const int64_t gap = arrivals.next_ns() - last;
    ASSERT_GE(gap, 0);
    last = arrivals.next_ns();
    longer_than_mean += gap > 1e9 / kRate ? 1 : 0;
    squares += std::pow(static_cast<double>(gap) * kRate / 1e9, 2);
    arrivals.pop();
  }
  EXPECT_NEAR(static_cast<double>(last) * kRate / 1e9 / kCount, 1, 0.01);
  EXPECT_NEAR(static_cast<double>(longer_than_mean) / kCount, std::exp(-1), 0.01);
  EXPECT_NEAR(squares / kCount, 2, 0.05);  // the second moment of an exponential is twice the square of its mean
}

TEST(Arrivals, TheSameSeedIsTheSamePlan) {
  Arrivals a(ArrivalKind::kPoisson, 100, 0, 3);
  Arrivals b(ArrivalKind::kPoisson, 100, 0, 3);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(a.next_ns(), b.next_ns());
    a.pop();
    b.pop();
  }
}

std::vector<double> shares(uint64_t groups, double exponent) {
  const Popularity popularity(groups, exponent);
  Random random(11);
  std::vector<double> counts(groups);
  constexpr int kDraws = 400'000;
  for (int i = 0; i < kDraws; ++i) counts.at(popularity.pick(random)) += 1.0 / kDraws;
  return counts;
}

TEST(Popularity, UniformIsUniform) {
  for (const double share : shares(20, 0)) EXPECT_NEAR(share, 0.05, 0.003);
}

TEST(Popularity, ZipfHasTheSharesOfItsDefinition) {
  for (const double exponent : {0.5, 1.0, 1.5}) {
    constexpr uint64_t kGroups = 50;
    double total = 0;
    for (uint64_t rank = 1; rank <= kGroups; ++rank) total += std::pow(static_cast<double>(rank), -exponent);
    const std::vector<double> found = shares(kGroups, exponent);
    for (uint64_t rank = 1; rank <= kGroups; ++rank) {
      const double expected = std::pow(static_cast<double>(rank), -exponent) / total;
      EXPECT_NEAR(found[rank - 1], expected, 0.003 + expected * 0.02) << exponent << " " << rank;
    }
  }
}

TEST(Popularity, OneGroupAndTenMillion) {
  Random random(1);
  EXPECT_EQ(Popularity(1, 1.1).pick(random), 0u);
  const Popularity large(10'000'000, 1.1);
  for (int i = 0; i < 100'000; ++i) ASSERT_LT(large.pick(random), 10'000'000u);
}

}  // namespace
}  // namespace sluice::tools::load
