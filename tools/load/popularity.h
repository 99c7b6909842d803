// Which group a push goes to: all alike, or a few popular ones and a long tail.
//
// Zipf by rejection-inversion (Hoermann and Derflinger 1996): constant time and no table, so 10 M groups cost nothing.
// One owner, one thread.
#pragma once

#include <cstdint>

#include "tools/load/random.h"

namespace sluice::tools::load {

class Popularity {
 public:
  // `groups` > 0. `exponent` 0 is uniform; with s > 0 the k-th most popular has a share proportional to k^-s.
  Popularity(uint64_t groups, double exponent) noexcept;

  // A group in [0, groups); 0 is the most popular.
  [[nodiscard]] uint64_t pick(Random& random) const noexcept;

 private:
  [[nodiscard]] double integral(double x) const noexcept;
  [[nodiscard]] double integral_inverse(double x) const noexcept;
  [[nodiscard]] double density(double x) const noexcept;

  uint64_t groups_;
  double exponent_;
  double first_ = 0;     // integral at 1.5, less the share of the first
  double last_ = 0;      // integral at groups + 0.5
  double shortcut_ = 0;  // below this distance no second look is needed
};

}  // namespace sluice::tools::load
