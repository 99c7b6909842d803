#include "parser/fragment_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/check.h"
#include "core/base/protobuf_wire.h"
#include "parser/canonical_escape.h"
#include "parser/json_write.h"

namespace sluice::parser {

namespace {

// Of one step: lines, fields or points, and bytes of output.
constexpr int kItemsPerStep = 32;
constexpr size_t kBytesPerStep = 4 * 1024;
constexpr uint32_t kMovesPerStep = 128;

// One sample line: `name{labels} value` or `{"name",labels} value`.
struct Line {
  std::string_view name;    // without quotes, escaped as in the text
  std::string_view labels;  // between the braces, behind the name
  std::string_view value;
};

// The first line of `text`, removed from it.
Line take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view whole = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  Line line;
  const size_t blank = whole.rfind(' ');
  SLUICE_CHECK(blank != std::string_view::npos && blank > 1);
  line.value = whole.substr(blank + 1);
  const std::string_view series = whole.substr(0, blank - 1);  // without the closing brace
  if (series.front() != '{') {
    const size_t brace = series.find('{');
    line.name = series.substr(0, brace);
    line.labels = series.substr(brace + 1);
    return line;
  }
  size_t at = 2;
  while (series[at] != '"') at += series[at] == '\\' ? 2 : 1;
  line.name = series.substr(2, at - 2);
  line.labels = series.substr(std::min(at + 2, series.size()));
  return line;
}

// Bytes of a name in the text, without its quotes.
size_t escaped_bytes(std::string_view name) {
  size_t bytes = name.size();
  if (is_unquoted_name(name)) return bytes;
  for (const char c : name) bytes += c == '\\' || c == '"' || c == '\n' ? 1 : 0;
  return bytes;
}

// A count of the text form, which is an integer below 2^53 there; what is none is left as it is.
void append_count(std::string& out, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr double kExact = 9'007'199'254'740'992;
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > kExact ||
      value != std::floor(value)) {
    out += text;
    return;
  }
  append_json_uint(out, static_cast<uint64_t>(value));
}

}  // namespace

void FragmentJson::begin(std::string_view name, model::MetricType type, model::Fragment fragment, Part part) {
  type_ = type;
  from_record_ = fragment.header().record_bytes != 0;
  rest_ = from_record_ ? fragment.record() : fragment.text();
  name_bytes_ = escaped_bytes(name);
  phase_ = Phase::kOpen;
  first_ = true;
  to_skip_ = part.first;
  to_show_ = part.count;
}

bool FragmentJson::step(std::string& out) {
  switch (phase_) {
    case Phase::kOpen:
      out += '[';
      phase_ = Phase::kSkip;
      break;
    case Phase::kSkip:
      skip_some();
      break;
    case Phase::kMetric:
      next_metric(out);
      break;
    case Phase::kText:
      read_text_points();
      break;
    case Phase::kRecord:
      read_record(out);
      break;
    case Phase::kSort:
      if (sort_.step(kMovesPerStep,
                     [this](uint32_t a, uint32_t b) { return key_of(points_[a]) < key_of(points_[b]); })) {
        phase_ = Phase::kPoints;
      }
      break;
    case Phase::kPoints:
      write_points(out);
      break;
    case Phase::kNative:
      if (opens_native_) out += first_ ? "{\"buckets\":[" : ",{\"buckets\":[";
      opens_native_ = false;
      first_ = false;
      if (native_.step(out)) {
        out += ']';
        write_rest(out);
      }
      break;
    case Phase::kClose:
      out += ']';
      return true;
  }
  return false;
}

void FragmentJson::skip_some() {
  for (int i = 0; i < kItemsPerStep && to_skip_ != 0 && !rest_.empty(); ++i) {
    if (from_record_) {
      std::string_view message;
      to_skip_ = take_message(message) ? to_skip_ - 1 : 0;
      continue;
    }
    // Of the lines of a metric with points the count is the last.
    const Line line = take_line(rest_);
    const bool several = has_points() || type_ == model::MetricType::kGaugeHistogram;
    if (!several || line.name.substr(std::min(name_bytes_, line.name.size())).starts_with("_count")) --to_skip_;
  }
  if (to_skip_ == 0 || rest_.empty()) phase_ = Phase::kMetric;
}

// The next metric of a record; false at its end.
bool FragmentJson::take_message(std::string_view& message) {
  WireFields fields(rest_);
  if (!fields.next() || fields.tag() != bytes_field(4)) {
    rest_ = {};
    return false;
  }
  message = fields.bytes();
  rest_.remove_prefix(static_cast<size_t>(message.data() + message.size() - rest_.data()));
  return true;
}

// Writes metrics without points, or begins the next one.
void FragmentJson::next_metric(std::string& out) {
  const size_t limit = out.size() + kBytesPerStep;
  for (int i = 0; i < kItemsPerStep && out.size() < limit; ++i) {
    if (rest_.empty() || to_show_ == 0) {
      phase_ = Phase::kClose;
      return;
    }
    if (from_record_) {
      std::string_view message;
      if (!take_message(message)) continue;
      --to_show_;
      record_.begin(message, type_ == model::MetricType::kSummary, native_);
      begin_points();
      phase_ = Phase::kRecord;
      return;
    }
    --to_show_;
    if (has_points()) {
      begin_points();
      phase_ = Phase::kText;
      return;
    }
    write_simple_line(out);
  }
}

