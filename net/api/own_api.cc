#include "net/api/own_api.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "net/api/api_answers.h"
#include "net/api/gateway.h"
#include "net/api/group_deletion.h"
#include "net/api/group_detail.h"
#include "net/api/group_list.h"
#include "net/api/job_list.h"
#include "net/api/openapi.h"
#include "net/api/stats_json.h"

namespace sluice::net::api {
namespace {

using StepAction = http::Handler::StepAction;

// GET /api/v1/errors: until no other worker is at the log.
class ErrorsState final : public RequestState {
 public:
  explicit ErrorsState(WorkerContext& context) : context_(context) {}
  [[nodiscard]] StepAction step(http::Exchange& exchange, Deadline) override {
    std::vector<RejectLog::Recent> rejects;
    if (!context_.gateway.rejects().recent(rejects)) return StepAction::kParked;
    answer_json(context_, exchange, HandlerName::kApiErrors, 200, errors_json(rejects));
    return StepAction::kDone;
  }

 private:
  WorkerContext& context_;
};

template <typename State, typename Request>
std::unique_ptr<RequestState> begin(WorkerContext& context, http::Exchange& exchange, HandlerName handler,
                                    Request request) {
  if (request) return std::make_unique<State>(context, std::move(*request));
  answer_error(context, exchange, handler, 400, request.error());
  return nullptr;
}

}  // namespace

std::unique_ptr<RequestState> begin_own_api(WorkerContext& context, http::Exchange& exchange, const Route& route) {
  const std::string_view target = exchange.request.target;
  switch (route.endpoint) {
    case Endpoint::kApiGroups:
      return begin<GroupListState>(context, exchange, HandlerName::kApiGroups,
                                   GroupListRequest::parse(target, wall_ns()));
    case Endpoint::kApiGroupsDelete:
      if (is_cross_site(context, exchange.request)) {
        answer_error(context, exchange, HandlerName::kApiGroups, 403, "Another site's page may not change anything.");
        return nullptr;
      }
      return begin<GroupDeletionState>(context, exchange, HandlerName::kApiGroups,
                                       GroupDeletionRequest::parse(target, wall_ns()));
    case Endpoint::kApiGroup:
      return begin<GroupDetailState>(context, exchange, HandlerName::kApiGroup,
                                     GroupDetailRequest::parse(route.key_path(target), target));
    case Endpoint::kApiJobs:
      return begin<JobListState>(context, exchange, HandlerName::kApiJobs, JobListRequest::parse(target));
    case Endpoint::kApiErrors:
      return std::make_unique<ErrorsState>(context);
    case Endpoint::kApiStats:
      answer_json(context, exchange, HandlerName::kApiStats, 200, stats_json(context.gateway));
      return nullptr;
    default:
      answer_json(context, exchange, HandlerName::kApiOpenApi, 200, std::string(embedded_file("openapi.json")));
      return nullptr;
  }
}

}  // namespace sluice::net::api
