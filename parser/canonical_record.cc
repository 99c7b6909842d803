// The record of a fragment: what FragmentWriter writes behind the text of a family that text cannot express.
#include <algorithm>
#include <cstring>
#include <protozero/varint.hpp>

#include "core/base/check.h"
#include "core/base/protobuf_wire.h"
#include "parser/canonical_text.h"

namespace sluice::parser {

namespace {

// The length of a metric is written after the metric, so it has a fixed width: a varint padded to five bytes.
constexpr size_t kLengthBytes = 5;
constexpr size_t kPieceBytes = 16 * 1024;
constexpr uint32_t kFieldsPerCheck = 64;
constexpr char kDoubleFieldBytes = 9;
// Tag, length, count and sum; or a point.
constexpr size_t kContentRoom = 48;

size_t string_field_bytes(std::string_view text) noexcept {
  return 1 + static_cast<size_t>(protozero::length_of_varint(text.size())) + text.size();
}

char* write_varint(uint64_t value, char* at) noexcept { return at + protozero::add_varint_to_buffer(at, value); }

char* write_string_field(uint32_t field, std::string_view text, char* at) noexcept {
  *at++ = static_cast<char>(bytes_field(field));
  at = write_varint(text.size(), at);
  return std::copy(text.begin(), text.end(), at);
}

char* write_varint_field(uint32_t field, uint64_t value, char* at) noexcept {
  *at++ = static_cast<char>(varint_field(field));
  return write_varint(value, at);
}

char* write_double_field(uint32_t field, double value, char* at) noexcept {
  *at++ = static_cast<char>(double_field(field));
  std::memcpy(at, &value, sizeof(value));
  return at + sizeof(value);
}

// The field of Metric that has the content of a type.
uint32_t content_field(model::MetricType type) noexcept {
  switch (type) {
    case model::MetricType::kGauge:
      return 2;
    case model::MetricType::kCounter:
      return 3;
    case model::MetricType::kSummary:
      return 4;
    case model::MetricType::kUntyped:
      return 5;
    case model::MetricType::kHistogram:
    case model::MetricType::kGaugeHistogram:
      break;
  }
  return 7;
}

}  // namespace

void FragmentWriter::start_record() {
  text_end_ = at_;
  in_metric_ = false;
}

FragmentWriter::Result FragmentWriter::write_record(const model::Families& families, const model::Metric& metric,
                                                    const LabelPlan& plan, Deadline deadline) {
  if (!in_metric_) {
    record_metric_ = at_;
    *reserve(1 + kLengthBytes) = static_cast<char>(bytes_field(4));
    at_ += 1 + kLengthBytes;
    record_labels(families.labels.data() + metric.labels_begin, plan);
    record_rest_ = metric.exact;
    record_field_ = 0;
    in_metric_ = true;
    if (metric.exact.empty()) start_record_content(metric);
  }
  if (!(metric.exact.empty() ? record_points(families, metric, deadline) : record_fields(deadline))) {
    return Result::kSliced;
  }
  in_metric_ = false;
  set_record_length(record_metric_ + 1, at_ - record_metric_ - 1 - kLengthBytes);
  return Result::kDone;
}

void FragmentWriter::set_record_length(size_t at, size_t bytes) {
  for (size_t i = 0; i < kLengthBytes; ++i, bytes >>= 7) {
    base_[at + i] = static_cast<char>((bytes & 0x7f) | (i + 1 < kLengthBytes ? 0x80 : 0));
  }
}

bool FragmentWriter::record_fields(Deadline deadline) {
  for (uint32_t done = 1; !record_rest_.empty(); ++done) {
    if (record_field_ == 0) find_record_field();
    const size_t piece = std::min(record_field_, kPieceBytes);
    std::memcpy(reserve(piece), record_rest_.data(), piece);
    at_ += piece;
    record_rest_.remove_prefix(piece);
    record_field_ -= piece;
    if ((done % kFieldsPerCheck == 0 || piece == kPieceBytes) && deadline.passed()) return false;
  }
  return true;
}

// A metric of text has the content of its family's type: for a simple one that is all.
void FragmentWriter::start_record_content(const model::Metric& metric) {
  char* const begin = reserve(kContentRoom);
  char* at = begin;
  *at++ = static_cast<char>(bytes_field(content_field(type_)));
  if (type_ != model::MetricType::kSummary && !is_histogram()) {
    *at++ = kDoubleFieldBytes;
    at_ += static_cast<size_t>(write_double_field(1, metric.value, at) - begin);
    return;
  }
  record_content_ = at_ + 1;
  at += kLengthBytes;
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  // Text may have both, from two lines.
  if (floats) at = write_double_field(4, metric.count_float, at);
  if ((metric.fields & model::kHasCount) != 0) at = write_varint_field(1, metric.count, at);
  if ((metric.fields & model::kHasSum) != 0) at = write_double_field(2, metric.sum, at);
  at_ += static_cast<size_t>(at - begin);
  point_ = metric.points_first;
}

bool FragmentWriter::record_points(const model::Families& families, const model::Metric& metric, Deadline deadline) {
  if (type_ != model::MetricType::kSummary && !is_histogram()) return true;
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  for (uint32_t done = 1; point_ != model::kNone; ++done) {
    const model::Point& point = families.points[point_];
    char* const begin = reserve(kContentRoom);
    char* const content = begin + 2;
    char* at = content;
    if (!is_histogram()) {
      at = write_double_field(2, point.value, write_double_field(1, point.bound, at));
    } else if (floats) {
      at = write_double_field(4, point.value, write_double_field(2, point.bound, at));
    } else {
      at = write_double_field(2, point.bound, write_varint_field(1, point.count, at));
    }
    begin[0] = static_cast<char>(bytes_field(3));
    begin[1] = static_cast<char>(at - content);
    at_ += static_cast<size_t>(at - begin);
    point_ = point.next;
    if (done % kFieldsPerCheck == 0 && point_ != model::kNone && deadline.passed()) return false;
  }
  set_record_length(record_content_, at_ - record_content_ - kLengthBytes);
  return true;
}

void FragmentWriter::record_labels(const model::LabelPair* labels, const LabelPlan& plan) {
  for (const LabelPlan::Slot& slot : plan.slots) {
    const std::string_view value = slot.source == model::kNone ? slot.fixed_value : labels[slot.source].value;
    const size_t bytes = string_field_bytes(slot.name) + string_field_bytes(value);
    char* const begin = reserve(1 + protozero::max_varint_length + bytes);
    char* at = begin;
    *at++ = static_cast<char>(bytes_field(1));
    at = write_varint(bytes, at);
    at = write_string_field(1, slot.name, at);
    at = write_string_field(2, value, at);
    at_ += static_cast<size_t>(at - begin);
  }
}

void FragmentWriter::find_record_field() {
  const char* at = record_rest_.data();
  const char* const end = at + record_rest_.size();
  uint64_t tag = 0;
  uint64_t number = 0;
  // The parser has read these fields, so none is cut; metrics with groups have no record.
  SLUICE_CHECK(read_varint(at, end, tag) == VarintResult::kDone);
  if ((tag & 7) == 1) at += 8;
  if ((tag & 7) == 5) at += 4;
  if ((tag & 7) == 0 || (tag & 7) == 2) SLUICE_CHECK(read_varint(at, end, number) == VarintResult::kDone);
  if ((tag & 7) == 2) at += number;
  const auto bytes = static_cast<size_t>(at - record_rest_.data());
  SLUICE_CHECK(bytes <= record_rest_.size());
  if (tag == bytes_field(1)) {
    record_rest_.remove_prefix(bytes);
  } else {
    record_field_ = bytes;
  }
}

}  // namespace sluice::parser
