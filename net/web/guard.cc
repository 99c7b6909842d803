#include "net/web/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <typeinfo>
#include <utility>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "net/web/credentials.h"
#include "net/web/headers.h"

namespace sluice::net::web {
namespace {

using HeadAction = http::Handler::HeadAction;
using StepAction = http::Handler::StepAction;

// Verdicts of each kind that a worker remembers: 96 bytes each.
constexpr size_t kVerdictsKept = 1024;

// A request that waits for its verdict.
class PendingState final : public http::HandlerState {
 public:
  PendingState(std::shared_ptr<Question> question_in, CredentialKey key_in, std::string user_in)
      : question(std::move(question_in)), key(key_in), user(std::move(user_in)) {}
  const std::shared_ptr<Question> question;
  const CredentialKey key;
  const std::string user;
};

PendingState* pending_of(const http::Exchange& exchange) {
  http::HandlerState* const state = exchange.state.get();
  return state != nullptr && typeid(*state) == typeid(PendingState) ? static_cast<PendingState*>(state) : nullptr;
}

// As Go's http.Error.
void reply_error(http::Response& response, int status, std::string_view text) {
  response.status = status;
  response.headers += "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n";
  response.body = std::string(text) + "\n";
}

bool has_body(const http::Request& request) noexcept {
  return request.chunked || (request.content_length != http::kNoLength && request.content_length != 0);
}

// Whose passwords are counted together: an IPv4 address, or the /64 of an IPv6 address, which is what one client has at
// least.
std::string source_of(std::string_view peer) {
  const std::string_view address = peer.substr(0, peer.rfind(':'));
  if (!address.starts_with('[')) return std::string(address);
  const std::string host(address.substr(1, address.find_first_of("%]") - 1));
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, host.c_str(), &parsed) != 1) return std::string(address);
  std::fill_n(parsed.s6_addr + 8, 8, uint8_t{0});
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(AF_INET6, &parsed, text, sizeof text);
  return std::string(text) + "/64";
}

}  // namespace

Guard::Guard(http::Handler& inner, GuardShared& shared, Callers* callers)
    : inner_(inner), shared_(shared), callers_(callers), reader_(shared.file), verdicts_(kVerdictsKept) {}

std::unique_ptr<tls::Session> Guard::open(const tls::KernelTls* kernel) {
  return tls::Session::make(reader_.current(true).tls, kernel);
}

bool Guard::admits(http::Exchange& exchange) {
  if (inner_.admits(exchange)) return true;
  add_headers(exchange.response.headers, reader_.current(false).config.header_lines);
  return false;
}

HeadAction Guard::on_head(http::Exchange& exchange, uint64_t& body_bytes_max) {
  if (!shared_.bucket.take(monotonic_ns())) {
    ++counters_.rate_limited;
    reply_error(exchange.response, 429, "Too Many Requests");
    return HeadAction::kRespond;
  }
  const WebConfig& config = reader_.current(false).config;
  if (callers_ == nullptr && config.users.empty()) return enter(exchange, body_bytes_max, config);
  exchange.caller = {};
  const Access access = judge(exchange, config);
  if (access == Access::kRight) ++counters_.right;
  if (access == Access::kRight || access == Access::kNobody) return enter(exchange, body_bytes_max, config);
  if (access == Access::kPending) return HeadAction::kStepFirst;
  refuse(exchange, access, config);
  return HeadAction::kRespond;
}

HeadAction Guard::enter(http::Exchange& exchange, uint64_t& body_bytes_max, const WebConfig& config) {
  const HeadAction action = inner_.on_head(exchange, body_bytes_max);
  if (action == HeadAction::kRespond) add_headers(exchange.response.headers, config.header_lines);
  return action;
}