void FragmentJson::write_simple_line(std::string& out) {
  if (type_ == model::MetricType::kGaugeHistogram) {
    // Several lines to a metric, of which the reference shows nothing.
    Line line;
    do {
      line = take_line(rest_);
    } while (!rest_.empty() && !line.name.substr(name_bytes_).starts_with("_count"));
    begin_object(out);
    append_json_labels(out, line.labels);
    out += ",\"value\":\"0\"}";
    return;
  }
  const Line line = take_line(rest_);
  begin_object(out);
  append_json_labels(out, line.labels);
  out += ",\"value\":\"";
  out += line.value;
  out += "\"}";
}

void FragmentJson::begin_object(std::string& out) {
  out += first_ ? "{\"labels\":" : ",{\"labels\":";
  first_ = false;
}

void FragmentJson::begin_points() {
  point_text_.clear();
  points_.clear();
  sum_.clear();
  count_.clear();
}

void FragmentJson::read_text_points() {
  for (int i = 0; i < kItemsPerStep && !rest_.empty(); ++i) {
    const Line line = take_line(rest_);
    const std::string_view kind = line.name.substr(std::min(name_bytes_, line.name.size()));
    if (kind == "_sum") {
      labels_ = line.labels;
      sum_ = line.value;
      continue;
    }
    if (kind == "_count") {
      append_count(count_, line.value);
      end_points();
      return;
    }
    // `labels,le="bound"`: a bound has neither quotes nor escapes.
    const size_t quote = line.labels.rfind('"', line.labels.size() - 2);
    const std::string_view bound = line.labels.substr(quote + 1, line.labels.size() - quote - 2);
    const size_t at = point_text_.size();
    point_text_ += bound;
    if (is_summary()) {
      point_text_ += line.value;
    } else {
      append_count(point_text_, line.value);
    }
    points_.push_back(
        {at, static_cast<uint32_t>(bound.size()), static_cast<uint32_t>(point_text_.size() - at - bound.size())});
  }
  if (rest_.empty()) end_points();
}

void FragmentJson::read_record(std::string& out) {
  for (int i = 0; i < kItemsPerStep; ++i) {
    switch (record_.next()) {
      case MetricRecord::Event::kField:
        break;
      case MetricRecord::Event::kPoint:
        take_record_point();
        break;
      case MetricRecord::Event::kEnd:
        if (has_points()) {
          end_record();
        } else {
          begin_object(out);
          record_.append_labels(out);
          out += ",\"value\":\"";
          append_json_float(out, record_.value());
          out += "\"}";
          phase_ = Phase::kMetric;
        }
        return;
    }
  }
}

void FragmentJson::take_record_point() {
  const MetricRecord::Point& point = record_.point;
  const size_t at = point_text_.size();
  append_json_float(point_text_, point.bound);
  const size_t key_bytes = point_text_.size() - at;
  if (is_summary() || point.value > 0) {
    append_json_float(point_text_, point.value);
  } else {
    append_json_uint(point_text_, point.count);
  }
  points_.push_back({at, static_cast<uint32_t>(key_bytes), static_cast<uint32_t>(point_text_.size() - at - key_bytes)});
}

// Which of its two counts a histogram shows is decided one way for native buckets and another for the rest.
void FragmentJson::end_record() {
  append_json_float(sum_, record_.sum);
  const bool native = !is_summary() && native_.has_spans();
  const bool floats = !is_summary() && (record_.count_float > 0 || (native && native_.zero_count_float > 0));
  if (floats) {
    append_json_float(count_, record_.count_float);
  } else {
    append_json_uint(count_, record_.count);
  }
  if (!native) return end_points();
  native_.start(floats);
  opens_native_ = true;
  phase_ = Phase::kNative;
}

// The points are complete.
void FragmentJson::end_points() {
  order_.clear();
  order_.reserve(points_.size());
  for (uint32_t i = 0; i < points_.size(); ++i) order_.push_back(i);
  sort_.begin(order_);
  point_at_ = 0;
  phase_ = Phase::kSort;
}

void FragmentJson::write_points(std::string& out) {
  if (point_at_ == 0) {
    out += first_ ? "{" : ",{";
    first_ = false;
    if (is_summary()) {
      out += "\"count\":\"" + count_ + "\",\"labels\":";
      append_labels(out);
      out += ",\"quantiles\":{";
    } else {
      out += "\"buckets\":{";
    }
    first_point_ = true;
  }
  for (int i = 0; i < kItemsPerStep && point_at_ != order_.size(); ++i, ++point_at_) {
    const Point& point = points_[order_[point_at_]];
    // Of equal keys the last that came is the one that a map keeps.
    if (point_at_ + 1 != order_.size() && key_of(points_[order_[point_at_ + 1]]) == key_of(point)) continue;
    out += first_point_ ? "\"" : ",\"";
    first_point_ = false;
    out += key_of(point);
    out += "\":\"";
    out += value_of(point);
    out += '"';
  }
  if (point_at_ != order_.size()) return;
  out += '}';
  write_rest(out);
}

// What follows the points in the order of the keys.
void FragmentJson::write_rest(std::string& out) {
  if (!is_summary()) {
    out += ",\"count\":\"" + count_ + "\",\"labels\":";
    append_labels(out);
  }
  out += ",\"sum\":\"" + sum_ + "\"}";
  phase_ = Phase::kMetric;
}

void FragmentJson::append_labels(std::string& out) const {
  if (from_record_) {
    record_.append_labels(out);
  } else {
    append_json_labels(out, labels_);
  }
}

}  // namespace sluice::parser
