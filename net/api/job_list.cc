#include "net/api/job_list.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "net/api/api_answers.h"
#include "net/api/group_filter.h"
#include "net/api/query.h"
#include "parser/json_write.h"

namespace sluice::net::api {

using StepAction = http::Handler::StepAction;

std::expected<JobListRequest, std::string> JobListRequest::parse(std::string_view target) {
  const auto fields = parse_query(target);
  if (!fields) return std::unexpected(fields.error());
  JobListRequest out;
  out.limit = limits::kListedMax;
  for (const QueryField& field : *fields) {
    if (field.name == "limit") {
      const auto limit = parse_count(field.value, limits::kListedMax);
      if (!limit || *limit == 0) {
        return std::unexpected("The parameter limit is no number from 1 to " + std::to_string(limits::kListedMax) +
                               ".");
      }
      out.limit = *limit;
    } else if (field.name == "cursor" && !field.value.empty()) {
      if (field.value.front() != 'a') return std::unexpected("The cursor is none of a list of jobs.");
      out.after = field.value.substr(1);
    }
  }
  return out;
}

JobListState::JobListState(WorkerContext& context, JobListRequest request)
    : context_(context),
      request_(std::move(request)),
      visitor_([this](const store::GroupView& group) { visit(group); }) {
  walk_.start(*context_.writer);
}

void JobListState::visit(const store::GroupView& group) {
  std::string_view job;
  for_each_label(group.key, [&job](std::string_view name, std::string_view value) {
    if (name == "job") job = value;
  });
  if ((request_.after && job <= *request_.after) || (bound_ && job >= *bound_)) return;
  auto found = jobs_.find(job);
  if (found == jobs_.end()) {
    found = jobs_.emplace(std::string(job), Totals()).first;
    name_bytes_ += job.size();
  }
  Totals& totals = found->second;
  const model::Version& version = group.version;
  ++totals.groups;
  totals.failed += is_failed(version) ? 1 : 0;
  totals.series += version.series();
  totals.samples += version.samples();
  totals.bytes += version.fragment_bytes();
  totals.last_push_ns = std::max(totals.last_push_ns, version.push_time_ns());
  totals.last_failure_ns = std::max(totals.last_failure_ns, version.push_failure_time_ns());
  if (version.push_time_ns() != 0) totals.oldest_push_ns = std::min(totals.oldest_push_ns, version.push_time_ns());
  while (jobs_.size() > request_.limit || (name_bytes_ > limits::kListedKeyBytesMax && jobs_.size() > 1)) {
    const auto last = std::prev(jobs_.end());
    name_bytes_ -= last->first.size();
    bound_ = last->first;
    jobs_.erase(last);
  }
}

StepAction JobListState::step(http::Exchange& exchange, Deadline deadline) {
  if (!walked_) {
    if (walk_.step(deadline, visitor_) != store::StepResult::kDone) return StepAction::kAgain;
    walked_ = true;
    written_ = jobs_.begin();
    body_ = R"({"status":"success","data":{"jobs":[)";
  }
  while (written_ != jobs_.end()) {
    if (written_ != jobs_.begin()) body_ += ',';
    write(*written_);
    ++written_;
    if (deadline.passed()) return StepAction::kAgain;
  }
  body_ += "],\"next\":";
  if (bound_ && !jobs_.empty()) {
    parser::append_json_string(body_, "a" + jobs_.rbegin()->first);
  } else {
    body_ += "null";
  }
  body_ += "}}";
  answer_json(context_, exchange, HandlerName::kApiJobs, 200, std::move(body_));
  return StepAction::kDone;
}

void JobListState::write(const Jobs::value_type& job) {
  const Totals& totals = job.second;
  body_ += "{\"job\":";
  parser::append_json_string(body_, job.first);
  for (const auto& [name, value] : {std::pair{",\"groups\":", totals.groups},
                                    {",\"failed\":", totals.failed},
                                    {",\"series\":", totals.series},
                                    {",\"samples\":", totals.samples},
                                    {",\"bytes\":", totals.bytes}}) {
    body_ += name;
    parser::append_json_uint(body_, value);
  }
  body_ += ",\"last_push\":";
  append_json_time(body_, totals.last_push_ns);
  body_ += ",\"oldest_push\":";
  append_json_time(body_, totals.oldest_push_ns == INT64_MAX ? 0 : totals.oldest_push_ns);
  body_ += ",\"last_failure\":";
  append_json_time(body_, totals.last_failure_ns);
  body_ += '}';
}

}  // namespace sluice::net::api
