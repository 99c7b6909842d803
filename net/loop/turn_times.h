// How long turns took, from the kernel's return to the next trip: the source of sluice_loop_turn_seconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::net::loop {

class TurnTimes {
 public:
  // Upper bounds in ns; the last bucket has none.
  static constexpr std::array<int64_t, 11> kBoundsNs{10'000,    20'000,    50'000,    100'000,    200'000,    500'000,
                                                     1'000'000, 2'000'000, 5'000'000, 10'000'000, 100'000'000};
  // A copy at some moment; buckets are not cumulative.
  struct Reading {
    std::array<uint64_t, kBoundsNs.size() + 1> buckets{};
    uint64_t count = 0;
    uint64_t sum_ns = 0;
    uint64_t max_ns = 0;
  };
};

}  // namespace sluice::net::loop
