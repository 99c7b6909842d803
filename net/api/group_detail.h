// GET /api/v1/groups/{id}: one group with its families and their metrics, as the JSON API shows those; paged by
// metrics.
//
// The group is looked for by a walk of all groups (ids are no keys of a table), and the version that was found is held
// until the answer is complete. Ids are hashes that anybody can compute: of two groups with the same one either is
// shown. The body is made while it is being sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/group_walk.h"
#include "net/api/group_requests.h"
#include "net/api/reject_log.h"
#include "parser/fragment_json.h"

namespace sluice::net::api {

struct GroupDetailRequest {
  uint64_t id = 0;
  size_t limit = 0;     // metrics
  std::string family;   // the first one that is shown
  uint64_t metric = 0;  // and the first of its metrics
  bool only_family = false;

  // The error is the sentence of a 400; `id` is what the path says.
  [[nodiscard]] static std::expected<GroupDetailRequest, std::string> parse(std::string_view id,
                                                                            std::string_view target);
};

// What was found, kept while the body is made of it.
struct FoundGroup {
  std::string key;
  uint64_t hash = 0;
  store::VersionHold version;
};

class GroupDetailState final : public RequestState {
 public:
  GroupDetailState(WorkerContext& context, GroupDetailRequest request);
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  WorkerContext& context_;
  GroupDetailRequest request_;
  store::GroupWalk walk_;
  store::GroupWalk::Visitor visitor_;
  FoundGroup found_;
};

class GroupDetailSource final : public http::BodySource {
 public:
  GroupDetailSource(GroupDetailRequest request, FoundGroup group, const RejectLog::Detail* error);
  [[nodiscard]] State produce(http::OutBuffer& out, Deadline deadline) override;

 private:
  enum class Phase : uint8_t { kFamily, kMetrics, kDone };

  void write_head(const RejectLog::Detail* error);
  void begin_family();
  void end(bool more);

  GroupDetailRequest request_;
  FoundGroup group_;
  Phase phase_ = Phase::kFamily;
  size_t family_ = 0;
  uint64_t metrics_left_;
  uint64_t next_metric_ = 0;  // of the family, behind those that this page shows; 0: all were shown
  bool first_ = true;
  parser::FragmentJson fragment_;
  std::string piece_;  // written, not yet handed out
  size_t piece_at_ = 0;
};

}  // namespace sluice::net::api
