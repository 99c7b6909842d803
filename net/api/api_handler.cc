#include "net/api/api_handler.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/hash.h"
#include "core/base/limit_table.h"
#include "core/base/log.h"
#include "net/api/access_check.h"
#include "net/api/api_answers.h"
#include "net/api/checked_scrape.h"
#include "net/api/durability.h"
#include "net/api/gateway.h"
#include "net/api/group_requests.h"
#include "net/api/gzip_head.h"
#include "net/api/metrics_json.h"
#include "net/api/own_api.h"
#include "net/api/push.h"
#include "net/api/replies.h"
#include "net/api/scrape.h"
#include "net/api/scrape_part.h"
#include "net/api/status_json.h"
#include "net/conn/peer_name.h"
#include "net/http/content_coding.h"
#include "net/ui/page.h"
#include "parser/grouping_key.h"

namespace sluice::net::api {

using limits::Limit;
using HeadAction = http::Handler::HeadAction;
using StepAction = http::Handler::StepAction;

namespace {

// On everything of the reference's API but wipe, as the reference sets them.
constexpr std::string_view kCorsHeaders =
    "Access-Control-Allow-Headers: Accept, Authorization, Content-Type, Origin\r\n"
    "Access-Control-Allow-Methods: GET, POST, DELETE, OPTIONS\r\n"
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: Date\r\n"
    "Cache-Control: no-cache, no-store, must-revalidate\r\n";

// Answered only once the state has been recovered: a partial scrape would mark series stale.
bool needs_state(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kPush:
    case Endpoint::kDelete:
    case Endpoint::kWipe:
    case Endpoint::kScrape:
    case Endpoint::kReady:
    case Endpoint::kApiMetrics:
    case Endpoint::kApiGroups:
    case Endpoint::kApiGroupsDelete:
    case Endpoint::kApiGroup:
    case Endpoint::kApiJobs:
      return true;
    default:
      return false;
  }
}

// Before the key is taken apart: `/name/value` for each label behind the job.
std::optional<Limit> limit_of_path(std::string_view key_path, const limits::Values& values) noexcept {
  if (key_path.size() / 2 + 1 <= values[Limit::kLabelsPerKey]) return std::nullopt;
  const auto slashes = static_cast<uint64_t>(std::ranges::count(key_path, '/'));
  return slashes / 2 + 1 > values[Limit::kLabelsPerKey] ? std::optional(Limit::kLabelsPerKey) : std::nullopt;
}

std::optional<Limit> limit_of_key(const model::GroupKey& key, const limits::Values& values) noexcept {
  if (key.bytes().size() <= std::min(values[Limit::kNameBytes], values[Limit::kValueBytes])) return std::nullopt;
  for (size_t i = 0; i < key.label_count(); ++i) {
    if (key.label(i).name.size() > values[Limit::kNameBytes]) return Limit::kNameBytes;
    if (key.label(i).value.size() > values[Limit::kValueBytes]) return Limit::kValueBytes;
  }
  return std::nullopt;
}

std::optional<HandlerName> counted_name(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kPush:
      return HandlerName::kPush;
    case Endpoint::kDelete:
      return HandlerName::kDelete;
    case Endpoint::kWipe:
      return HandlerName::kWipe;
    case Endpoint::kReady:
      return HandlerName::kReady;
    case Endpoint::kApiMetrics:
      return HandlerName::kApiMetrics;
    default:
      return std::nullopt;  // scrapes are not counted
  }
}

}  // namespace

bool ApiHandler::admits(http::Exchange& exchange) {
  if (within_address_rate(exchange)) return true;
  refuse(exchange, Limit::kRequestsPerAddress);
  return false;
}

HeadAction ApiHandler::on_head(http::Exchange& exchange, uint64_t& body_bytes_max) {
  const http::Request& request = exchange.request;
  const limits::Values& values = context_.gateway.options().limits;
  body_bytes_max = values[Limit::kBodyBytes];
  if (request.target.size() > values[Limit::kUrlBytes]) {
    refuse(exchange, Limit::kUrlBytes);
    return HeadAction::kRespond;
  }
  Route route = context_.gateway.router().route(request.method, request.target);
  if (!serves_here(exchange, route) || !admit(exchange, route)) return HeadAction::kRespond;
  if (route.decodes_body && http::content_coding(request) == http::Coding::kGzip) {
    exchange.state = std::make_unique<GzipHeadState>(*this, std::move(route));
  } else {
    exchange.state = begin(exchange, route);
  }
  return exchange.state == nullptr ? HeadAction::kRespond : HeadAction::kReadBody;
}

bool ApiHandler::serves_here(http::Exchange& exchange, const Route& route) {
  const std::vector<Serves>& listeners = context_.gateway.options().listeners;
  const size_t index = exchange.request.listener;
  if (index >= listeners.size() || is_served(listeners[index], route, exchange.request.method)) return true;
  reply_not_served(exchange.response, listeners[index]);
  return false;
}

