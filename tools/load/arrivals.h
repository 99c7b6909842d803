// The planned times of an open-loop run: when each request ought to be sent, whatever the server does.
//
// One owner, one thread. The plan is generated one arrival at a time, so a backlog of any length costs no memory: what
// has not been popped yet is simply later than planned.
#pragma once

#include <cstdint>

#include "tools/load/random.h"

namespace sluice::tools::load {

enum class ArrivalKind : uint8_t { kConstant, kPoisson };

class Arrivals {
 public:
  // `per_second` > 0; `start_ns` on the monotonic clock. Constant arrivals begin at the start itself.
  Arrivals(ArrivalKind kind, double per_second, int64_t start_ns, uint64_t seed) noexcept;

  // The planned time of the next arrival, nanoseconds of the monotonic clock; never decreases.
  [[nodiscard]] int64_t next_ns() const noexcept { return next_ns_; }
  void pop() noexcept;

 private:
  ArrivalKind kind_;
  double per_second_;
  int64_t start_ns_;
  uint64_t number_ = 0;    // of the next one
  double elapsed_ns_ = 0;  // kPoisson: from the start to the next one
  int64_t next_ns_ = 0;
  Random random_;
};

}  // namespace sluice::tools::load
