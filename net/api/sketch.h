// Quantiles of the last ten minutes: what client_golang's summaries with their default age (five windows of two
// minutes) give the reference's dashboards, from a log-linear histogram.
//
// Values are counts of a unit (nanoseconds, bytes). 16 buckets to a power of two: an answer is at most 3 % off in
// value. Thread: one writer (the worker); merge() may be called by any thread and sees some recent state. Memory: 5
// windows of 976 buckets of 4 bytes, 19.5 KB.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/sync/single_writer.h"

namespace sluice::net::api {

class Sketch {
 public:
  static constexpr int64_t kWindowNs = 120'000'000'000;
  static constexpr uint32_t kWindows = 5;
  static constexpr uint32_t kBuckets = 61 * 16;

  void observe(uint64_t value, int64_t now_ns) noexcept;

  // Adds the live windows' buckets to `counts` (kBuckets entries).
  void merge_into(std::vector<uint64_t>& counts, int64_t now_ns) const;
  [[nodiscard]] uint64_t count() const noexcept { return count_.get(); }
  [[nodiscard]] uint64_t sum() const noexcept { return sum_.get(); }

  [[nodiscard]] static uint32_t bucket_of(uint64_t value) noexcept;
  // The middle of a bucket.
  [[nodiscard]] static double value_of(uint32_t bucket) noexcept;
  // NaN when nothing was counted.
  [[nodiscard]] static double quantile(const std::vector<uint64_t>& counts, double q) noexcept;

 private:
  struct Window {
    sync::SingleWriter<int64_t> epoch;  // number of the two minutes that it holds, from 1
    std::array<sync::SingleWriter<uint32_t>, kBuckets> buckets;
  };
  std::array<Window, kWindows> windows_;
  sync::SingleWriter<uint64_t> count_;  // since start
  sync::SingleWriter<uint64_t> sum_;
};

}  // namespace sluice::net::api
