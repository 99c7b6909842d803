#include "net/api/rate_history.h"

#include <algorithm>

#include "core/base/clock.h"
#include "net/api/gateway.h"

namespace sluice::net::api {

RateSample take_sample(Gateway& gateway) {
  RateSample sample;
  sample.monotonic_ns = monotonic_ns();
  sample.wall_ns = wall_ns();
  for (const auto& context : gateway.contexts()) {
    const WorkerMetrics& metrics = context->metrics;
    for (const MethodName method : {MethodName::kPost, MethodName::kPut}) {
      const auto& codes = metrics.requests[static_cast<size_t>(HandlerName::kPush)][static_cast<size_t>(method)];
      for (size_t i = 0; i < kCountedCodes.size(); ++i) {
        (kCountedCodes[i] < 300 ? sample.pushes : sample.rejects) += codes[i].get();
      }
    }
    for (const auto& count :
         metrics.requests[static_cast<size_t>(HandlerName::kDelete)][static_cast<size_t>(MethodName::kDelete)]) {
      sample.deletes += count.get();
    }
    sample.scrapes += metrics.scrapes.get();
    sample.push_bytes += metrics.put.size_bytes.sum() + metrics.post.size_bytes.sum();
    sample.scrape_bytes += metrics.scrape_bytes.get();
  }
  const store::Stats stats = gateway.store().stats();
  sample.groups = stats.groups;
  sample.series = stats.series;
  sample.store_bytes = stats.bytes;
  return sample;
}

void RateHistory::tick(Gateway& gateway, int64_t now_ns) {
  const std::unique_lock lock(lock_, std::try_to_lock);
  if (!lock.owns_lock() || now_ns < due_ns_) return;
  due_ns_ = now_ns + kIntervalNs;
  if (ring_.size() < kSamplesMax) {
    ring_.push_back(take_sample(gateway));
  } else {
    ring_[first_] = take_sample(gateway);
    first_ = (first_ + 1) % kSamplesMax;
  }
}

std::vector<RateSample> RateHistory::samples() {
  std::vector<RateSample> samples;
  const std::unique_lock lock(lock_, std::try_to_lock);
  if (!lock.owns_lock()) return samples;
  samples = ring_;
  std::ranges::rotate(samples, samples.begin() + static_cast<std::ptrdiff_t>(first_));
  return samples;
}

}  // namespace sluice::net::api
