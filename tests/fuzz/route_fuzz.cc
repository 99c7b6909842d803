// Where a request target goes, whatever bytes it has: the query decides nothing, a letter may be percent-encoded, a
// redirect leads to where it says and ends, and the parameters of a part of a scrape are read alike in any company.
//
// The first byte chooses the method, the prefix of the routes and what is enabled.
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/api/router.h"
#include "net/api/scrape_part.h"

namespace sluice::net::api {
namespace {

using http::Method;
using Kind = Route::Kind;

void expect(bool holds, const char* what, std::string_view input) {
  if (holds) return;
  std::fprintf(stderr, "DIFFERENCE: %s\n%.*s\n", what, static_cast<int>(input.size()), input.data());
  std::abort();
}

std::string described(const Route& route, std::string_view target) {
  return std::to_string(static_cast<int>(route.kind)) + " " + std::to_string(static_cast<int>(route.endpoint)) + " " +
         std::to_string(route.status) + (route.job_is_base64 ? " base64 " : " ") + std::string(route.key_path(target)) +
         "|" + route.allow;
}

const Router& router_of(unsigned how) {
  static const std::array<Router, 4> routers = {
      Router({}), Router({.route_prefix = {}, .telemetry_path = "/m/x", .enable_admin_api = true}),
      Router({.route_prefix = "/gate/way", .telemetry_path = "/metrics", .enable_admin_api = true}),
      Router({.route_prefix = "/p", .telemetry_path = "/", .enable_admin_api = false})};
  return routers[how % routers.size()];
}

Method method_of(unsigned how) {
  constexpr std::array kMethods = {Method::kGet,     Method::kPut,   Method::kPost,    Method::kDelete, Method::kHead,
                                   Method::kOptions, Method::kOther, Method::kConnect, Method::kPatch};
  return kMethods[how % kMethods.size()];
}

void check_shape(const Route& route, Method method, std::string_view target) {
  const auto is = [&](Kind kind, bool good) { expect(route.kind != kind || good, "a verdict is whole", target); };
  is(Kind::kEndpoint, route.status == 200 && route.endpoint != Endpoint::kNone);
  is(Kind::kRedirect, (route.status == 301) == (method == Method::kGet) || route.status == 307);
  is(Kind::kOptions, method == Method::kOptions && route.status == 200);
  is(Kind::kMethodNotAllowed, route.status == 405 && !route.allow.empty());
  is(Kind::kNotFound, route.status == 404 && route.allow.empty());
  is(Kind::kBadPath, route.status == 400);
  const bool has_key = route.endpoint == Endpoint::kPush || route.endpoint == Endpoint::kDelete;
  expect(!has_key || !route.key_path(target).empty(), "a push has a key", target);
  const bool pushes = method == Method::kPut || method == Method::kPost;
  expect(route.endpoint != Endpoint::kPush || pushes, "only PUT and POST push", target);
  expect(route.endpoint != Endpoint::kDelete || method == Method::kDelete, "only DELETE deletes", target);
  const bool admin = route.endpoint == Endpoint::kWipe || route.endpoint == Endpoint::kQuit;
  expect(!admin || pushes, "what cannot be taken back is no GET", target);
}

// What is redirected goes somewhere, and not in circles. The API's own redirects lack their prefix, as the reference's.
void check_redirect(const Router& router, Method method, Route route, std::string_view target) {
  for (int hops = 0; route.kind == Kind::kRedirect; ++hops) {
    expect(hops < 4, "redirects end", target);
    const std::string location = route.location;
    expect(location.starts_with('/') && !location.starts_with("//"), "a redirect stays here", location);
    for (const char c : location.substr(0, location.find('?'))) {
      expect(c > ' ' && c < 0x7f, "a location is plain", location);
    }
    route = router.route(method, location);
    // A cleaned path is encoded once more, so what had an escape gets another one each time.
    if (location.find('%') != std::string::npos) return;
  }
}

// Letters percent-encoded behind the first `from` bytes of the path.
std::string with_encoded_letters(std::string_view target) {
  std::string out;
  bool query = false;
  for (size_t at = 0; at < target.size(); ++at) {
    const char c = target[at];
    query |= c == '?';
    if (c == '%' && !query && at + 2 < target.size()) {
      out += target.substr(at, 3);
      at += 2;
    } else if (!query && std::isalpha(static_cast<unsigned char>(c)) != 0) {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out;
}

void check_part(std::string_view target) {
  const auto part = parse_scrape_part(target);
  expect(part.has_value() || !part.error().empty(), "a refusal has a text", target);
  expect(!part.has_value() || part->index < part->count, "a part is one of its count", target);
  std::string more(target);
  more += target.find('?') == std::string_view::npos ? "?" : "&";
  const auto again = parse_scrape_part(more + "name%5B%5D=x&&shar=1&sharded=2");
  expect(part.has_value() == again.has_value(), "parameters of others: the verdict", target);
  expect(!part.has_value() || (part->index == again->index && part->count == again->count),
         "parameters of others: the part", target);
  const auto third = parse_scrape_part(more + "%73hard=1&shard%73=%33");
  const bool whole = part.has_value() && part->count == 1;
  const bool named = target.find('?') != std::string_view::npos;
  expect(!whole || named || (third.has_value() && third->index == 1 && third->count == 3), "escaped names", target);
}

}  // namespace

int fuzz_route(std::string_view input) {
  if (input.empty()) return 0;
  const auto how = static_cast<unsigned char>(input[0]);
  const std::string target = "/" + std::string(input.substr(1));
  const Router& router = router_of(how);
  const Method method = method_of(how / 4U);
  const Route route = router.route(method, target);
  check_shape(route, method, target);
  check_redirect(router, method, route, target);

  const std::string path = target.substr(0, target.find('?'));
  const std::string wanted = described(route, target);
  const auto same = [&](const std::string& other) { return described(router.route(method, other), other) == wanted; };
  expect(same(path), "the query decides nothing", target);
  expect(same(path + "?a=b/../%zz"), "any query decides nothing", target);
  // The API's mux looks at the path as it came, so only what it leaves alone may be spelled otherwise.
  const bool api = path.find("api/v1") != std::string::npos || path.find('%') != std::string::npos;
  if (route.kind == Kind::kEndpoint && !api) expect(same(with_encoded_letters(target)), "letters in escapes", target);
  check_part(target);
  return 0;
}

}  // namespace sluice::net::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::net::api::fuzz_route({reinterpret_cast<const char*>(data), size});
}
