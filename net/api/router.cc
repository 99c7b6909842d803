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
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    if (i + 2 >= raw.size()) return false;
    const int high = digit(raw[i + 1]);
    const int low = digit(raw[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

Router::Router(RouterOptions options) : options_(std::move(options)) {
  const std::string& prefix = options_.route_prefix;
  scrape_path_ = prefix + options_.telemetry_path;
  while (scrape_path_.size() > 1 && scrape_path_.back() == '/') scrape_path_.pop_back();
  push_prefix_ = prefix + "/metrics/job/";
  push_base64_prefix_ = prefix + "/metrics/job@base64/";
}

Router::Match Router::match(Method method, std::string_view path) const {
  if (may_push(method)) {
    const Endpoint endpoint = method == Method::kDelete ? Endpoint::kDelete : Endpoint::kPush;
    // The router's parameter takes even an empty job where a slash follows it, which can only have been sent as %2F.
    if (path.size() > push_prefix_.size() && path.starts_with(push_prefix_)) {
      return {endpoint, false, push_prefix_.size()};
    }
    if (path.size() > push_base64_prefix_.size() && path.starts_with(push_base64_prefix_)) {
      return {endpoint, true, push_base64_prefix_.size()};
    }
  }
  if (method == Method::kGet && path == scrape_path_) return {Endpoint::kScrape};
  if (method == Method::kGet && path == "/-/quit") return {Endpoint::kQuitGet};
  if (!path.starts_with(options_.route_prefix)) return {};
  const std::string_view rest = path.substr(options_.route_prefix.size());
  if (method == Method::kGet && rest == "/-/healthy") return {Endpoint::kHealthy};
  if (method == Method::kGet && rest == "/-/ready") return {Endpoint::kReady};
  if ((method == Method::kPut || method == Method::kPost) && rest == "/-/quit") return {Endpoint::kQuit};
  if (method == Method::kPut && rest == "/api/v1/admin/wipe" && options_.enable_admin_api) return {Endpoint::kWipe};
  return {};
}

std::string Router::allowed_methods(std::string_view path) const {
  std::vector<std::string_view> names;
  for (const Method method : kRoutedMethods) {
    if (match(method, path).endpoint != Endpoint::kNone) names.push_back(name_of(method));
  }
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
  if (may_push(method)) {
    for (const std::string& prefix : {push_prefix_, push_base64_prefix_}) {
      if (path.size() > prefix.size() && starts_without_case(path, prefix)) return prefix + path.substr(prefix.size());
    }
  }
  const std::string& base = options_.route_prefix;
  for (const std::string& fixed : {scrape_path_, base + "/-/healthy", base + "/-/ready", base + "/-/quit"}) {
    for (const std::string& candidate : {fixed, fixed + "/"}) {
      if (equal_without_case(path, candidate) && match(method, fixed).endpoint != Endpoint::kNone) return fixed;
    }
  }
  return {};
}

Route Router::route(Method method, std::string_view target) const {
  Route route;
  if (target == "*") {
    route.kind = method == Method::kOptions ? Route::Kind::kOptions : Route::Kind::kBadPath;
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
  const std::string_view rest = std::string_view(path).substr(std::min(path.size(), options_.route_prefix.size()));
  route.decodes_body = !path.starts_with(options_.route_prefix) || !rest.starts_with("/api/v1/");
  if (const Match found = match(method, path); found.endpoint != Endpoint::kNone) {
    route.kind = Route::Kind::kEndpoint;
    route.endpoint = found.endpoint;
    route.status = 200;
    route.job_is_base64 = found.job_is_base64;
    if (found.key_at > 0) route.key_path = path.substr(found.key_at);
    return route;
  }
  if (std::ranges::find(kRoutedMethods, method) != kRoutedMethods.end()) {
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

}  // namespace sluice::net::api
