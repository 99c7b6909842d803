#include "net/api/group_requests.h"

#include "net/api/replies.h"

namespace sluice::net::api {

using StepAction = http::Handler::StepAction;

StepAction DeleteState::step(http::Exchange& exchange, Deadline) {
  static_cast<void>(store::erase_group(*context_.writer, key_));
  reply_empty(exchange.response, 202);
  context_.metrics.count_request(HandlerName::kDelete, exchange.request.method, 202);
  return StepAction::kDone;
}

StepAction WipeState::step(http::Exchange& exchange, Deadline deadline) {
  const store::StepResult step = op_.step(deadline);
  if (step == store::StepResult::kAgain) return StepAction::kAgain;
  if (step == store::StepResult::kParked) return StepAction::kParked;
  reply_empty(exchange.response, 202);
  context_.metrics.count_request(HandlerName::kWipe, exchange.request.method, 202);
  return StepAction::kDone;
}

}  // namespace sluice::net::api
