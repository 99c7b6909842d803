#include "net/api/router.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "parser/path.h"

namespace sluice::net::api {
namespace {

using http::Method;

constexpr std::array kRoutedMethods = {Method::kDelete, Method::kGet, Method::kPost, Method::kPut};
constexpr std::string_view name_of(Method method) {
  switch (method) {
    case Method::kDelete:
      return "DELETE";
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    default:
      return "";
  }
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool starts_without_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_without_case(text.substr(0, prefix.size()), prefix);
}

bool may_push(Method method) { return method == Method::kPut || method == Method::kPost || method == Method::kDelete; }

int redirect_status(Method method) { return method == Method::kGet ? 301 : 307; }

std::string_view without_query(std::string_view target) { return target.substr(0, target.find('?')); }

std::string with_query(std::string path, std::string_view target) {
  if (const size_t at = target.find('?'); at != std::string_view::npos) path += target.substr(at);
  return path;
}

Route redirect(std::string location, int status) {
  Route route;
  route.kind = Route::Kind::kRedirect;
  route.status = status;
  route.location = std::move(location);
  return route;
}

void become_endpoint(Route& route, Endpoint endpoint) {
  route.kind = Route::Kind::kEndpoint;
  route.endpoint = endpoint;
  route.status = 200;
}

bool is_routed(Method method) { return std::ranges::find(kRoutedMethods, method) != kRoutedMethods.end(); }

// OPTIONS goes with any other; empty for none.
std::string allow_list(std::vector<std::string_view> names) {
  if (names.empty()) return {};
  names.push_back("OPTIONS");
  std::ranges::sort(names);
  std::string allow;
  for (const std::string_view name : names) {
    if (!allow.empty()) allow += ", ";
    allow += name;
  }
  return allow;
}

}  // namespace

bool percent_decode(std::string_view raw, std::string& out) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  out.clear();
  out.reserve(raw.size());
  while (true) {
    const size_t at = raw.find('%');
    out += raw.substr(0, at);
    if (at == std::string_view::npos) return true;
    if (at + 2 >= raw.size()) return false;
    const int high = digit(raw[at + 1]);
    const int low = digit(raw[at + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    raw.remove_prefix(at + 3);
  }
}

Router::Router(RouterOptions options) : options_(std::move(options)) {
  const std::string& prefix = options_.route_prefix;
  scrape_path_ = prefix + options_.telemetry_path;
  while (scrape_path_.size() > 1 && scrape_path_.back() == '/') scrape_path_.pop_back();
  push_prefix_ = prefix + "/metrics/job/";
  push_base64_prefix_ = prefix + "/metrics/job@base64/";
  api_prefix_ = prefix + "/api/v1/";
  static_prefix_ = prefix + "/static/";
  profiling_prefix_ = prefix + "/debug/pprof/";
}

Router::Match Router::match_push(Method method, std::string_view path) const {
  if (!may_push(method)) return {};
  const Endpoint endpoint = method == Method::kDelete ? Endpoint::kDelete : Endpoint::kPush;
  // The router's parameter takes even an empty job where a slash follows it, which can only have been sent as %2F.
  if (path.size() > push_prefix_.size() && path.starts_with(push_prefix_)) {
    return {endpoint, false, push_prefix_.size()};
  }
  if (path.size() > push_base64_prefix_.size() && path.starts_with(push_base64_prefix_)) {
    return {endpoint, true, push_base64_prefix_.size()};
  }
  return {};
}

Router::Match Router::match(Method method, std::string_view path) const {
  if (const Match push = match_push(method, path); push.endpoint != Endpoint::kNone) return push;
  return match_fixed(method, path);
}

Router::Match Router::match_fixed(Method method, std::string_view path) const {
  if (method == Method::kGet && path == scrape_path_) return {Endpoint::kScrape};
  if (method == Method::kGet && path == "/-/quit") return {Endpoint::kQuitGet};
  if (!path.starts_with(options_.route_prefix)) return {};
  const std::string_view rest = path.substr(options_.route_prefix.size());
  if ((method == Method::kPut || method == Method::kPost) && rest == "/-/quit") return {Endpoint::kQuit};
  if (method != Method::kGet) return {};
  if (rest == "/-/healthy") return {Endpoint::kHealthy};
  if (rest == "/-/ready") return {Endpoint::kReady};
  if (rest == "/" || rest == "/status") return {Endpoint::kStatusPage};
  if (path.starts_with(static_prefix_)) return {Endpoint::kStatic, false, static_prefix_.size()};
  if (path.starts_with(profiling_prefix_)) return {Endpoint::kProfiling};
  return {};
}

std::string Router::allowed_methods(std::string_view path) const {
  std::vector<std::string_view> names;
  for (const Method method : kRoutedMethods) {
    if (match(method, path).endpoint != Endpoint::kNone) names.push_back(name_of(method));
  }
  return allow_list(std::move(names));
}

std::string Router::near_miss(Method method, const std::string& path) const {
  if (path.size() > 1) {
    std::string other = path;
    if (other.back() == '/') {
      other.pop_back();
    } else {
      other += '/';
    }
    if (match(method, other).endpoint != Endpoint::kNone) return other;
    // The reference's router knows the path of an empty job as the parent of the push routes.
    if (may_push(method) && path == push_prefix_) return other;
  }
  // Decoding may have brought new slashes and dots; only here are they cleaned away.
  const std::string cleaned = parser::clean_path(path);
  const auto in_right_case = [&](const std::string& prefix) { return prefix + cleaned.substr(prefix.size()); };
  if (may_push(method)) {
    for (const std::string& prefix : {push_prefix_, push_base64_prefix_}) {
      if (cleaned.size() <= prefix.size() || !starts_without_case(cleaned, prefix)) continue;
      // Behind a base64 job the reference's search loses its way at the next slash.
      if (prefix == push_base64_prefix_ && cleaned.find('/', prefix.size()) != std::string::npos) return {};
      return in_right_case(prefix);
    }
  }
  if (method == Method::kGet) {
    for (const std::string& prefix : {static_prefix_, profiling_prefix_}) {
      if (starts_without_case(cleaned, prefix)) return in_right_case(prefix);
      if (equal_without_case(cleaned + "/", prefix)) return prefix;
    }
  }
  const std::string& base = options_.route_prefix;
  for (const std::string& fixed : {scrape_path_, base + "/", base + "/status", base + "/-/healthy", base + "/-/ready",
                                   base + "/-/quit", std::string("/-/quit")}) {
    if (match(method, fixed).endpoint == Endpoint::kNone) continue;
    const bool slash = fixed.back() == '/';
    const std::string other = slash ? fixed.substr(0, fixed.size() - 1) : fixed + "/";
    if (equal_without_case(cleaned, fixed) || equal_without_case(cleaned, other)) return fixed;
  }
  return {};
}

Route Router::route(Method method, std::string_view target) const {
  Route route;
  // Nearly every push: there is nothing to decode and nothing to clean, and no path of a push is one of the API.
  if (parser::is_plain_path(target)) {
    if (const Match push = match_push(method, target); push.endpoint != Endpoint::kNone) {
      become_endpoint(route, push.endpoint);
      route.decodes_body = true;
      route.job_is_base64 = push.job_is_base64;
      route.key_at = push.key_at;
      return route;
    }
  }
  if (target == "*") {
    route.kind = method == Method::kOptions ? Route::Kind::kOptions : Route::Kind::kServerWide;
    route.status = method == Method::kOptions ? 200 : 400;
    return route;
  }
  const std::string_view raw = without_query(target);
  std::string path;
  if (!percent_decode(raw, path)) {
    route.kind = Route::Kind::kBadPath;
    route.status = 400;
    return route;
  }
  if (method != Method::kConnect) {
    if (const std::string cleaned = parser::clean_path(raw); cleaned != raw) {
      return redirect(with_query(parser::encode_path(cleaned), target), 307);
    }
  }
  // Go's mux looks at the path as it came and its prefix stripper at both spellings.
  // (With an escape in the prefix it may be at the beginning of the first and not of the second.)
  const bool api = path.starts_with(api_prefix_) && (raw.starts_with(api_prefix_) || parser::encode_path(path) == raw);
  if (api) return route_api(method, std::string_view(path).substr(api_prefix_.size() - 1), target);
  if (path.size() + 1 == api_prefix_.size() && api_prefix_.starts_with(path) && parser::encode_path(path) == raw) {
    return redirect(with_query(parser::encode_path(api_prefix_), target), 307);
  }
  route.decodes_body = true;
  if (const Match found = match(method, path); found.endpoint != Endpoint::kNone) {
    become_endpoint(route, found.endpoint);
    route.job_is_base64 = found.job_is_base64;
    if (found.key_at > 0) route.decoded_key = path.substr(found.key_at);
    return route;
  }
  if (is_routed(method)) {
    if (const std::string other = near_miss(method, path); !other.empty()) {
      Route other_route = redirect(with_query(parser::encode_path(other), target), redirect_status(method));
      other_route.decodes_body = route.decodes_body;
      return other_route;
    }
  }
  route.allow = allowed_methods(path);
  if (route.allow.empty()) return route;
  route.kind = method == Method::kOptions ? Route::Kind::kOptions : Route::Kind::kMethodNotAllowed;
  route.status = method == Method::kOptions ? 200 : 405;
  return route;
}

// ---- The API's own router -------------------------------------------------------------------------------------------

Router::Match Router::match_api(Method method, std::string_view path) const {
  if (const Match own = match_own_api(method, path); own.endpoint != Endpoint::kNone) return own;
  if (method == Method::kOptions && match_own_api(Method::kGet, path).endpoint == Endpoint::kNone) {
    return {Endpoint::kApiOptions};
  }
  if (method == Method::kGet && path == "/metrics") return {Endpoint::kApiMetrics};
  if (method == Method::kGet && path == "/status") return {Endpoint::kApiStatus};
  if (method == Method::kPut && path == "/admin/wipe" && options_.enable_admin_api) return {Endpoint::kWipe};
  return {};
}

// Behind what the reference has: no redirects, no CORS.
Router::Match Router::match_own_api(Method method, std::string_view path) const {
  constexpr std::string_view kGroup = "/groups/";
  constexpr std::pair<std::string_view, Endpoint> kFixed[] = {{"/groups", Endpoint::kApiGroups},
                                                              {"/jobs", Endpoint::kApiJobs},
                                                              {"/stats", Endpoint::kApiStats},
                                                              {"/errors", Endpoint::kApiErrors},
                                                              {"/openapi.json", Endpoint::kApiOpenApi}};
  if (method == Method::kDelete && path == "/groups" && options_.enable_admin_api) return {Endpoint::kApiGroupsDelete};
  if (method != Method::kGet) return {};
  for (const auto& [fixed, endpoint] : kFixed) {
    if (path == fixed) return {endpoint};
  }
  if (path.size() > kGroup.size() && path.starts_with(kGroup)) return {Endpoint::kApiGroup, false, kGroup.size()};
  return {};
}

std::string Router::near_miss_api(Method method, std::string_view path) const {
  const std::string cleaned = parser::clean_path(path);
  for (const std::string fixed : {"/metrics", "/status", "/admin/wipe"}) {
    if (match_api(method, fixed).endpoint == Endpoint::kNone) continue;
    if (equal_without_case(cleaned, fixed) || equal_without_case(cleaned, fixed + "/")) return fixed;
  }
  return {};
}

Route Router::route_api(Method method, std::string_view path, std::string_view target) const {
  Route route;
  if (const Match found = match_api(method, path); found.endpoint != Endpoint::kNone) {
    become_endpoint(route, found.endpoint);
    if (found.key_at > 0) route.decoded_key = path.substr(found.key_at);
    return route;
  }
  if (is_routed(method)) {
    if (const std::string other = near_miss_api(method, path); !other.empty()) {
      return redirect(with_query(other, target), redirect_status(method));
    }
  }
  std::vector<std::string_view> names;
  for (const Method other : kRoutedMethods) {
    if (match_api(other, path).endpoint != Endpoint::kNone) names.push_back(name_of(other));
  }
  route.allow = allow_list(std::move(names));
  if (route.allow.empty()) return route;
  route.kind = method == Method::kOptions ? Route::Kind::kOptions : Route::Kind::kMethodNotAllowed;
  route.status = method == Method::kOptions ? 200 : 405;
  return route;
}

}  // namespace sluice::net::api
