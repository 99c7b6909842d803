#include "net/api/group_detail.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "net/api/api_answers.h"
#include "net/api/gateway.h"
#include "net/api/group_filter.h"
#include "net/api/metrics_json.h"
#include "net/api/query.h"
#include "parser/json_write.h"

namespace sluice::net::api {

using StepAction = http::Handler::StepAction;

// A cursor is `<metric>.<family>`.
std::expected<GroupDetailRequest, std::string> GroupDetailRequest::parse(std::string_view id, std::string_view target) {
  const auto number = parse_id(id);
  if (!number) return std::unexpected("An id has 16 hexadecimal digits.");
  GroupDetailRequest out;
  out.id = *number;
  out.limit = limits::kListedMetricsDefault;
  const auto fields = parse_query(target);
  if (!fields) return std::unexpected(fields.error());
  for (const QueryField& field : *fields) {
    if (field.name == "limit") {
      const auto limit = parse_count(field.value, limits::kListedMetricsMax);
      if (!limit || *limit == 0) {
        return std::unexpected("The parameter limit is no number from 1 to " +
                               std::to_string(limits::kListedMetricsMax) + ".");
      }
      out.limit = *limit;
    } else if (field.name == "cursor" && !field.value.empty()) {
      const size_t point = std::min(field.value.find('.'), field.value.size());
      const auto metric = parse_count(std::string_view(field.value).substr(0, point), UINT32_MAX);
      if (!metric || point == field.value.size()) return std::unexpected("The cursor is none of a group.");
      out.metric = *metric;
      out.family = field.value.substr(point + 1);
    } else if (field.name == "family") {
      out.only_family = true;
      if (out.family.empty()) out.family = field.value;
    }
  }
  return out;
}

GroupDetailState::GroupDetailState(WorkerContext& context, GroupDetailRequest request)
    : context_(context), request_(std::move(request)), visitor_([this](const store::GroupView& group) {
        if (group.stable_hash != request_.id) return;
        found_ = {std::string(group.key), group.hash, store::VersionHold(*context_.writer, group.version)};
      }) {
  walk_.start(*context_.writer);
}

StepAction GroupDetailState::step(http::Exchange& exchange, Deadline deadline) {
  if (!found_.version) {
    const store::StepResult step = walk_.step(deadline, visitor_);
    if (!found_.version && step != store::StepResult::kDone) return StepAction::kAgain;
  }
  if (!found_.version) {
    answer_error(context_, exchange, HandlerName::kApiGroup, 404, "There is no group with this id.");
    return StepAction::kDone;
  }
  RejectLog::Detail error;
  RejectLog::Found known = RejectLog::Found::kNo;
  if (is_failed(*found_.version)) {
    known = context_.gateway.rejects().find(found_.hash, found_.version->push_failure_time_ns(), error);
    if (known == RejectLog::Found::kBusy) return StepAction::kParked;
  }
  answer_json(context_, exchange, HandlerName::kApiGroup, 200, {});
  exchange.response.source = std::make_unique<GroupDetailSource>(std::move(request_), std::move(found_),
                                                                 known == RejectLog::Found::kYes ? &error : nullptr);
  return StepAction::kDone;
}

GroupDetailSource::GroupDetailSource(GroupDetailRequest request, FoundGroup group, const RejectLog::Detail* error)
    : request_(std::move(request)), group_(std::move(group)), metrics_left_(request_.limit) {
  const model::Shape& shape = group_.version->shape();
  while (family_ != shape.size() && shape.family(family_).name < request_.family) ++family_;
  write_head(error);
}

void GroupDetailSource::write_head(const RejectLog::Detail* error) {
  const model::Version& version = *group_.version;
  piece_ = R"({"status":"success","data":{"id":")";
  append_id(piece_, request_.id);
  piece_ += "\",\"labels\":";
  append_json_key(piece_, group_.key);
  piece_ += ",\"last_push\":";
  append_json_time(piece_, version.push_time_ns());
  piece_ += ",\"last_failure\":";
  append_json_time(piece_, version.push_failure_time_ns());
  piece_ += is_failed(version) ? ",\"failed\":true" : ",\"failed\":false";
  for (const auto& [name, value] : {std::pair{",\"series\":", version.series()},
                                    {",\"samples\":", version.samples()},
                                    {",\"bytes\":", version.fragment_bytes()},
                                    {",\"family_count\":", uint64_t{version.shape().size()}}}) {
    piece_ += name;
    parser::append_json_uint(piece_, value);
  }
  if (error != nullptr) {
    piece_ += ",\"error\":";
    parser::append_json_string(piece_, error->reason);
    piece_ += ",\"client\":";
    parser::append_json_string(piece_, error->client);
    piece_ += ",\"content_type\":";
    parser::append_json_string(piece_, error->content_type);
  }
  piece_ += ",\"families\":[";
}

http::BodySource::State GroupDetailSource::produce(http::OutBuffer& out, Deadline deadline) {
  while (out.free_bytes() != 0) {
    if (piece_at_ != piece_.size()) {
      piece_at_ += out.put(std::string_view(piece_).substr(piece_at_));
    } else if (phase_ == Phase::kDone) {
      return State::kDone;
    } else {
      piece_.clear();
      piece_at_ = 0;
      if (phase_ == Phase::kFamily) {
        begin_family();
      } else if (fragment_.step(piece_)) {
        piece_ += '}';
        phase_ = Phase::kFamily;
        if (next_metric_ != 0) end(true);
      }
    }
    if (deadline.passed()) break;
  }
  return State::kMore;
}

void GroupDetailSource::begin_family() {
  const model::Shape& shape = group_.version->shape();
  if (family_ == shape.size()) return end(false);
  const model::ShapeFamily& family = shape.family(family_);
  if (request_.only_family && family.name != request_.family) return end(false);
  if (metrics_left_ == 0) return end(true);
  const model::Fragment fragment = group_.version->fragment(family_);
  const uint64_t series = fragment.header().series;
  const uint64_t from = first_ && family.name == request_.family ? std::min(request_.metric, series) : 0;
  const uint64_t shown = std::min(series - from, metrics_left_);
  if (!first_) piece_ += ',';
  first_ = false;
  piece_ += "{\"name\":";
  parser::append_json_string(piece_, family.name);
  piece_ += ",\"series\":";
  parser::append_json_uint(piece_, series);
  piece_ += ",\"first\":";
  parser::append_json_uint(piece_, from);
  piece_ += ',';
  append_family_fields(piece_, fragment.header().push_time_ns, family.type,
                       family.has_help ? family.help : std::string_view());
  fragment_.begin(family.name, family.type, fragment, {.first = from, .count = shown});
  metrics_left_ -= shown;
  next_metric_ = from + shown == series ? 0 : from + shown;
  if (next_metric_ == 0) ++family_;
  phase_ = Phase::kMetrics;
}

void GroupDetailSource::end(bool more) {
  piece_ += "],\"next\":";
  if (more) {
    const std::string cursor =
        std::to_string(next_metric_) + "." + std::string(group_.version->shape().family(family_).name);
    parser::append_json_string(piece_, cursor);
  } else {
    piece_ += "null";
  }
  piece_ += "}}";
  phase_ = Phase::kDone;
}

}  // namespace sluice::net::api
