// The other requests on groups: DELETE of one, wipe of all.
#pragma once

#include "core/model/group_key.h"
#include "core/store/ops.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// What a request with a body keeps until it is answered.
class RequestState : public http::HandlerState {
 public:
  // Called with the complete body until it returns kDone.
  [[nodiscard]] virtual http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) = 0;
};

// DELETE: 202, also for a group that does not exist.
class DeleteState final : public RequestState {
 public:
  DeleteState(WorkerContext& context, model::GroupKey key) : context_(context), key_(std::move(key)) {}
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  WorkerContext& context_;
  model::GroupKey key_;
};

// PUT /api/v1/admin/wipe: 202 when every group that existed before it is gone.
class WipeState final : public RequestState {
 public:
  explicit WipeState(WorkerContext& context) : context_(context) { op_.start(*context_.writer); }
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  WorkerContext& context_;
  store::WipeOp op_;
};

}  // namespace sluice::net::api
