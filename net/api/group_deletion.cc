#include "net/api/group_deletion.h"

#include <utility>

#include "net/api/api_answers.h"
#include "net/api/gateway.h"
#include "net/api/query.h"
#include "net/api/replies.h"

namespace sluice::net::api {

using Acknowledged = wal::LogSet::Acknowledged;
using StepAction = http::Handler::StepAction;

std::expected<GroupDeletionRequest, std::string> GroupDeletionRequest::parse(std::string_view target, int64_t now_ns) {
  const auto fields = parse_query(target);
  if (!fields) return std::unexpected(fields.error());
  GroupDeletionRequest out;
  auto filter = GroupFilter::parse(*fields, now_ns);
  if (!filter) return std::unexpected(std::move(filter.error()));
  out.filter = std::move(*filter);
  if (out.filter.takes_all()) {
    return std::unexpected(
        "A filter is needed: match[], q, failed or older_than. All groups are for /api/v1/admin/wipe.");
  }
  std::optional<uint64_t> count;
  for (const QueryField& field : *fields) {
    if (field.name == "count") count = parse_count(field.value, UINT64_MAX);
  }
  if (!count) return std::unexpected("The parameter count is needed: how many groups may go, as the list said.");
  out.count = *count;
  return out;
}

GroupDeletionState::GroupDeletionState(WorkerContext& context, GroupDeletionRequest request)
    : context_(context), request_(std::move(request)), visitor_([this](const store::GroupView& group) {
        if (request_.filter.takes(group)) ++matched_;
      }) {
  // Before the count, so that what is pushed while it lasts is not deleted.
  op_.start(
      *context_.writer,
      [this](const store::GroupView& group) {
        return group.version.stamp() <= began_stamp_ && request_.filter.takes(group);
      },
      request_.count);
  began_stamp_ = context_.gateway.store().last_stamp();
  walk_.start(*context_.writer, request_.filter.pace());
}

StepAction GroupDeletionState::step(http::Exchange& exchange, Deadline deadline) {
  if (phase_ == Phase::kCount) {
    if (walk_.step(deadline, visitor_) != store::StepResult::kDone) return StepAction::kAgain;
    if (matched_ > request_.count) {
      answer_error(context_, exchange, HandlerName::kApiGroups, 409,
                   std::to_string(matched_) + " groups match now, more than the " + std::to_string(request_.count) +
                       " that may go. Nothing was deleted.");
      return StepAction::kDone;
    }
    phase_ = Phase::kDelete;
  }
  if (phase_ == Phase::kDelete) {
    const store::StepResult step = op_.step(deadline);
    if (step == store::StepResult::kAgain) return StepAction::kAgain;
    if (step == store::StepResult::kParked) return StepAction::kParked;
    phase_ = Phase::kAcknowledge;
  }
  const Acknowledged now = op_.refused() ? Acknowledged::kNever : acknowledged(context_, op_.stamp());
  if (now == Acknowledged::kNotYet) return StepAction::kParked;
  if (now == Acknowledged::kYes) {
    answer_json(context_, exchange, HandlerName::kApiGroups, 200,
                R"({"status":"success","data":{"deleted":)" + std::to_string(op_.groups()) + "}}");
  } else {
    reply_not_durable(exchange.response);
    context_.metrics.count_request(HandlerName::kApiGroups, exchange.request.method, exchange.response.status);
  }
  return StepAction::kDone;
}

}  // namespace sluice::net::api
