// What the gateway did in the last minutes: sums of the workers' figures every few seconds.
//
// Whoever comes by takes the sample that is due: workers in their housekeeping, a request for the figures. A gateway
// that sleeps takes none, and nothing happens then either. Any worker may call anything; nothing waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sluice::net::api {

class Gateway;

// Since the start, but for what is stored now.
struct RateSample {
  int64_t monotonic_ns = 0;
  int64_t wall_ns = 0;
  uint64_t pushes = 0;   // answered with 200 or 202
  uint64_t rejects = 0;  // with anything else
  uint64_t deletes = 0;
  uint64_t scrapes = 0;
  uint64_t push_bytes = 0;
  uint64_t scrape_bytes = 0;
  uint64_t groups = 0;  // now
  uint64_t series = 0;
  uint64_t store_bytes = 0;
};

// The figures of this moment. Some microseconds.
[[nodiscard]] RateSample take_sample(Gateway& gateway);

class RateHistory {
 public:
  static constexpr int64_t kIntervalNs = 5'000'000'000;
  static constexpr size_t kSamplesMax = 121;  // ten minutes

  RateHistory() = default;
  RateHistory(const RateHistory&) = delete;
  RateHistory& operator=(const RateHistory&) = delete;

  // Takes a sample if one is due. `now_ns`: monotonic.
  void tick(Gateway& gateway, int64_t now_ns);
  // The oldest first; nothing when another worker is at it.
  [[nodiscard]] std::vector<RateSample> samples();

 private:
  std::mutex lock_;  // tried, never waited for; guards all below
  std::vector<RateSample> ring_;
  size_t first_ = 0;
  int64_t due_ns_ = 0;
};

}  // namespace sluice::net::api
