#include "tools/load/arrivals.h"

#include <cmath>

namespace sluice::tools::load {

Arrivals::Arrivals(ArrivalKind kind, double per_second, int64_t start_ns, uint64_t seed) noexcept
    : kind_(kind), per_second_(per_second), start_ns_(start_ns), next_ns_(start_ns), random_(seed) {
  if (kind_ == ArrivalKind::kPoisson) pop();
}

void Arrivals::pop() noexcept {
  ++number_;
  if (kind_ == ArrivalKind::kConstant) {
    // From the number and not from the last time, so that rounding never adds up.
    next_ns_ = start_ns_ + static_cast<int64_t>(static_cast<double>(number_) * 1e9 / per_second_);
    return;
  }
  elapsed_ns_ += -std::log1p(-random_.unit()) * 1e9 / per_second_;
  next_ns_ = start_ns_ + static_cast<int64_t>(elapsed_ns_);
}

}  // namespace sluice::tools::load
