// Whether small requests are being answered at the moment. Then long work is done in smaller pieces; without them it
// keeps the large ones, which cost less.
//
// Owner and thread: one worker.
#pragma once

#include <cstdint>

#include "core/base/limits.h"

namespace sluice::net::loop {

class Contention {
 public:
  // A request was answered at once, the only one that its connection had brought.
  void small_request(int64_t now_ns) noexcept { until_ns_ = now_ns + limits::kContentionNs; }
  [[nodiscard]] bool at(int64_t now_ns) const noexcept { return now_ns < until_ns_; }

 private:
  int64_t until_ns_ = INT64_MIN;
};

}  // namespace sluice::net::loop
