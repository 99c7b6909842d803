#include "net/api/sketch.h"

#include <bit>
#include <cmath>
#include <limits>

namespace sluice::net::api {
namespace {

int64_t epoch_of(int64_t now_ns) noexcept { return now_ns / Sketch::kWindowNs + 1; }

}  // namespace

uint32_t Sketch::bucket_of(uint64_t value) noexcept {
  // Below 16 a bucket a value; above, four bits after the leading one choose among 16 buckets to a power of two:
  // 16..31 are buckets 16..31, 32..63 are 32..47 (two values each), and so on.
  if (value < 16) return static_cast<uint32_t>(value);
  const auto exponent = static_cast<uint32_t>(std::bit_width(value)) - 5;
  return exponent * 16 + static_cast<uint32_t>(value >> exponent);
}

double Sketch::value_of(uint32_t bucket) noexcept {
  if (bucket < 32) return bucket;
  const uint32_t exponent = bucket / 16 - 1;
  const double low = std::ldexp(16.0 + bucket % 16, static_cast<int>(exponent));
  return low + std::ldexp(0.5, static_cast<int>(exponent));
}

void Sketch::observe(uint64_t value, int64_t now_ns) noexcept {
  const int64_t epoch = epoch_of(now_ns);
  Window& window = windows_[static_cast<size_t>(epoch) % kWindows];
  if (window.epoch.get() != epoch) {
    for (auto& bucket : window.buckets) bucket.set(0);
    window.epoch.set(epoch);
  }
  window.buckets[bucket_of(value)].add(1);
  count_.add(1);
  sum_.add(value);
}

void Sketch::merge_into(std::vector<uint64_t>& counts, int64_t now_ns) const {
  const int64_t epoch = epoch_of(now_ns);
  for (const Window& window : windows_) {
    if (window.epoch.get() + kWindows <= epoch || window.epoch.get() == 0) continue;
    for (uint32_t i = 0; i < kBuckets; ++i) counts[i] += window.buckets[i].get();
  }
}

double Sketch::quantile(const std::vector<uint64_t>& counts, double q) noexcept {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(total)));
  if (rank == 0) rank = 1;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (seen >= rank) return value_of(i);
  }
  return value_of(kBuckets - 1);
}

}  // namespace sluice::net::api
