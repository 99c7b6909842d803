#include "net/api/group_requests.h"

#include "net/api/durability.h"
#include "net/api/replies.h"

namespace sluice::net::api {

using Acknowledged = wal::LogSet::Acknowledged;
using StepAction = http::Handler::StepAction;

Acknowledged acknowledged(const WorkerContext& context, uint64_t stamp) noexcept {
  return context.durability == nullptr ? Acknowledged::kYes : context.durability->acknowledged(stamp);
}

StepAction DeleteState::step(http::Exchange& exchange, Deadline) {
  if (!stamp_) {
    const store::EraseResult result = store::erase_group(*context_.writer, key_);
    if (result.status == store::EraseResult::Status::kParked) return StepAction::kParked;
    if (result.status == store::EraseResult::Status::kRefused) return finish(exchange, Acknowledged::kNever);
    stamp_ = result.stamp;
  }
  const Acknowledged now = acknowledged(context_, *stamp_);
  return now == Acknowledged::kNotYet ? StepAction::kParked : finish(exchange, now);
}

StepAction DeleteState::finish(http::Exchange& exchange, Acknowledged how) {
  if (how == Acknowledged::kYes) {
    reply_empty(exchange.response, 202);
  } else {
    reply_not_durable(exchange.response);
  }
  context_.metrics.count_request(HandlerName::kDelete, exchange.request.method, exchange.response.status);
  return StepAction::kDone;
}

StepAction WipeState::step(http::Exchange& exchange, Deadline deadline) {
  if (!done_) {
    const store::StepResult step = op_.step(deadline);
    if (step == store::StepResult::kAgain) return StepAction::kAgain;
    if (step == store::StepResult::kParked) return StepAction::kParked;
    done_ = true;
  }
  const Acknowledged now = op_.refused() ? Acknowledged::kNever : acknowledged(context_, op_.stamp());
  if (now == Acknowledged::kNotYet) return StepAction::kParked;
  if (now == Acknowledged::kYes) {
    reply_empty(exchange.response, 202);
  } else {
    reply_not_durable(exchange.response);
  }
  context_.metrics.count_request(HandlerName::kWipe, exchange.request.method, exchange.response.status);
  return StepAction::kDone;
}

}  // namespace sluice::net::api
