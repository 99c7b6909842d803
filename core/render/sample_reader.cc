#include "core/render/sample_reader.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <protozero/varint.hpp>

namespace sluice::render {

namespace {

constexpr size_t kBytesPerUnit = 512;
// Looked at in one piece: for a newline, and of a value.
constexpr size_t kScanBytes = 32 * 1024;
constexpr size_t kValueBytes = 8 * 1024;
// The NaN of Go's strconv, which is what the reference makes of the text.
constexpr uint64_t kGoNan = 0x7ff8000000000001;

}  // namespace

double read_number(std::string_view text) noexcept {
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() && std::isfinite(value)) {
    return value;
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "+Inf") return kInfinity;
  if (text == "-Inf") return -kInfinity;
  return std::bit_cast<double>(kGoNan);
}

uint64_t read_count(std::string_view text) noexcept {
  const double value = read_number(text);
  return value >= 0 && value < 0x1p64 ? static_cast<uint64_t>(value) : 0;
}

void SampleReader::begin_family(std::string_view name, model::MetricType type, NameEscaping escaping,
                                bool with_point_bytes) {
  name_ = name;
  histogram_ = type == model::MetricType::kHistogram || type == model::MetricType::kGaugeHistogram;
  pointed_ = histogram_ || type == model::MetricType::kSummary;
  escaping_ = escaping;
  with_point_bytes_ = with_point_bytes;
  quoted_name_bytes_ = 0;
  if (is_legacy_name(name)) return;
  quoted_name_bytes_ = 2 + name.size();
  for (const char c : name) quoted_name_bytes_ += c == '\\' || c == '"' || c == '\n' ? 1 : 0;
}

void SampleReader::start(std::string_view lines) {
  lines_ = lines;
  at_ = 0;
  scan_from_ = 0;
  scan_ = 0;
  in_metric_ = false;
  phase_ = Phase::kLine;
}

SampleReader::Step SampleReader::next(uint32_t& work, uint32_t work_max) {
  while (work < work_max) {
    std::string_view line;
    switch (phase_) {
      case Phase::kLine:
        if (at_ >= lines_.size()) {
          phase_ = Phase::kEnd;
          break;
        }
        if (find_line(at_, line, work)) take_line(line);
        break;
      case Phase::kLabel:
        if (!read_labels(work, work_max)) break;
        in_metric_ = false;
        phase_ = Phase::kLine;
        return Step::kMetric;
      case Phase::kValue:
        if (read_value(work)) phase_ = Phase::kLabel;
        break;
      case Phase::kEnd:
        return Step::kEnd;
    }
  }
  return phase_ == Phase::kEnd ? Step::kEnd : Step::kMore;
}

bool SampleReader::find_line(size_t at, std::string_view& line, uint32_t& work) {
  if (scan_from_ != at) {
    scan_from_ = at;
    scan_ = at;
  }
  const size_t bytes = std::min(lines_.size() - scan_, kScanBytes);
  const void* const found = std::memchr(lines_.data() + scan_, '\n', bytes);
  const size_t end =
      found == nullptr ? scan_ + bytes : static_cast<size_t>(static_cast<const char*>(found) - lines_.data());
  work += static_cast<uint32_t>(1 + (end - scan_) / kBytesPerUnit);
  scan_ = end;
  if (found == nullptr && end != lines_.size()) return false;
  line = lines_.substr(at, end - at);
  return true;
}

void SampleReader::take_line(std::string_view line) {
  const size_t begin = at_;
  at_ = begin + line.size() + 1;
  if (!in_metric_) {
    in_metric_ = true;
    metric_at_ = begin;
    first_line_ = line;
    point_bytes_ = 0;
    sum_ = "0";
    count_ = 0;
  }
  const std::string_view value = line.substr(std::min(line.size(), line.rfind(' ') + 1));
  if (!pointed_) {
    value_ = value;
    return begin_labels(line);
  }
  switch (kind_of(line)) {
    case LineKind::kPoint:
      if (with_point_bytes_) point_bytes_ += bytes_of(point_of(line));
      return;
    case LineKind::kSum:
      sum_ = value;
      return;
    case LineKind::kCount:
      count_ = read_count(value);
      return begin_labels(first_line_);
  }
}

SampleReader::LineKind SampleReader::kind_of(std::string_view line) const noexcept {
  const size_t name_bytes = quoted_name_bytes_ != 0 ? quoted_name_bytes_ : name_.size();
  const std::string_view suffix = line.substr(std::min(line.size(), name_bytes));
  if (suffix.starts_with("_sum")) return LineKind::kSum;
  if (suffix.starts_with("_count")) return LineKind::kCount;
  return LineKind::kPoint;
}

