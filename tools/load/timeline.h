// What happened when: a histogram and counts for each stretch of a run, for the plots.
//
// Bounded: after kIntervalsMax stretches neighbours are joined and each becomes twice as long. One owner, one thread;
// merge() needs timelines with the same first stretch and start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/load/histogram.h"

namespace sluice::tools::load {

struct Interval {
  Histogram latency;
  uint64_t failed = 0;
};

class Timeline {
 public:
  static constexpr size_t kIntervalsMax = 256;

  explicit Timeline(int64_t interval_ns = 250'000'000) : interval_ns_(interval_ns) {}

  // `at_ns` since the start of the run; negative times are counted in the first stretch.
  void record(int64_t at_ns, int64_t latency_ns) { interval_at(at_ns).latency.record(latency_ns); }
  void record_failure(int64_t at_ns) { ++interval_at(at_ns).failed; }
  void merge(const Timeline& other);

  [[nodiscard]] int64_t interval_ns() const noexcept { return interval_ns_; }
  [[nodiscard]] const std::vector<Interval>& intervals() const noexcept { return intervals_; }

 private:
  Interval& interval_at(int64_t at_ns);
  void join_neighbours();

  int64_t interval_ns_;
  std::vector<Interval> intervals_;
};

}  // namespace sluice::tools::load