Guard::Access Guard::judge(http::Exchange& exchange, const WebConfig& config) {
  const std::string_view authorization = exchange.request.header("Authorization");
  if (callers_ != nullptr) {
    callers_->refresh();
    if (authorization.data() == nullptr) return Access::kNobody;
    if (const auto token = parse_bearer(authorization)) {
      exchange.caller.token = callers_->name_of_token(*token);
      return exchange.caller.token.empty() ? Access::kWrong : Access::kRight;
    }
  }
  return judge_password(exchange, authorization, config);
}

Guard::Access Guard::judge_password(http::Exchange& exchange, std::string_view authorization, const WebConfig& config) {
  const auto credentials = parse_basic_auth(authorization);
  if (!credentials) return Access::kWrong;
  bool exists = false;
  const std::string hash = hash_for(config, credentials->user, exists);
  if (hash.empty()) return Access::kWrong;
  // A stand-in's verdict is not the verdict over a user who may get that hash later.
  const CredentialKey key = credential_key(credentials->user, exists ? hash : "unknown" + hash, credentials->password);
  if (const auto known = verdicts_.find(key)) {
    if (*known) exchange.caller.user = credentials->user;
    return *known ? Access::kRight : Access::kWrong;
  }
  const std::string source = source_of(exchange.request.peer);
  auto question = shared_.pool.ask(
      {.key = key, .hash = hash, .password = credentials->password, .address = source, .may_be_right = exists});
  if (question == nullptr) return Access::kCrowded;
  exchange.state = std::make_unique<PendingState>(std::move(question), key, credentials->user);
  return Access::kPending;
}

// A user of the web config is not looked for elsewhere. An unknown one's password is compared with always the same hash
// for the same name, so that neither the time nor its changes tell who exists.
std::string Guard::hash_for(const WebConfig& config, std::string_view user, bool& exists) const {
  const auto found = config.users.find(std::string(user));
  exists = found != config.users.end();
  if (exists) return found->second;
  std::span<const std::string> more;
  if (callers_ != nullptr) {
    const std::string_view hash = callers_->hash_of(user);
    exists = !hash.empty();
    if (exists) return std::string(hash);
    more = callers_->stand_ins();
  }
  const size_t count = config.stand_ins.size() + more.size();
  if (count == 0) return {};
  const size_t index = keyed_hash(user) % count;
  return index < config.stand_ins.size() ? config.stand_ins[index] : more[index - config.stand_ins.size()];
}

void Guard::refuse(http::Exchange& exchange, Access access, const WebConfig& config) {
  http::Response& response = exchange.response;
  if (access == Access::kCrowded) {
    ++counters_.crowded;
    response.headers += "Retry-After: 1\r\n";
    reply_error(response, 503, "Service Unavailable");
  } else {
    ++counters_.wrong;
    response.headers += callers_ != nullptr ? callers_->challenge() : "WWW-Authenticate: Basic\r\n";
    reply_error(response, 401, "Unauthorized");
  }
  add_headers(response.headers, config.header_lines);
}

StepAction Guard::step(http::Exchange& exchange, Deadline deadline) {
  PendingState* const pending = pending_of(exchange);
  StepAction action = StepAction::kDone;
  if (pending == nullptr) {
    action = inner_.step(exchange, deadline);
  } else {
    const Question::Verdict verdict = pending->question->verdict();
    if (verdict == Question::Verdict::kPending) return StepAction::kParked;
    const bool right = verdict == Question::Verdict::kRight;
    verdicts_.put(pending->key, right);
    if (right) exchange.caller.user = pending->user;
    exchange.state.reset();
    const WebConfig& config = reader_.current(false).config;
    if (!right) {
      refuse(exchange, Access::kWrong, config);
      return StepAction::kDone;
    }
    ++counters_.right;
    if (enter(exchange, exchange.body_bytes_max, config) == HeadAction::kRespond) return StepAction::kDone;
    if (has_body(exchange.request)) return StepAction::kReadBody;
    action = inner_.step(exchange, deadline);
  }
  if (action == StepAction::kDone) add_headers(exchange.response.headers, reader_.last().config.header_lines);
  return action;
}

}  // namespace sluice::net::web
