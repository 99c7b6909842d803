// The body of GET /api/v1/status.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::net::api {

struct GatewayOptions;

// Build information, the flags in the order of their names, and when the gateway was made.
[[nodiscard]] std::string status_json(const GatewayOptions& options, int64_t start_wall_ns);

}  // namespace sluice::net::api
