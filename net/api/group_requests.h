// The other requests on groups: DELETE of one, wipe of all.
#pragma once

#include <cstdint>
#include <optional>

#include "core/model/group_key.h"
#include "core/store/ops.h"
#include "core/wal/log.h"
#include "net/api/worker_context.h"
#include "net/http/exchange.h"

namespace sluice::net::api {

// What a request with a body keeps until it is answered.
class RequestState : public http::HandlerState {
 public:
  // Called with the complete body until it returns kDone.
  [[nodiscard]] virtual http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) = 0;
};

// Whether an answer may leave that depends on the change with `stamp`, or on having seen it: the log has it. kNever: it
// cannot be made durable, and the answer is 503.
[[nodiscard]] wal::LogSet::Acknowledged acknowledged(const WorkerContext& context, uint64_t stamp) noexcept;

// DELETE: 202, also for a group that does not exist.
class DeleteState final : public RequestState {
 public:
  DeleteState(WorkerContext& context, model::GroupKey key) : context_(context), key_(std::move(key)) {}
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  [[nodiscard]] http::Handler::StepAction finish(http::Exchange& exchange, wal::LogSet::Acknowledged how);

  WorkerContext& context_;
  model::GroupKey key_;
  std::optional<uint64_t> stamp_;  // it is done, and waits for the log
};

// PUT /api/v1/admin/wipe: 202 when every group that existed before it is gone.
class WipeState final : public RequestState {
 public:
  explicit WipeState(WorkerContext& context) : context_(context) { op_.start(*context_.writer); }
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  WorkerContext& context_;
  store::WipeOp op_;
  bool done_ = false;  // and waits for the log
};

}  // namespace sluice::net::api
