// The process's own resources, read from /proc for a scrape, under the names that the reference's collector uses.
#pragma once

#include <cstdint>

namespace sluice::net::api {

struct ProcessUsage {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since the Unix epoch
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t virtual_bytes_max = 0;
  uint64_t network_receive_bytes = 0;  // of the network namespace, as in the reference
  uint64_t network_transmit_bytes = 0;
};

// About 200 us, most of it the kernel's for the network's figures; so a thread that asks again within a tenth of a
// second gets the same. A file that cannot be read leaves its fields at zero.
[[nodiscard]] ProcessUsage read_process_usage();

}  // namespace sluice::net::api
