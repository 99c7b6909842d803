#include "net/api/group_requests.h"

#include "net/api/replies.h"

namespace sluice::net::api {

using StepAction = http::Handler::StepAction;

StepAction DeleteState::step(http::Exchange& exchange, Deadline) {
  switch (store::erase_group(*context_.writer, key_).status) {
    case store::EraseResult::Status::kParked:
      return StepAction::kParked;
    case store::EraseResult::Status::kRefused:
      reply_not_durable(exchange.response);
      break;
    case store::EraseResult::Status::kDone:
      reply_empty(exchange.response, 202);
      break;
  }
  context_.metrics.count_request(HandlerName::kDelete, exchange.request.method, exchange.response.status);
  return StepAction::kDone;
}

StepAction WipeState::step(http::Exchange& exchange, Deadline deadline) {
  const store::StepResult step = op_.step(deadline);
  if (step == store::StepResult::kAgain) return StepAction::kAgain;
  if (step == store::StepResult::kParked) return StepAction::kParked;
  if (op_.refused()) {
    reply_not_durable(exchange.response);
  } else {
    reply_empty(exchange.response, 202);
  }
  context_.metrics.count_request(HandlerName::kWipe, exchange.request.method, exchange.response.status);
  return StepAction::kDone;
}

}  // namespace sluice::net::api
