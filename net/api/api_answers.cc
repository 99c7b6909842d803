#include "net/api/api_answers.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "core/base/rfc3339.h"
#include "net/api/gateway.h"
#include "net/api/label_matchers.h"
#include "parser/json_write.h"

namespace sluice::net::api {
namespace {

constexpr std::string_view kHeaders =
    "Content-Type: application/json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";

// `host:port` of `scheme://host:port/...`, empty without a scheme.
std::string_view authority_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

void answer_json(WorkerContext& context, http::Exchange& exchange, HandlerName handler, int status, std::string body) {
  exchange.response.status = status;
  exchange.response.headers = kHeaders;
  exchange.response.body = std::move(body);
  context.metrics.count_request(handler, exchange.request.method, status);
}

void answer_error(WorkerContext& context, http::Exchange& exchange, HandlerName handler, int status,
                  std::string_view error) {
  std::string body = R"({"status":"error","error":)";
  parser::append_json_string(body, error);
  body += '}';
  answer_json(context, exchange, handler, status, std::move(body));
}

void append_json_key(std::string& out, std::string_view key) {
  char separator = '{';
  for_each_label(key, [&](std::string_view name, std::string_view value) {
    out += std::exchange(separator, ',');
    parser::append_json_string(out, name);
    out += ':';
    parser::append_json_string(out, value);
  });
  if (separator == '{') out += '{';
  out += '}';
}

void append_json_time(std::string& out, int64_t wall_ns) {
  if (wall_ns == 0) {
    out += "null";
    return;
  }
  out += '"';
  append_rfc3339(out, wall_ns);
  out += '"';
}

void append_id(std::string& out, uint64_t id) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[id >> shift & 15];
}

std::optional<uint64_t> parse_id(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  const bool whole = text.size() == 16 && error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(id) : std::nullopt;
}

std::optional<uint64_t> parse_count(std::string_view text, uint64_t most) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size() && count <= most;
  return whole ? std::optional(count) : std::nullopt;
}

bool is_cross_site(const http::Request& request, std::string_view external_url) {
  if (const std::string_view site = request.header("sec-fetch-site"); !site.empty()) {
    return site != "same-origin" && site != "none";
  }
  const std::string_view origin = request.header("origin");
  if (origin.data() == nullptr) return false;
  const std::string_view authority = authority_of(origin);  // none: "null"
  return authority.empty() ||
         (!equal_without_case(authority, request.host) && !equal_without_case(authority, authority_of(external_url)));
}

bool is_cross_site(const WorkerContext& context, const http::Request& request) {
  std::string_view external_url;
  for (const auto& [name, value] : context.gateway.options().flags) {
    if (name == "web.external-url") external_url = value;
  }
  return is_cross_site(request, external_url);
}

}  // namespace sluice::net::api
