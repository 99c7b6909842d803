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
// `connections_flag`: --limits.connections, 0 = choose; each worker gets room for one more than its share, so that the
// next one that comes makes an idle one go.
[[nodiscard]] Sizes size_for(const SystemLimits& system, const ring::Capabilities& capabilities, uint32_t workers_flag,
                             uint64_t connections_flag = 0);

}  // namespace sluice::net::loop
