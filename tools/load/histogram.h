// Durations by logarithmic buckets with linear steps in between, as HdrHistogram has them: every value is known to
// within 0.4 %, from a nanosecond to more than an hour, in constant memory.
//
// One owner, one thread. record() is a few instructions; the rest is O(buckets).
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::tools::load {

class Histogram {
 public:
  // Steps of each power of two: a bucket is at most 1/128 of its value wide, and its middle is what is reported.
  static constexpr unsigned kStepBits = 7;
  // Longer durations (73 minutes) are counted as this long.
  static constexpr unsigned kValueBits = 42;

  Histogram() : counts_((kValueBits - kStepBits + 1) << kStepBits) {}

  void record(int64_t ns) noexcept;
  void merge(const Histogram& other) noexcept;
  void clear() noexcept;

  [[nodiscard]] uint64_t count() const noexcept { return count_; }
  // All 0 when nothing was recorded. Minimum, maximum and mean are exact.
  [[nodiscard]] int64_t min_ns() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] int64_t max_ns() const noexcept { return max_; }
  [[nodiscard]] double mean_ns() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The smallest recorded value that at least `percent` of 100 do not exceed; never above max_ns().
  [[nodiscard]] int64_t percentile_ns(double percent) const noexcept;

 private:
  [[nodiscard]] static unsigned index_of(uint64_t value) noexcept;
  [[nodiscard]] static int64_t middle_of(unsigned index) noexcept;

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  int64_t min_ = INT64_MAX;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace sluice::tools::load
