// The record of a fragment: what FragmentWriter writes behind the text of a family that text cannot express.
#include <algorithm>
#include <cstring>
#include <protozero/varint.hpp>

#include "core/base/check.h"
#include "parser/canonical_text.h"
#include "parser/protobuf_wire.h"

namespace sluice::parser {

namespace {

// The length of a metric is written after the metric, so it has a fixed width: a varint padded to five bytes.
constexpr size_t kLengthBytes = 5;
constexpr size_t kPieceBytes = 16 * 1024;
constexpr uint32_t kFieldsPerCheck = 64;

size_t string_field_bytes(std::string_view text) noexcept {
  return 1 + static_cast<size_t>(protozero::length_of_varint(text.size())) + text.size();
}

char* write_varint(uint64_t value, char* at) noexcept { return at + protozero::add_varint_to_buffer(at, value); }

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
    record_metric_ = at_;
    *reserve(1 + kLengthBytes) = static_cast<char>(bytes_field(4));
    at_ += 1 + kLengthBytes;
    record_labels(families.labels.data() + metric.labels_begin, plan);
    record_rest_ = metric.exact;
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
  in_metric_ = false;
  size_t bytes = at_ - record_metric_ - 1 - kLengthBytes;
  for (size_t i = 1; i <= kLengthBytes; ++i, bytes >>= 7) {
    base_[record_metric_ + i] = static_cast<char>((bytes & 0x7f) | (i < kLengthBytes ? 0x80 : 0));
  }
  return Result::kDone;
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
