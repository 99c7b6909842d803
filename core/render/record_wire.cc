#include "core/render/record_wire.h"

#include <algorithm>

#include "core/render/wire.h"

namespace sluice::render {

namespace {

constexpr uint32_t kMetricField = 4;
constexpr uint32_t kLabelField = 1;

// Takes the field of the wire type `bytes` at the front of `message`; false when there is another or none.
bool take_bytes(std::string_view& message, uint32_t field, std::string_view& content) noexcept {
  const char* at = message.data();
  const char* const end = at + message.size();
  uint64_t number = 0;
  if (at == end || static_cast<unsigned char>(*at) != bytes_field(field)) return false;
  ++at;
  if (read_varint(at, end, number) != VarintResult::kDone || number > static_cast<size_t>(end - at)) return false;
  content = {at, static_cast<size_t>(number)};
  message.remove_prefix(static_cast<size_t>(at - message.data()) + content.size());
  return true;
}

}  // namespace

void RecordWire::begin_family(std::string_view, model::MetricType, NameEscaping escaping) { escaping_ = escaping; }

void RecordWire::start(std::string_view source, bool has_quoted_names) {
  rest_ = source;
  rewrite_ = has_quoted_names && escaping_ != NameEscaping::kNone;
  phase_ = Phase::kNext;
}

bool RecordWire::take_label(std::string_view& message, Label& label) {
  std::string_view pair;
  if (!take_bytes(message, kLabelField, pair)) return false;
  return take_bytes(pair, 1, label.name) && take_bytes(pair, 2, label.value);
}

std::string_view RecordWire::escaped(std::string_view name) {
  if (is_legacy_name(name)) return name;
  name_.clear();
  append_escaped_name(name, escaping_, name_);
  return name_;
}

bool RecordWire::next_metric(uint32_t& work) {
  if (phase_ == Phase::kNext) {
    if (!take_bytes(rest_, kMetricField, metric_)) return false;
    ++work;
    metric_bytes_ = rewrite_ ? 0 : metric_.size();
    labels_rest_ = metric_;
    phase_ = Phase::kMeasureLabels;
  }
  Label label;
  while (rewrite_) {
    if (work >= kWorkPerCheck) return false;
    if (!take_label(labels_rest_, label)) {
      metric_bytes_ += labels_rest_.size();
      break;
    }
    metric_bytes_ += delimited_bytes(label_pair_bytes(escaped(label.name).size(), label.value.size()));
    work += static_cast<uint32_t>(1 + label.name.size() / 64);
  }
  phase_ = Phase::kMetric;
  return true;
}

bool RecordWire::measure(uint64_t& bytes, uint32_t& work) {
  while (work < kWorkPerCheck) {
    if (!next_metric(work)) return phase_ == Phase::kNext;
    bytes += delimited_bytes(metric_bytes_);
    phase_ = Phase::kNext;
  }
  return false;
}

bool RecordWire::write(std::string& stage, uint32_t& work) {
  while (stage.size() < kStageBytes && work < kWorkPerCheck) {
    switch (phase_) {
      case Phase::kNext:
      case Phase::kMeasureLabels:
        if (!next_metric(work)) return phase_ == Phase::kNext;
        break;
      case Phase::kMetric:
        append_header(stage, kMetricField, metric_bytes_);
        copy_rest_ = rewrite_ ? std::string_view() : metric_;
        behind_value_ = rewrite_ ? metric_ : std::string_view();
        phase_ = rewrite_ ? Phase::kLabel : Phase::kCopy;
        break;
      case Phase::kLabel:
        write_label(stage, work);
        break;
      case Phase::kCopy:
        copy(stage, work);
        break;
    }
  }
  return false;
}

// Everything but the value, which is copied next; behind the last label the rest of the metric is.
void RecordWire::write_label(std::string& stage, uint32_t& work) {
  Label label;
  phase_ = Phase::kCopy;
  if (!take_label(behind_value_, label)) {
    copy_rest_ = behind_value_;
    behind_value_ = {};
    return;
  }
  const std::string_view name = escaped(label.name);
  append_label_head(stage, kLabelField, name, label.value.size());
  copy_rest_ = label.value;
  work += static_cast<uint32_t>(1 + name.size() / 64);
}

void RecordWire::copy(std::string& stage, uint32_t& work) {
  const size_t bytes = std::min(copy_rest_.size(), kPieceBytes);
  stage += copy_rest_.substr(0, bytes);
  copy_rest_.remove_prefix(bytes);
  work += static_cast<uint32_t>(1 + bytes / 512);
  if (copy_rest_.empty()) phase_ = behind_value_.empty() ? Phase::kNext : Phase::kLabel;
}

}  // namespace sluice::render
