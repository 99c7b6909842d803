#include "parser/metric_record.h"

#include <algorithm>
#include <bit>

#include "core/base/protobuf_wire.h"
#include "parser/json_write.h"

namespace sluice::parser {

namespace {

// Numbers of a packed field read at once.
constexpr int kPackedPerPiece = 32;

int64_t zigzag(uint64_t number) noexcept {
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

int32_t zigzag32(uint64_t number) noexcept { return static_cast<int32_t>(zigzag(number & UINT32_MAX)); }

}  // namespace

bool WireFields::next() noexcept {
  uint64_t tag = 0;
  if (at_ == end_ || read_varint(at_, end_, tag) != VarintResult::kDone) return false;
  tag_ = static_cast<uint32_t>(tag);
  const auto left = [this] { return static_cast<size_t>(end_ - at_); };
  switch (static_cast<WireType>(tag & 7)) {
    case WireType::varint:
      return read_varint(at_, end_, number_) == VarintResult::kDone;
    case WireType::fixed64:
      if (left() < 8) return false;
      number_ = read_fixed64(at_);
      at_ += 8;
      return true;
    case WireType::fixed32:
      if (left() < 4) return false;
      at_ += 4;
      return true;
    case WireType::length_delimited:
      if (read_varint(at_, end_, number_) != VarintResult::kDone || number_ > left()) return false;
      bytes_ = {at_, static_cast<size_t>(number_)};
      at_ += number_;
      return true;
    default:
      return false;
  }
}

double WireFields::real() const noexcept { return std::bit_cast<double>(number_); }

void MetricRecord::begin(std::string_view message, bool summary, NativeBuckets& native) noexcept {
  message_ = message;
  summary_ = summary;
  native_ = &native;
  native.clear();
  fields_ = WireFields(message);
  in_content_ = false;
  packed_ = {};
  count = 0;
  count_float = 0;
  sum = 0;
  std::ranges::fill(has_value_, false);
  std::ranges::fill(values_, 0);
}

MetricRecord::Event MetricRecord::next() {
  if (!packed_.empty()) {
    take_packed();
    return Event::kField;
  }
  if (in_content_) {
    if (content_.next()) return summary_ ? take_summary_field() : take_histogram_field();
    in_content_ = false;
    return Event::kField;
  }
  return fields_.next() ? take_metric_field() : Event::kEnd;
}

MetricRecord::Event MetricRecord::take_metric_field() {
  switch (fields_.tag()) {
    case bytes_field(2):
      take_value(0, fields_.bytes());
      break;
    case bytes_field(3):
      take_value(1, fields_.bytes());
      break;
    case bytes_field(5):
      take_value(2, fields_.bytes());
      break;
    case bytes_field(4):
    case bytes_field(7):
      in_content_ = summary_ == (fields_.tag() == bytes_field(4));
      content_ = WireFields(fields_.bytes());
      break;
    default:
      break;
  }
  return Event::kField;
}

void MetricRecord::take_value(size_t content, std::string_view message) {
  has_value_[content] = true;
  for (WireFields fields(message); fields.next();) {
    if (fields.tag() == double_field(1)) values_[content] = fields.real();
  }
}

MetricRecord::Event MetricRecord::take_summary_field() {
  switch (content_.tag()) {
    case varint_field(1):
      count = content_.number();
      break;
    case double_field(2):
      sum = content_.real();
      break;
    case bytes_field(3):
      point = {};
      for (WireFields fields(content_.bytes()); fields.next();) {
        if (fields.tag() == double_field(1)) point.bound = fields.real();
        if (fields.tag() == double_field(2)) point.value = fields.real();
      }
      return Event::kPoint;
    default:
      break;
  }
  return Event::kField;
}

MetricRecord::Event MetricRecord::take_histogram_field() {
  switch (content_.tag()) {
    case varint_field(1):
      count = content_.number();
      break;
    case double_field(2):
      sum = content_.real();
      break;
    case bytes_field(3):
      point = {};
      for (WireFields fields(content_.bytes()); fields.next();) {
        if (fields.tag() == varint_field(1)) point.count = fields.number();
        if (fields.tag() == double_field(2)) point.bound = fields.real();
        if (fields.tag() == double_field(4)) point.value = fields.real();
      }
      return Event::kPoint;
    case double_field(4):
      count_float = content_.real();
      break;
    default:
      take_native_field();
  }
  return Event::kField;
}

void MetricRecord::take_native_field() {
  NativeBuckets& native = *native_;
  const auto begin_packed = [this](NativeBuckets::Side& side, Packed kind) {
    packed_ = content_.bytes();
    packed_kind_ = kind;
    packed_side_ = &side;
  };
  switch (content_.tag()) {
    case varint_field(5):
      native.schema = zigzag32(content_.number());
      break;
    case double_field(6):
      native.zero_threshold = content_.real();
      break;
    case varint_field(7):
      native.zero_count = content_.number();
      break;
    case double_field(8):
      native.zero_count_float = content_.real();
      break;
    case bytes_field(9):
      return take_span(native.negative, content_.bytes());
    case bytes_field(12):
      return take_span(native.positive, content_.bytes());
    case varint_field(10):
      native.negative.deltas.push_back(zigzag(content_.number()));
      break;
    case varint_field(13):
      native.positive.deltas.push_back(zigzag(content_.number()));
      break;
    case double_field(11):
      native.negative.counts.push_back(content_.real());
      break;
    case double_field(14):
      native.positive.counts.push_back(content_.real());
      break;
    case bytes_field(10):
      return begin_packed(native.negative, Packed::kDeltas);
    case bytes_field(13):
      return begin_packed(native.positive, Packed::kDeltas);
    case bytes_field(11):
      return begin_packed(native.negative, Packed::kCounts);
    case bytes_field(14):
      return begin_packed(native.positive, Packed::kCounts);
    default:
      break;
  }
}

void MetricRecord::take_span(NativeBuckets::Side& side, std::string_view message) {
  NativeBuckets::Span& span = side.spans.emplace_back();
  for (WireFields fields(message); fields.next();) {
    if (fields.tag() == varint_field(1)) span.offset = zigzag32(fields.number());
    if (fields.tag() == varint_field(2)) span.length = static_cast<uint32_t>(fields.number());
  }
}

void MetricRecord::take_packed() {
  const char* at = packed_.data();
  const char* const end = at + packed_.size();
  for (int i = 0; i < kPackedPerPiece && at != end; ++i) {
    uint64_t number = 0;
    if (packed_kind_ == Packed::kDeltas) {
      if (read_varint(at, end, number) != VarintResult::kDone)
        at = end;
      else
        packed_side_->deltas.push_back(zigzag(number));
    } else if (end - at < 8) {
      at = end;
    } else {
      packed_side_->counts.push_back(std::bit_cast<double>(read_fixed64(at)));
      at += 8;
    }
  }
  packed_.remove_prefix(static_cast<size_t>(at - packed_.data()));
}

void MetricRecord::append_labels(std::string& out) const {
  char separator = '{';
  for (WireFields fields(message_); fields.next() && fields.tag() == bytes_field(1);) {
    std::string_view name;
    std::string_view value;
    for (WireFields label(fields.bytes()); label.next();) {
      if (label.tag() == bytes_field(1)) name = label.bytes();
      if (label.tag() == bytes_field(2)) value = label.bytes();
    }
    out += separator;
    separator = ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  }
  if (separator == '{') out += '{';
  out += '}';
}

double MetricRecord::value() const noexcept {
  for (size_t i = 0; i < 3; ++i) {
    if (has_value_[i]) return values_[i];
  }
  return 0;
}

}  // namespace sluice::parser
