#include "net/api/metrics_json.h"

#include <algorithm>
#include <array>

#include "core/base/rfc3339.h"
#include "core/render/own_family.h"
#include "parser/json_write.h"

namespace sluice::net::api {

namespace {

constexpr std::array<std::string_view, 4> kExtraKeys = {"labels", "last_push_successful", render::kPushFailureTimeName,
                                                        render::kPushTimeName};
// A piece that one huge metric has made larger than this gives its memory back.
constexpr size_t kPieceBytesKept = 256 * 1024;

std::string_view type_text(model::MetricType type) noexcept {
  switch (type) {
    case model::MetricType::kCounter:
      return "COUNTER";
    case model::MetricType::kGauge:
      return "GAUGE";
    case model::MetricType::kSummary:
      return "SUMMARY";
    case model::MetricType::kHistogram:
      return "HISTOGRAM";
    case model::MetricType::kGaugeHistogram:
      return "GAUGE_HISTOGRAM";
    case model::MetricType::kUntyped:
      break;
  }
  return "UNTYPED";
}

double seconds_of(int64_t time_ns) noexcept { return static_cast<double>(time_ns) / 1e9; }

void append_family_head(std::string& out, int64_t stamp_ns, model::MetricType type, std::string_view help) {
  out += '{';
  append_family_fields(out, stamp_ns, type, help);
}

}  // namespace

void append_family_fields(std::string& out, int64_t stamp_ns, model::MetricType type, std::string_view help) {
  out += "\"time_stamp\":\"";
  append_rfc3339(out, stamp_ns);
  out += "\",\"type\":\"";
  out += type_text(type);
  out += '"';
  if (!help.empty()) {
    out += ",\"help\":";
    parser::append_json_string(out, help);
  }
  out += ",\"metrics\":";
}

http::BodySource::State MetricsJsonSource::produce(http::OutBuffer& out, Deadline deadline) {
  while (out.free_bytes() != 0) {
    if (piece_at_ != piece_.size()) {
      piece_at_ += out.put(std::string_view(piece_).substr(piece_at_));
    } else if (phase_ == Phase::kDone) {
      return State::kDone;
    } else {
      piece_.clear();
      piece_at_ = 0;
      if (piece_.capacity() > kPieceBytesKept) piece_.shrink_to_fit();
      if (!step(deadline)) return State::kMore;
    }
    if (deadline.passed()) break;
  }
  return State::kMore;
}

bool MetricsJsonSource::step(Deadline deadline) {
  switch (phase_) {
    case Phase::kSnapshot:
      if (request_.step(deadline) != store::StepResult::kDone) return false;
      snapshot_ = request_.take();
      phase_ = Phase::kOpen;
      break;
    case Phase::kOpen:
      piece_ += R"({"status":"success","data":[)";
      phase_ = Phase::kGroup;
      break;
    case Phase::kGroup:
      next_group();
      break;
    case Phase::kEntry:
      next_entry();
      break;
    case Phase::kMetrics:
      if (!fragment_.step(piece_)) break;
      piece_ += '}';
      phase_ = Phase::kEntry;
      break;
    case Phase::kClose:
      piece_ += "]}";
      phase_ = Phase::kDone;
      snapshot_.release();
      break;
    case Phase::kDone:
      break;
  }
  return true;
}

void MetricsJsonSource::next_group() {
  const auto buckets = snapshot_->buckets();
  while (bucket_ != buckets.size() && chunk_ == buckets[bucket_].chunks.size()) {
    ++bucket_;
    chunk_ = 0;
  }
  if (bucket_ == buckets.size()) {
    phase_ = Phase::kClose;
    return;
  }
  const store::Snapshot::Chunk& chunk = buckets[bucket_].chunks[chunk_];
  version_ = chunk[index_];
  if (++index_ == chunk.size()) {
    index_ = 0;
    ++chunk_;
  }
  piece_ += first_group_ ? "{" : ",{";
  first_group_ = false;
  first_entry_ = true;
  family_ = 0;
  extra_ = Extra::kLabels;
  phase_ = Phase::kEntry;
}

// The smaller key of the next family and the next of the others.
void MetricsJsonSource::next_entry() {
  const model::Shape& shape = version_->shape();
  const bool family_left = family_ != shape.size();
  if (extra_ == Extra::kNone) {
    if (family_left) return begin_family(family_++);
    piece_ += '}';
    phase_ = Phase::kGroup;
    return;
  }
  const int order = family_left ? shape.family(family_).name.compare(kExtraKeys[static_cast<size_t>(extra_)]) : 1;
  if (order < 0) return begin_family(family_++);
  const Extra extra = extra_;
  extra_ = static_cast<Extra>(static_cast<uint8_t>(extra) + 1);
  // A family with the same key takes its place.
  if (order != 0) write_extra(extra);
}

void MetricsJsonSource::begin_value(std::string_view key) {
  if (!first_entry_) piece_ += ',';
  first_entry_ = false;
  parser::append_json_string(piece_, key);
  piece_ += ':';
}

void MetricsJsonSource::begin_family(uint32_t family) {
  const model::ShapeFamily& shape = version_->shape().family(family);
  const model::Fragment fragment = version_->fragment(family);
  begin_value(shape.name);
  append_family_head(piece_, fragment.header().push_time_ns, shape.type,
                     shape.has_help ? shape.help : std::string_view());
  fragment_.begin(shape.name, shape.type, fragment);
  phase_ = Phase::kMetrics;
}

void MetricsJsonSource::write_extra(Extra extra) {
  const int64_t success_ns = version_->push_time_ns();
  const int64_t failure_ns = version_->push_failure_time_ns();
  switch (extra) {
    case Extra::kLabels:
      begin_value(kExtraKeys[0]);
      parser::append_json_labels(piece_, version_->label_text(), true);
      break;
    case Extra::kLastPush:
      begin_value(kExtraKeys[1]);
      piece_ += seconds_of(failure_ns) <= seconds_of(success_ns) ? "true" : "false";
      break;
    case Extra::kFailureTime:
      write_time(render::kPushFailureTimeName, render::kPushFailureTimeHelp, failure_ns);
      break;
    case Extra::kPushTime:
      write_time(render::kPushTimeName, render::kPushTimeHelp, success_ns);
      break;
    case Extra::kNone:
      break;
  }
}

void MetricsJsonSource::write_time(std::string_view name, std::string_view help, int64_t time_ns) {
  begin_value(name);
  // A time that never was carries the stamp of the push that made the group.
  append_family_head(piece_, time_ns != 0 ? time_ns : version_->made_time_ns(), model::MetricType::kGauge, help);
  piece_ += "[{\"labels\":";
  parser::append_json_labels(piece_, version_->label_text());
  piece_ += ",\"value\":\"";
  parser::append_json_float(piece_, seconds_of(time_ns));
  piece_ += "\"}]}";
}

}  // namespace sluice::net::api
