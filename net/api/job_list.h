// GET /api/v1/jobs: totals of the groups of each job, by name.
//
// One walk of all groups for each page, which keeps the first `limit` jobs behind the cursor and their sums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/group_walk.h"
#include "net/api/group_requests.h"

namespace sluice::net::api {

struct JobListRequest {
  size_t limit = 0;
  std::optional<std::string> after;  // a name

  // The error is the sentence of a 400. A cursor is an `a` and the name of the last job.
  [[nodiscard]] static std::expected<JobListRequest, std::string> parse(std::string_view target);
};

class JobListState final : public RequestState {
 public:
  JobListState(WorkerContext& context, JobListRequest request);
  [[nodiscard]] http::Handler::StepAction step(http::Exchange& exchange, Deadline deadline) override;

 private:
  struct Totals {
    uint64_t groups = 0, failed = 0, series = 0, samples = 0, bytes = 0;
    int64_t last_push_ns = 0, last_failure_ns = 0, oldest_push_ns = INT64_MAX;
  };
  using Jobs = std::map<std::string, Totals, std::less<>>;

  void visit(const store::GroupView& group);
  void write(const Jobs::value_type& job);

  WorkerContext& context_;
  JobListRequest request_;
  store::GroupWalk walk_;
  store::GroupWalk::Visitor visitor_;
  bool walked_ = false;
  Jobs jobs_;
  size_t name_bytes_ = 0;
  std::optional<std::string> bound_;  // the first that had to leave: nothing from here on belongs to the page
  Jobs::const_iterator written_;
  std::string body_;
};

}  // namespace sluice::net::api
