#include "net/loop/balance.h"

#include <cstddef>
#include <numeric>

namespace sluice::net::loop {

uint32_t least_loaded(std::span<const uint64_t> loads, uint32_t previous) noexcept {
  const auto count = static_cast<uint32_t>(loads.size());
  uint32_t best = (previous + 1) % count;
  for (uint32_t i = 1; i < count; ++i) {
    const uint32_t candidate = (previous + 1 + i) % count;
    if (loads[candidate] < loads[best]) best = candidate;
  }
  return best;
}

uint32_t choose_worker(std::span<const uint64_t> loads, uint32_t own, uint64_t connections_max) noexcept {
  const uint64_t after = loads[own] + 1;
  const uint64_t total = std::accumulate(loads.begin(), loads.end(), uint64_t{1});
  // after > 1.5 * total / workers, in whole numbers.
  const bool above = after > 2 && 2 * after * loads.size() > 3 * total;
  if (!above && after <= connections_max) return own;
  const uint32_t least = least_loaded(loads, own);
  return loads[least] < loads[own] ? least : own;
}

}  // namespace sluice::net::loop
