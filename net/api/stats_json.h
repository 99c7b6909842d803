// The bodies of GET /api/v1/stats and /api/v1/errors.
#pragma once

#include <string>
#include <vector>

#include "net/api/reject_log.h"

namespace sluice::net::api {

class Gateway;

// What is stored, what was done since the start and in the last minutes, how durable it is, and the limits. About
// 100 us, mostly for the process's own figures.
[[nodiscard]] std::string stats_json(Gateway& gateway);

[[nodiscard]] std::string errors_json(const std::vector<RejectLog::Recent>& rejects);

}  // namespace sluice::net::api
