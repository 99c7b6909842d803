#include "tools/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::tools::load {

// Values below 128 have buckets of their own; above, the bucket is the power of two and the seven bits behind its
// highest one.
unsigned Histogram::index_of(uint64_t value) noexcept {
  value = std::min(value, (uint64_t{1} << kValueBits) - 1);
  if (value < (1u << kStepBits)) return static_cast<unsigned>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
  return ((shift + 1) << kStepBits) + static_cast<unsigned>(value >> shift) - (1u << kStepBits);
}

int64_t Histogram::middle_of(unsigned index) noexcept {
  if (index < (1u << kStepBits)) return index;
  const unsigned shift = (index >> kStepBits) - 1;
  const uint64_t low = static_cast<uint64_t>((index & ((1u << kStepBits) - 1)) + (1u << kStepBits)) << shift;
  return static_cast<int64_t>(low + ((uint64_t{1} << shift) >> 1));
}

void Histogram::record(int64_t ns) noexcept {
  ns = std::max<int64_t>(ns, 0);
  ++counts_[index_of(static_cast<uint64_t>(ns))];
  ++count_;
  min_ = std::min(min_, ns);
  max_ = std::max(max_, ns);
  sum_ += static_cast<double>(ns);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

void Histogram::clear() noexcept {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  min_ = INT64_MAX;
  max_ = 0;
  sum_ = 0;
}

int64_t Histogram::percentile_ns(double percent) const noexcept {
  if (count_ == 0) return 0;
  const double exact = percent / 100 * static_cast<double>(count_);
  const auto wanted = static_cast<uint64_t>(std::clamp(std::ceil(exact - 1e-9), 1.0, static_cast<double>(count_)));
  if (wanted == count_) return max_;
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::clamp(middle_of(static_cast<unsigned>(i)), min_, max_);
  }
  return max_;
}

}  // namespace sluice::tools::load
