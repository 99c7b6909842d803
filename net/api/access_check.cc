#include "net/api/access_check.h"

#include <optional>
#include <string>
#include <string_view>

#include "core/base/log.h"
#include "net/api/replies.h"
#include "parser/grouping_key.h"

namespace sluice::net::api {
namespace {

using Verdict = AccessControl::Verdict;

enum class Needs : uint8_t { kNothing, kKnown, kRight };

Needs needs_of(const Route& route) noexcept {
  if (route.kind != Route::Kind::kEndpoint) return Needs::kKnown;
  switch (route.endpoint) {
    case Endpoint::kHealthy:
    case Endpoint::kReady:
      return Needs::kNothing;
    case Endpoint::kApiOptions:
      return Needs::kKnown;
    default:
      return Needs::kRight;
  }
}

// Whatever has no right of its own is the page's when it only reads, and administration otherwise.
Right right_of(const Route& route, http::Method method) noexcept {
  switch (route.endpoint) {
    case Endpoint::kPush:
      return Right::kPush;
    case Endpoint::kDelete:
      return Right::kDelete;
    case Endpoint::kScrape:
    case Endpoint::kApiMetrics:
      return Right::kScrape;
    case Endpoint::kQuitGet:
      return Right::kAdmin;
    default:
      return method == http::Method::kGet ? Right::kUi : Right::kAdmin;
  }
}

std::string caller_text(const http::Exchange& exchange) {
  if (!exchange.caller.user.empty()) return "user " + exchange.caller.user;
  if (!exchange.caller.token.empty()) return "token " + exchange.caller.token;
  return "the client certificate";
}

}  // namespace

std::string_view right_name(Right right) noexcept {
  switch (right) {
    case Right::kPush:
      return "push";
    case Right::kDelete:
      return "delete";
    case Right::kScrape:
      return "scrape";
    case Right::kAdmin:
      return "admin";
    case Right::kUi:
      return "ui";
  }
  return "";
}

Verdict check_access(AccessControl& access, const http::Exchange& exchange, const Route& route,
                     parser::NameScheme names) {
  switch (needs_of(route)) {
    case Needs::kNothing:
      return Verdict::kYes;
    case Needs::kKnown:
      return access.knows(exchange) ? Verdict::kYes : Verdict::kUnknown;
    case Needs::kRight:
      break;
  }
  const Right right = right_of(route, exchange.request.method);
  Verdict verdict = access.judge(exchange, right, nullptr);
  if (verdict == Verdict::kYes && (right == Right::kPush || right == Right::kDelete)) {
    // A path that is no key goes on to its 400.
    const auto key = parser::parse_grouping_key(route.key_path(exchange.request.target), route.job_is_base64, names);
    if (key) verdict = access.judge(exchange, right, &*key);
  }
  // The JSON of all metrics is read by the page as well.
  if (verdict == Verdict::kNoRight && route.endpoint == Endpoint::kApiMetrics) {
    verdict = access.judge(exchange, Right::kUi, nullptr);
  }
  return verdict;
}

void reply_no_access(http::Exchange& exchange, Verdict verdict, const Route& route, const AccessControl& access) {
  http::Response& response = exchange.response;
  if (verdict == Verdict::kUnknown) {
    reply_error(response, 401, "Unauthorized");
    response.headers += access.challenge();
    return;
  }
  const std::string right(right_name(right_of(route, exchange.request.method)));
  const std::string caller = caller_text(exchange);
  reply_error(response, 403,
              verdict == Verdict::kNoRight ? "Forbidden: " + caller + " does not have the right " + right + "."
                                           : "Forbidden: " + caller + " has the right " + right +
                                                 ", but not for the grouping key of this group.");
  if (log::enabled(log::Level::kDebug)) {
    log::write(log::Level::kDebug, log::Reason::kRequestRefused, "request forbidden",
               {{"source", std::string(exchange.request.peer)}, {"caller", caller}, {"right", right}});
  }
}

}  // namespace sluice::net::api
