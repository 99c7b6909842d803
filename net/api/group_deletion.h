// DELETE /api/v1/groups: every group that a filter takes, with --web.enable-admin-api only.
//
// Two walks. The first counts, and nothing is deleted when more groups match than `count` allows: the number that the
// caller was shown. The second deletes what matches then and was not pushed since the first began, failed pushes
// included, so only groups that were counted, and never more than `count`; each by a mutation of its own, as a wipe
// does.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/group_walk.h"
#include "core/store/ops.h"
#include "net/api/group_filter.h"
#include "net/api/group_requests.h"

namespace sluice::net::api {

struct GroupDeletionRequest {
  GroupFilter filter;
  uint64_t count = 0;

  // The error is the sentence of a 400. Without any filter there is wipe.
  [[nodiscard]] static std::expected<GroupDeletionRequest, std::string> parse(std::string_view target, int64_t now_ns);
};

class GroupDeletionState final : public RequestState {
 public:
  GroupDeletionState(WorkerContext& context, GroupDeletionRequest request);
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  enum class Phase : uint8_t { kCount, kDelete, kAcknowledge };

  WorkerContext& context_;
  GroupDeletionRequest request_;
  store::GroupWalk walk_;
  store::GroupWalk::Visitor visitor_;
  store::WipeOp op_;
  Phase phase_ = Phase::kCount;
  uint64_t matched_ = 0;
  uint64_t began_stamp_ = 0;  // newer versions stay
};

}  // namespace sluice::net::api
