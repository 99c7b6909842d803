// The record of a fragment: what FragmentWriter writes behind the text of a family that text cannot express.
#include <algorithm>
#include <cstring>
#include <protozero/varint.hpp>

#include "core/base/check.h"
#include "parser/canonical_text.h"
#include "parser/protobuf_wire.h"

namespace sluice::parser {

namespace {

// The length of a message is written after the message, so it has a fixed width: a varint padded to five bytes.
constexpr size_t kLengthBytes = 5;
constexpr size_t kPieceBytes = 16 * 1024;
constexpr uint32_t kFieldsPerCheck = 64;

size_t string_field_bytes(std::string_view text) noexcept {
  return 1 + static_cast<size_t>(protozero::length_of_varint(text.size())) + text.size();
}

char* write_varint(uint64_t value, char* at) noexcept { return at + protozero::add_varint_to_buffer(at, value); }

// Of a field with its number: a tag of one byte and eight or up to ten of value.
constexpr size_t kNumberRoom = 1 + protozero::max_varint_length;

char* write_uint_field(uint32_t field, uint64_t value, char* at) noexcept {
  *at++ = static_cast<char>(varint_field(field));
  return write_varint(value, at);
}

char* write_double_field(uint32_t field, double value, char* at) noexcept {
  *at++ = static_cast<char>(double_field(field));
  std::memcpy(at, &value, sizeof(value));
  return at + sizeof(value);
}

// The content of a metric of this type, as a field of the metric.
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

char* write_string_field(uint32_t field, std::string_view text, char* at) noexcept {
  *at++ = static_cast<char>(bytes_field(field));
  at = write_varint(text.size(), at);
  return std::copy(text.begin(), text.end(), at);
}

}  // namespace

void FragmentWriter::start_record() {
  text_end_ = at_;
  in_metric_ = false;
}

FragmentWriter::Result FragmentWriter::write_record(const model::Families& families, const model::Metric& metric,
                                                    const LabelPlan& plan, Deadline deadline) {
  if (!in_metric_) {
    record_metric_ = open_record_message(4);
    record_labels(families.labels.data() + metric.labels_begin, plan);
    record_rest_ = metric.exact;
    if (metric.exact.data() == nullptr) record_scalars(metric);
    record_field_ = 0;
    in_metric_ = true;
  }
  for (uint32_t done = 1; !record_rest_.empty(); ++done) {
    if (record_field_ == 0) find_record_field();
    const size_t piece = std::min(record_field_, kPieceBytes);
    std::memcpy(reserve(piece), record_rest_.data(), piece);
    at_ += piece;
    record_rest_.remove_prefix(piece);
    record_field_ -= piece;
    if ((done % kFieldsPerCheck == 0 || piece == kPieceBytes) && deadline.passed()) return Result::kSliced;
  }
  if (metric.exact.data() == nullptr) {
    if (!record_points(families, metric, deadline)) return Result::kSliced;
    close_record_message(record_content_);
  }
  in_metric_ = false;
  close_record_message(record_metric_);
  return Result::kDone;
}

size_t FragmentWriter::open_record_message(uint32_t field) {
  *reserve(1 + kLengthBytes) = static_cast<char>(bytes_field(field));
  at_ += 1 + kLengthBytes;
  return at_;
}

void FragmentWriter::close_record_message(size_t begin) noexcept {
  size_t bytes = at_ - begin;
  for (size_t i = 0; i < kLengthBytes; ++i, bytes >>= 7) {
    base_[begin - kLengthBytes + i] = static_cast<char>((bytes & 0x7f) | (i + 1 < kLengthBytes ? 0x80 : 0));
  }
}

// Opens the content and writes what it has once.
void FragmentWriter::record_scalars(const model::Metric& metric) {
  record_content_ = open_record_message(content_field(type_));
  record_point_ = metric.points_first;
  char* const begin = reserve(4 * kNumberRoom);
  char* at = begin;
  if (type_ != model::MetricType::kSummary && !is_histogram()) {
    at = write_double_field(1, metric.value, at);
  } else {
    const bool floats = is_histogram() && (metric.fields & model::kCountsAreFloat) != 0;
    if ((metric.fields & model::kHasCount) != 0) at = write_uint_field(1, metric.count, at);
    if ((metric.fields & model::kHasSum) != 0) at = write_double_field(2, metric.sum, at);
    if (floats) at = write_double_field(4, metric.count_float, at);
  }
  at_ += static_cast<size_t>(at - begin);
}

// Quantiles and buckets are field 3 of their message.
bool FragmentWriter::record_points(const model::Families& families, const model::Metric& metric, Deadline deadline) {
  const bool floats = is_histogram() && (metric.fields & model::kCountsAreFloat) != 0;
  for (uint32_t done = 1; record_point_ != model::kNone; ++done) {
    const model::Point& point = families.points[record_point_];
    char content[2 * kNumberRoom];
    char* end = content;
    if (!is_histogram()) {
      end = write_double_field(1, point.bound, end);
      end = write_double_field(2, point.value, end);
    } else {
      if (!floats) end = write_uint_field(1, point.count, end);
      end = write_double_field(2, point.bound, end);
      if (floats) end = write_double_field(4, point.value, end);
    }
    char* at = reserve(sizeof(content) + 2);
    *at++ = static_cast<char>(bytes_field(3));
    *at++ = static_cast<char>(end - content);
    std::copy(content, end, at);
    at_ += static_cast<size_t>(end - content) + 2;
    record_point_ = point.next;
    if (done % kFieldsPerCheck == 0 && record_point_ != model::kNone && deadline.passed()) return false;
  }
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