bool ApiHandler::admit(http::Exchange& exchange, const Route& route) {
  if (context_.access == nullptr) return true;
  const auto verdict = check_access(*context_.access, exchange, route, context_.names);
  if (verdict == AccessControl::Verdict::kYes) return true;
  context_.access->on_refused(verdict);
  reply_no_access(exchange, verdict, route, *context_.access);
  return false;
}

std::unique_ptr<RequestState> ApiHandler::begin(http::Exchange& exchange, const Route& route) {
  if (route.kind != Route::Kind::kEndpoint) {
    reply_route(exchange.response, route, exchange.request.method);
    return nullptr;
  }
  if (needs_state(route.endpoint) && context_.durability != nullptr && !context_.durability->ready()) {
    reply_not_ready(exchange.response);
    if (const auto name = counted_name(route.endpoint)) {
      context_.metrics.count_request(*name, exchange.request.method, exchange.response.status);
    }
    return nullptr;
  }
  switch (route.endpoint) {
    case Endpoint::kPush:
    case Endpoint::kDelete:
      return begin_group_request(exchange, route);
    case Endpoint::kWipe:
      return std::make_unique<WipeState>(context_);
    case Endpoint::kScrape:
      return begin_any_scrape(exchange);
    case Endpoint::kHealthy:
      answer_ok(exchange, HandlerName::kHealthy);
      break;
    case Endpoint::kReady:
      ready(exchange);
      break;
    case Endpoint::kQuit:
      quit(exchange);
      break;
    case Endpoint::kQuitGet:
      reply_text(exchange.response, 405, "Only POST or PUT requests allowed.");
      break;
    case Endpoint::kApiMetrics:
    case Endpoint::kApiStatus:
    case Endpoint::kApiOptions:
      api_answer(exchange, route.endpoint);
      break;
    case Endpoint::kApiGroups:
    case Endpoint::kApiGroupsDelete:
    case Endpoint::kApiGroup:
    case Endpoint::kApiJobs:
    case Endpoint::kApiStats:
    case Endpoint::kApiErrors:
    case Endpoint::kApiOpenApi:
      return begin_own_api(context_, exchange, route);
    case Endpoint::kStatusPage:
      page(exchange);
      break;
    case Endpoint::kStatic:
      file(exchange, route.key_path(exchange.request.target));
      break;
    case Endpoint::kProfiling:
      reply_error(exchange.response, 404, "404 page not found: there are no profiling endpoints here");
      break;
    case Endpoint::kNone:
      reply_error(exchange.response, 404, "404 page not found");
      break;
  }
  return nullptr;
}

std::unique_ptr<RequestState> ApiHandler::begin_any_scrape(http::Exchange& exchange) {
  const auto part = parse_scrape_part(exchange.request.target);
  if (!part) {
    reply_error(exchange.response, 400, part.error());
    return nullptr;
  }
  if (!may_scrape(exchange)) return nullptr;
  if (!context_.gateway.options().consistency_check) return std::make_unique<CheckedScrapeState>(context_, *part);
  begin_scrape(context_, exchange.request, exchange.response, *part);
  return nullptr;
}

std::unique_ptr<RequestState> ApiHandler::begin_group_request(http::Exchange& exchange, const Route& route) {
  const bool is_push = route.endpoint == Endpoint::kPush;
  const std::string_view key_path = route.key_path(exchange.request.target);
  if (const auto limit = limit_of_path(key_path, context_.gateway.options().limits)) {
    refuse(exchange, *limit);
    if (is_push) note_rejected(context_, exchange, nullptr, exchange.response.body, 0);
    context_.metrics.count_request(is_push ? HandlerName::kPush : HandlerName::kDelete, exchange.request.method,
                                   exchange.response.status);
    return nullptr;
  }
  auto key = parser::parse_grouping_key(key_path, route.job_is_base64, context_.names);
  if (!key) {
    reply_error(exchange.response, 400, key.error());
    if (is_push) note_rejected(context_, exchange, nullptr, key.error(), 0);
    context_.metrics.count_request(is_push ? HandlerName::kPush : HandlerName::kDelete, exchange.request.method, 400);
    if (log::enabled(log::Level::kDebug)) {
      log::write(log::Level::kDebug, log::Reason::kPushMalformed, "failed to parse URL",
                 {{"url", std::string(exchange.request.target)}, {"err", key.error()}});
    }
    return nullptr;
  }
  if (!is_push) return std::make_unique<DeleteState>(context_, std::move(*key));
  if (const auto limit = limit_of_key(*key, context_.gateway.options().limits)) {
    refuse(exchange, *limit);
    note_rejected(context_, exchange, &*key, exchange.response.body, 0);
    context_.metrics.count_request(HandlerName::kPush, exchange.request.method, exchange.response.status);
    return nullptr;
  }
  // Not the time of the head's first byte: a rate's clock does not go back, and a slow head is no part of a push.
  const int64_t now_ns = monotonic_ns();
  sync::KeyedRates& rates = context_.gateway.job_rates();
  if (rates.limited() && !rates.take(keyed_hash(key->job()), now_ns)) {
    refuse(exchange, Limit::kPushesPerJob);
    note_rejected(context_, exchange, &*key, exchange.response.body, 0);
    context_.metrics.count_request(HandlerName::kPush, exchange.request.method, exchange.response.status);
    return nullptr;
  }
  return std::make_unique<PushState>(context_, std::move(*key), now_ns);
}

