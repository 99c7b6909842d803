// How many workers, connections and buffers this machine and its limits carry. Pure functions of what read_system()
// found (net/loop/system_limits.h), so that every limit has a test.
#pragma once

#include <cstdint>
#include <string>

#include "net/loop/system_limits.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

struct Sizes {
  uint32_t workers = 1;
  uint32_t connections_max = 0;  // of one worker
  ring::RingOptions ring;        // of one worker
  std::string sentence;          // for the log, with the reasons
};

// `workers_flag`: --runtime.workers, 0 = choose: the CPUs of the affinity mask, at most the cgroup's quota rounded up.
[[nodiscard]] Sizes size_for(const SystemLimits& system, const ring::Capabilities& capabilities, uint32_t workers_flag);

}  // namespace sluice::net::loop
