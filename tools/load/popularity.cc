#include "tools/load/popularity.h"

#include <algorithm>
#include <cmath>

namespace sluice::tools::load {

namespace {

// (e^x - 1) / x and log(1 + x) / x, also near 0.
double expm1_ratio(double x) noexcept { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2; }
double log1p_ratio(double x) noexcept { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2; }

}  // namespace

Popularity::Popularity(uint64_t groups, double exponent) noexcept : groups_(groups), exponent_(exponent) {
  if (exponent_ <= 0) return;
  first_ = integral(1.5) - 1;
  last_ = integral(static_cast<double>(groups_) + 0.5);
  shortcut_ = 2 - integral_inverse(integral(2.5) - density(2));
}

uint64_t Popularity::pick(Random& random) const noexcept {
  if (exponent_ <= 0) return random.below(groups_);
  while (true) {
    const double u = last_ + random.unit() * (first_ - last_);
    const double x = integral_inverse(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(groups_));
    if (rank - x <= shortcut_ || u >= integral(rank + 0.5) - density(rank)) return static_cast<uint64_t>(rank) - 1;
  }
}

double Popularity::integral(double x) const noexcept {
  const double log_x = std::log(x);
  return expm1_ratio((1 - exponent_) * log_x) * log_x;
}

double Popularity::integral_inverse(double x) const noexcept {
  const double t = std::max(x * (1 - exponent_), -1.0);
  return std::exp(log1p_ratio(t) * x);
}

double Popularity::density(double x) const noexcept { return std::exp(-exponent_ * std::log(x)); }

}  // namespace sluice::tools::load
