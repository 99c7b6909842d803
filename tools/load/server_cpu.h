// CPU time of the server under load, so that a run can say what a request costs it even when the load is the limit.
#pragma once

#include <cstdint>
#include <optional>

namespace sluice::tools::load {

// Nanoseconds that all threads of the process have run (the scheduler's own account, /proc/PID/task/*/schedstat; where
// that is switched off, /proc/PID/stat in ticks of 10 ms). Nothing when there is no such process or it may not be read.
[[nodiscard]] std::optional<int64_t> process_cpu_ns(int pid);

// Bytes that the process has resident.
[[nodiscard]] std::optional<int64_t> process_resident_bytes(int pid);

}  // namespace sluice::tools::load
