// What the process may use: the thin reader of the system, and the pure functions that understand its files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::net::loop {

inline constexpr uint64_t kNoLimit = UINT64_MAX;

struct SystemLimits {
  uint32_t cpus = 1;            // of the affinity mask
  double cpu_quota = 0;         // CPUs that the cgroup grants; 0 = no quota
  uint64_t files = kNoLimit;    // RLIMIT_NOFILE, soft, after raising it
  uint64_t memlock = kNoLimit;  // RLIMIT_MEMLOCK, soft, bytes
  uint64_t memory = kNoLimit;   // the least of the cgroups' limits and of physical memory, bytes
};

// Raises the soft RLIMIT_NOFILE to the hard one, then reads everything. Files are read below `root`, which is empty but
// in tests. What cannot be read is no limit.
[[nodiscard]] SystemLimits read_system(const std::string& root = {});

// CPUs granted by cgroup v2's cpu.max ("50000 100000", "max 100000") and by v1's two files; 0 = no quota.
[[nodiscard]] double quota_of_v2(std::string_view cpu_max) noexcept;
[[nodiscard]] double quota_of_v1(std::string_view quota_us, std::string_view period_us) noexcept;
// Bytes of memory.max or memory.limit_in_bytes; kNoLimit for "max", for v1's huge number and for what is no number.
[[nodiscard]] uint64_t memory_of(std::string_view text) noexcept;
// The path of the controller in /proc/self/cgroup ("cpu", "memory"; empty: the v2 line); "" when it is not there.
[[nodiscard]] std::string cgroup_path(std::string_view proc_self_cgroup, std::string_view controller);

}  // namespace sluice::net::loop
