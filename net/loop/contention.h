// Whether small requests are being answered at the moment. Then long work is done in smaller pieces, and what is left
// of the core is what it gets, a tenth at least, or a twentieth for what a client pipelines beyond its share: with 80 %
// of a core used by small requests a tenth more doubles how long they queue up. Without them it keeps the large ones,
// which cost less.
//
// Owner and thread: one worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/limits.h"

namespace sluice::net::loop {

class Contention {
 public:
  // A request was answered at once, the only one that its connection had brought.
  void small_request(int64_t now_ns) noexcept {
    until_ns_ = now_ns + limits::kContentionNs;
    ++small_requests_;
  }
  [[nodiscard]] bool at(int64_t now_ns) const noexcept { return now_ns < until_ns_; }
  [[nodiscard]] uint64_t small_requests() const noexcept { return small_requests_; }

  // Long work has had its part of a turn. A slice that frees much takes longer than it should, so nine times as long as
  // it was is for others, nineteen times where it was the surplus of a client; what the machine stood still meanwhile
  // is not its fault.
  void long_worked(int64_t from_ns, int64_t to_ns, bool surplus) noexcept {
    const int64_t others = surplus ? 19 : 9;
    const int64_t most = (surplus ? 10 : 5) * limits::kLongWaitsNs;
    long_due_ns_ = to_ns + std::clamp(others * (to_ns - from_ns), limits::kLongWaitsNs, most);
  }
  // It has waited so long that it is its turn, whatever else there is.
  [[nodiscard]] bool long_is_due(int64_t now_ns) const noexcept { return now_ns >= long_due_ns_; }

 private:
  int64_t until_ns_ = INT64_MIN;
  int64_t long_due_ns_ = 0;
  uint64_t small_requests_ = 0;
};

}  // namespace sluice::net::loop
