// Which worker gets a new connection. Pure, so that it can be tested without sockets.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::net::loop {

// `loads`: connections of each worker, the new one not among them. A worker keeps what its own listener accepted unless
// that would leave it above 1.5 times the mean (and above two: passing the second connection of an idle gateway around
// costs more than it gains, and would hit connection-per-push clients on every push); then the least loaded gets it.
[[nodiscard]] uint32_t choose_worker(std::span<const uint64_t> loads, uint32_t own, uint64_t connections_max) noexcept;

// For sockets that only one worker accepts from: the least loaded, beginning behind `previous` among equals.
[[nodiscard]] uint32_t least_loaded(std::span<const uint64_t> loads, uint32_t previous) noexcept;

}  // namespace sluice::net::loop
