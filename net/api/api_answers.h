// What the endpoints of our own have in common: JSON answers without CORS, ids, times, labels, and who may change what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/api/worker_context.h"
#include "net/api/worker_metrics.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// `body`: a whole JSON document. Counted under `handler`.
void answer_json(WorkerContext& context, http::Exchange& exchange, HandlerName handler, int status, std::string body);

// `{"status":"error","error":"..."}`.
void answer_error(WorkerContext& context, http::Exchange& exchange, HandlerName handler, int status,
                  std::string_view error);

// `{"a":"b"}` of GroupKey::bytes().
void append_json_key(std::string& out, std::string_view key);
// In quotes, or null for 0.
void append_json_time(std::string& out, int64_t wall_ns);
// 16 digits of a stable hash, and back.
void append_id(std::string& out, uint64_t id);
[[nodiscard]] std::optional<uint64_t> parse_id(std::string_view text);
// A whole number in decimal digits of at most `most`; nullopt for anything else.
[[nodiscard]] std::optional<uint64_t> parse_count(std::string_view text, uint64_t most);

// Whether a browser sent the request for another site's page: Sec-Fetch-Site says so, or Origin is neither the host
// that was asked nor that of `external_url` (a proxy may ask under another name). Programs send neither.
[[nodiscard]] bool is_cross_site(const http::Request& request, std::string_view external_url);
// The same with --web.external-url.
[[nodiscard]] bool is_cross_site(const WorkerContext& context, const http::Request& request);

}  // namespace sluice::net::api
