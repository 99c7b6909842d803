// How long turns took, from the kernel's return to the next trip: the source of sluice_loop_turn_seconds.
//
// Threads: the worker records, anybody reads. The figures of a reading are each recent, not consistent with one
// another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/sync/single_writer.h"

namespace sluice::net::loop {

class TurnTimes {
 public:
  // Upper bounds in ns; the last bucket has none.
  static constexpr std::array<int64_t, 11> kBoundsNs{10'000,    20'000,    50'000,    100'000,    200'000,    500'000,
                                                     1'000'000, 2'000'000, 5'000'000, 10'000'000, 100'000'000};
  static constexpr size_t kBuckets = kBoundsNs.size() + 1;

  // A copy at some moment; buckets are not cumulative.
  struct Reading {
    std::array<uint64_t, kBuckets> buckets{};
    uint64_t count = 0;
    uint64_t sum_ns = 0;
    uint64_t max_ns = 0;
  };

  void record(int64_t duration_ns) noexcept {
    size_t bucket = 0;
    while (bucket < kBoundsNs.size() && duration_ns > kBoundsNs[bucket]) ++bucket;
    buckets_[bucket].add(1);
    const auto duration = static_cast<uint64_t>(duration_ns);
    sum_ns_.add(duration);
    if (duration > max_ns_.get()) max_ns_.set(duration);
  }

  [[nodiscard]] Reading read() const noexcept {
    Reading reading;
    for (size_t i = 0; i < kBuckets; ++i) {
      reading.buckets[i] = buckets_[i].get();
      reading.count += reading.buckets[i];
    }
    reading.sum_ns = sum_ns_.get();
    reading.max_ns = max_ns_.get();
    return reading;
  }

 private:
  std::array<sync::SingleWriter<uint64_t>, kBuckets> buckets_{};
  sync::SingleWriter<uint64_t> sum_ns_;
  sync::SingleWriter<uint64_t> max_ns_;
};

}  // namespace sluice::net::loop
