// Short answers in the reference's words and headers.
#pragma once

#include <string_view>

#include "core/base/limit_table.h"
#include "net/api/router.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// As Go's http.Error: `text` and a newline, text/plain, nosniff.
void reply_error(http::Response& response, int status, std::string_view text);

// `text` as it is, text/plain.
void reply_text(http::Response& response, int status, std::string_view text);

// A status without a body.
void reply_empty(http::Response& response, int status);

// What the limit's entry says: its status, a text with its flag and the value that it has, Retry-After where waiting
// may help.
void reply_limit(http::Response& response, limits::Limit limit, const limits::Values& values);

// 503 with Retry-After: the durable log cannot take the change.
void reply_not_durable(http::Response& response);

// 503 with Retry-After: the state is still being recovered.
void reply_not_ready(http::Response& response);

// A route that is no endpoint: redirect, OPTIONS, 405, 404, broken path.
void reply_route(http::Response& response, const Route& route, http::Method method);

}  // namespace sluice::net::api
