// How many workers, connections and buffers this machine and its limits carry. Pure functions of what read_system()
// found, so that every limit has a test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/ring/probe.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

inline constexpr uint64_t kNoLimit = UINT64_MAX;

// What the process may use.
struct SystemLimits {
  uint32_t cpus = 1;            // of the affinity mask
  double cpu_quota = 0;         // CPUs that the cgroup grants; 0 = no quota
  uint64_t files = kNoLimit;    // RLIMIT_NOFILE, soft, after raising
  uint64_t memlock = kNoLimit;  // RLIMIT_MEMLOCK, soft, bytes
  uint64_t memory = kNoLimit;   // the smaller of the cgroup's limit and physical memory, bytes
};

struct Sizes {
  uint32_t workers = 1;
  uint32_t connections_max = 0;  // of one worker
  ring::RingOptions ring;        // of one worker
  std::string sentence;          // "2 workers (affinity mask has 2 CPUs), ..."
};

// `workers_flag`: --runtime.workers, 0 = choose.
[[nodiscard]] Sizes size_for(const SystemLimits& system, const ring::Capabilities& capabilities, uint32_t workers_flag);

// CPU quota in CPUs of cgroup v2's cpu.max ("50000 100000", "max 100000") or of v1's two files; 0 = none.
[[nodiscard]] double quota_of_v2(std::string_view cpu_max) noexcept;
[[nodiscard]] double quota_of_v1(std::string_view quota_us, std::string_view period_us) noexcept;
// Bytes of memory.max or memory.limit_in_bytes; kNoLimit for "max" and for v1's huge number.
[[nodiscard]] uint64_t memory_of(std::string_view text) noexcept;

// Raises the soft RLIMIT_NOFILE to the hard one, then reads everything. `root` is "/" but in tests.
[[nodiscard]] SystemLimits read_system(const std::string& root = "/");

}  // namespace sluice::net::loop