size_t SampleReader::labels_of(std::string_view line) const noexcept {
  if (quoted_name_bytes_ != 0) {
    // `{"name_sum",` or `{"name"}`
    const size_t quote = line.find('"', std::min(line.size(), quoted_name_bytes_));
    if (quote == std::string_view::npos) return quote;
    return line.substr(quote + 1).starts_with(',') ? quote + 2 : std::string_view::npos;
  }
  const size_t brace = line.find_first_of("{ ", std::min(line.size(), name_.size()));
  return brace == std::string_view::npos || line[brace] == ' ' ? std::string_view::npos : brace + 1;
}

void SampleReader::begin_labels(std::string_view line) {
  labels_.clear();
  names_.clear();
  first_line_ = line;
  label_at_ = std::min(line.size(), labels_of(line));
  phase_ = Phase::kLabel;
}

bool SampleReader::read_labels(uint32_t& work, uint32_t work_max) {
  while (work < work_max && phase_ == Phase::kLabel) {
    ++work;
    if (read_label()) return true;
    // Most values are short and plain: this is the whole of read_value() for them.
    const char* const begin = first_line_.data() + std::min(value_at_, first_line_.size());
    const char* const stop = begin + std::min<size_t>(first_line_.size() - std::min(value_at_, first_line_.size()), 64);
    const char* at = begin;
    while (at != stop && *at != '"' && *at != '\\') ++at;
    if (at == stop || *at != '"') continue;
    Label& label = labels_.back();
    label.value = {begin, static_cast<size_t>(at - begin)};
    label.value_bytes = label.value.size();
    label_at_ = value_at_ + label.value.size() + 1;
    phase_ = Phase::kLabel;
  }
  return false;
}

bool SampleReader::read_label() {
  const std::string_view line = first_line_;
  if (label_at_ < line.size() && line[label_at_] == ',') ++label_at_;
  if (label_at_ >= line.size() || line[label_at_] == '}') return true;
  Label label;
  if (line[label_at_] == '"') {
    label_at_ += read_quoted_name(line.substr(label_at_), unquoted_);
    label.name_at = names_.size();
    append_escaped_name(unquoted_, escaping_, names_);
    label.name_bytes = names_.size() - label.name_at;
  } else {
    size_t equals = label_at_;
    while (equals != line.size() && line[equals] != '=') ++equals;
    label.name = line.substr(label_at_, equals - label_at_);
    label_at_ = equals;
    // The labels of the metric end here: this one belongs to the point.
    if (pointed_ && label.name == (histogram_ ? "le" : "quantile")) return true;
  }
  labels_.push_back(label);
  label_at_ += 2;  // `="`
  value_at_ = label_at_;
  escapes_ = 0;
  phase_ = Phase::kValue;
  return false;
}

bool SampleReader::read_value(uint32_t& work) {
  const std::string_view line = first_line_;
  const size_t stop = std::min(line.size(), label_at_ + kValueBytes);
  size_t at = label_at_;
  for (; at < stop && line[at] != '"'; ++at) {
    if (line[at] == '\\') {
      ++escapes_;
      ++at;
    }
  }
  work += static_cast<uint32_t>(1 + (at - label_at_) / 64);
  label_at_ = at;
  if (at < line.size() && (at >= stop || line[at] != '"')) return false;
  at = std::min(at, line.size());
  Label& label = labels_.back();
  label.value = line.substr(value_at_, at - value_at_);
  label.value_bytes = label.value.size() - escapes_;
  label_at_ = at + 1;
  return true;
}

SampleReader::Point SampleReader::point_of(std::string_view line) noexcept {
  // `..."0.5"} 12`
  const size_t blank = line.rfind(' ');
  if (blank == std::string_view::npos || blank < 3) return {};
  const size_t quote = line.rfind('"', blank - 3);
  if (quote == std::string_view::npos) return {};
  return {line.substr(quote + 1, blank - 3 - quote), line.substr(blank + 1)};
}

SampleReader::Step SampleReader::next_point(Point& point, uint32_t& work, uint32_t work_max) {
  if (work >= work_max) return Step::kMore;
  std::string_view line;
  if (!find_line(point_at_, line, work)) return Step::kMore;
  if (kind_of(line) != LineKind::kPoint || point_at_ >= at_) return Step::kEnd;
  point = point_of(line);
  point_at_ += line.size() + 1;
  ++work;
  return Step::kMetric;
}

uint64_t SampleReader::bytes_of(const Point& point) const noexcept {
  // A message of less than 128 bytes: its tag, its length, two fields.
  if (!histogram_) return 2 + 9 + 9;
  return 2 + 1 + static_cast<uint64_t>(protozero::length_of_varint(read_count(point.value))) + 9;
}

}  // namespace sluice::render
