// What each kind of listen address serves.
//
//   --web.listen-address       everything
//   --web.push-listen-address  PUT, POST and DELETE of groups
//   --web.read-listen-address  what changes nothing: scrapes, the page, the API's reads
//
// Health is on all of them: who balances load over one of them asks there. Wipe, the deletion of many groups and quit
// are on the first kind alone: neither the pushers' network nor the scrapers' needs them.
#pragma once

#include <cstdint>

#include "net/api/router.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

enum class Serves : uint8_t { kAll, kPushes, kReads };

// Whether an address of that kind answers a request of `method` for `route`. What is no endpoint is answered as
// everywhere: it shows nothing.
[[nodiscard]] bool is_served(Serves serves, const Route& route, http::Method method) noexcept;

// 404 with a sentence that names the flag.
void reply_not_served(http::Response& response, Serves serves);

}  // namespace sluice::net::api
