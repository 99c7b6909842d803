// Where a request goes: the reference's router (net/http's ServeMux in front of httprouter) as one pure function.
//
// The path is percent-decoded before it is looked at; the query never matters. Order of the verdicts, as there: a path
// that cleaning changes (`//`, `.`, `..`) is redirected; a route of the method matches; a route with or without the
// last slash, or of another case, is redirected to; OPTIONS answers 200 with Allow; 405 with Allow; 404. What is below
// <prefix>/api/v1/ has a router of its own, which does not see that part of the path: its redirects lack it, as the
// reference's do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/exchange.h"

namespace sluice::net::api {

enum class Endpoint : uint8_t {
  kNone,
  kPush,    // PUT, POST on a group
  kDelete,  // DELETE on a group
  kScrape,  // GET on the telemetry path
  kHealthy,
  kReady,
  kQuit,     // PUT, POST
  kQuitGet,  // GET /-/quit: 405 with a text of its own
  kWipe,
  kApiMetrics,  // GET
  kApiStatus,   // GET
  kApiOptions,  // OPTIONS on anything of the API but what is ours
  // Ours below /api/v1/ (own_api.h); GET but for the second.
  kApiGroups,
  kApiGroupsDelete,  // DELETE
  kApiGroup,
  kApiJobs,
  kApiStats,
  kApiErrors,
  kApiOpenApi,
  kStatusPage,  // GET
  kStatic,      // GET on a file of the page
  kProfiling,   // GET; not there
};

struct RouterOptions {
  std::string route_prefix;  // empty, or begins with '/' and does not end with one
  std::string telemetry_path = "/metrics";
  bool enable_admin_api = false;
};

struct Route {
  enum class Kind : uint8_t { kEndpoint, kRedirect, kOptions, kMethodNotAllowed, kNotFound, kBadPath, kServerWide };
  Kind kind = Kind::kNotFound;
  Endpoint endpoint = Endpoint::kNone;
  int status = 404;
  bool job_is_base64 = false;  // kPush, kDelete
  bool decodes_body = false;   // the reference opens Content-Encoding first; not for /api and what its mux answers
  size_t key_at = 0;           // where the key begins in the target, to its end; 0: it is in decoded_key
  std::string decoded_key;
  std::string location;  // kRedirect
  std::string allow;     // kOptions, kMethodNotAllowed: sorted, ", " between

  // kPush, kDelete: the decoded path after "/job/" or "/job@base64/"; kStatic: after "/static/"; kApiGroup: the id.
  // `target` is the one that was routed, wherever its bytes are now; the view is into it or into this.
  [[nodiscard]] std::string_view key_path(std::string_view target) const noexcept {
    return key_at == 0 ? std::string_view(decoded_key) : target.substr(key_at);
  }
};

class Router {
 public:
  explicit Router(RouterOptions options);

  // `target` is the raw request target in origin-form (or "*"). kBadPath: a broken percent escape, 400.
  [[nodiscard]] Route route(http::Method method, std::string_view target) const;

 private:
  struct Match {
    Endpoint endpoint = Endpoint::kNone;
    bool job_is_base64 = false;
    size_t key_at = 0;  // where the job, or the file's name, begins in the path
  };

  [[nodiscard]] Match match(http::Method method, std::string_view path) const;
  [[nodiscard]] Match match_push(http::Method method, std::string_view path) const;
  [[nodiscard]] std::string allowed_methods(std::string_view path) const;
  // The path of a route of this method that differs only in case or in the last slash; empty when there is none.
  [[nodiscard]] std::string near_miss(http::Method method, const std::string& path) const;

  [[nodiscard]] Match match_fixed(http::Method method, std::string_view path) const;
  [[nodiscard]] Match match_api(http::Method method, std::string_view path) const;
  [[nodiscard]] Match match_own_api(http::Method method, std::string_view path) const;
  [[nodiscard]] std::string near_miss_api(http::Method method, std::string_view path) const;
  [[nodiscard]] Route route_api(http::Method method, std::string_view path, std::string_view target) const;

  RouterOptions options_;
  std::string scrape_path_;
  std::string push_prefix_;         // <prefix>/metrics/job/
  std::string push_base64_prefix_;  // <prefix>/metrics/job@base64/
  std::string api_prefix_;          // <prefix>/api/v1/
  std::string static_prefix_;       // <prefix>/static/
  std::string profiling_prefix_;    // <prefix>/debug/pprof/
};

// Decodes %XX; false when an escape is broken.
[[nodiscard]] bool percent_decode(std::string_view raw, std::string& out);

}  // namespace sluice::net::api