StepAction ApiHandler::step(http::Exchange& exchange, Deadline deadline) {
  return static_cast<RequestState&>(*exchange.state).step(exchange, deadline);
}

bool ApiHandler::within_address_rate(const http::Exchange& exchange) {
  sync::KeyedRates& rates = context_.gateway.address_rates();
  if (!rates.limited()) return true;
  const std::string_view address = conn::peer_address(exchange.request.peer);
  return address.empty() || rates.take(keyed_hash(address), monotonic_ns());
}

bool ApiHandler::may_scrape(http::Exchange& exchange) {
  const uint64_t most = context_.gateway.options().limits[Limit::kScrapes];
  if (context_.gateway.open_scrapes() < most) return true;
  refuse(exchange, Limit::kScrapes);
  return false;
}

void ApiHandler::refuse(http::Exchange& exchange, Limit limit) {
  on_limit(limit);
  reply_limit(exchange.response, limit, context_.gateway.options().limits);
}

void ApiHandler::quit(http::Exchange& exchange) {
  if (!context_.gateway.options().enable_lifecycle) {
    reply_text(exchange.response, 403, "Lifecycle API is not enabled.");
    return;
  }
  // A form of any page may POST, without asking first. Only browsers say where a request comes from.
  if (is_cross_site(context_, exchange.request)) {
    reply_text(exchange.response, 403, "Another site's page may not end the gateway.");
    return;
  }
  reply_text(exchange.response, 200, "Requesting termination... Goodbye!");
  context_.gateway.options().on_quit();
}

// Never compressed, as in the reference.
void ApiHandler::api_answer(http::Exchange& exchange, Endpoint endpoint) {
  http::Response& response = exchange.response;
  response.status = 200;
  response.headers = kCorsHeaders;
  if (endpoint == Endpoint::kApiMetrics && !may_scrape(exchange)) {
    context_.metrics.count_request(HandlerName::kApiMetrics, exchange.request.method, response.status);
    return;
  }
  HandlerName handler = HandlerName::kApiOptions;
  if (endpoint != Endpoint::kApiOptions) response.headers += "Content-Type: application/json\r\n";
  if (endpoint == Endpoint::kApiStatus) {
    handler = HandlerName::kApiStatus;
    response.body = status_json(context_.gateway.options(), context_.gateway.start_wall_ns());
  } else if (endpoint == Endpoint::kApiMetrics) {
    handler = HandlerName::kApiMetrics;
    response.source = std::make_unique<MetricsJsonSource>(context_);
  }
  context_.metrics.count_request(handler, exchange.request.method, 200);
}

void ApiHandler::page(http::Exchange& exchange) {
  Gateway& gateway = context_.gateway;
  const store::Stats stats = gateway.store().stats();
  exchange.response.status = 200;
  exchange.response.headers = ui::kPageHeaders;
  exchange.response.body = ui::status_page(
      {gateway.options().build.version, gateway.options().router.telemetry_path, stats.groups, stats.series});
  context_.metrics.count_request(HandlerName::kStatus, exchange.request.method, 200);
}

void ApiHandler::file(http::Exchange& exchange, std::string_view name) {
  http::Response& response = exchange.response;
  if (const auto found = ui::find_file(name)) {
    response.status = 200;
    // Asked for again after an update, which brings other bytes under the same name.
    response.headers = "Content-Type: " + std::string(found->content_type) +
                       "\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n";
    response.body = found->bytes;
  } else {
    reply_error(response, 404, "404 page not found");
  }
  context_.metrics.count_request(HandlerName::kStatic, exchange.request.method, response.status);
}

void ApiHandler::ready(http::Exchange& exchange) {
  if (context_.durability == nullptr || !context_.durability->refuses())
    return answer_ok(exchange, HandlerName::kReady);
  reply_not_durable(exchange.response);
  context_.metrics.count_request(HandlerName::kReady, exchange.request.method, exchange.response.status);
}

void ApiHandler::answer_ok(http::Exchange& exchange, HandlerName handler) {
  reply_text(exchange.response, 200, "OK");
  context_.metrics.count_request(handler, exchange.request.method, 200);
}

void ApiHandler::on_refused(int status, std::string_view peer) {
  if (!log::enabled(log::Level::kDebug)) return;
  log::write(log::Level::kDebug, log::Reason::kRequestRefused, "request refused",
             {{"source", std::string(peer)}, {"status", std::to_string(status)}});
}

bool ApiHandler::readers_are_in_the_way() const noexcept { return context_.gateway.store().snapshots_starve(); }

void ApiHandler::on_finished(const http::Exchange&, bool) {}

}  // namespace sluice::net::api
