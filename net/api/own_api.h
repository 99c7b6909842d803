// The endpoints of our own below /api/v1/: groups, jobs, stats, errors and the description of them all.
//
// No CORS headers: other sites' pages do not get to read what is stored. What changes something refuses requests that a
// browser made for another site.
#pragma once

#include <memory>

#include "net/api/group_requests.h"
#include "net/api/router.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// Answers, or returns the state of a request that takes its time. nullptr: answered.
[[nodiscard]] std::unique_ptr<RequestState> begin_own_api(WorkerContext& context, http::Exchange& exchange,
                                                          const Route& route);

}  // namespace sluice::net::api
