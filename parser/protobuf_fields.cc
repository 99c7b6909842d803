// The fields of the messages: where each goes, and what makes a metric more than its text says.
#include <bit>
#include <cmath>
#include <string>

#include "core/base/limits.h"
#include "core/base/protobuf_wire.h"
#include "parser/protobuf_parser.h"

namespace sluice::parser {

namespace {

using model::MetricType;

// Field numbers of Metric: which content it has.
constexpr uint32_t kGauge = 2;
constexpr uint32_t kCounter = 3;
constexpr uint32_t kSummary = 4;
constexpr uint32_t kUntyped = 5;
constexpr uint32_t kHistogram = 7;

// The contents that are one double.
constexpr uint8_t kPlainContents = 1U << kGauge | 1U << kCounter | 1U << kUntyped;
// What is read in one step: more than this and the step would be long.
constexpr size_t kPlainMetricBytesMax = 512;

constexpr uint8_t kHasBound = 1;
constexpr uint8_t kHasValue = 2;

uint8_t content_of(MetricType type) noexcept {
  switch (type) {
    case MetricType::kGauge:
      return 1U << kGauge;
    case MetricType::kCounter:
      return 1U << kCounter;
    case MetricType::kSummary:
      return 1U << kSummary;
    case MetricType::kUntyped:
      return 1U << kUntyped;
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      break;
  }
  return 1U << kHistogram;
}

}  // namespace

ProtobufParser::Kind ProtobufParser::message_of(Kind kind, uint32_t tag) noexcept {
  if ((tag & 7) != 2) return Kind::kNone;
  const uint32_t field = tag >> 3;
  switch (kind) {
    case Kind::kFamily:
      return field == 4 ? Kind::kMetric : Kind::kNone;
    case Kind::kMetric:
      switch (field) {
        case 1:
          return Kind::kLabel;
        case kGauge:
        case kUntyped:
          return Kind::kValue;
        case kCounter:
          return Kind::kCounter;
        case kSummary:
          return Kind::kSummary;
        case kHistogram:
          return Kind::kHistogram;
        default:
          return Kind::kNone;
      }
    case Kind::kCounter:
      return field == 2 ? Kind::kExemplar : field == 3 ? Kind::kTimestamp : Kind::kNone;
    case Kind::kSummary:
      return field == 3 ? Kind::kQuantile : field == 4 ? Kind::kTimestamp : Kind::kNone;
    case Kind::kHistogram:
      switch (field) {
        case 3:
          return Kind::kBucket;
        case 9:
        case 12:
          return Kind::kSpan;
        case 10:
        case 13:
          return Kind::kPackedVarints;
        case 15:
          return Kind::kTimestamp;
        case 16:
          return Kind::kExemplar;
        default:
          return Kind::kNone;
      }
    case Kind::kBucket:
      return field == 3 ? Kind::kExemplar : Kind::kNone;
    case Kind::kExemplar:
      return field == 1 ? Kind::kLabel : field == 3 ? Kind::kTimestamp : Kind::kNone;
    default:
      return Kind::kNone;
  }
}

void ProtobufParser::open_metric(std::string_view message) {
  metric_ = out_->add_metric(family_);
  model::Metric& added = metric();
  added.exact = message;
  wanted_ = content_of(out_->families[family_].type);
  contents_ = 0;
  value_seen_ = false;
  inf_seen_ = false;
}

bool ProtobufParser::take_plain_metric(std::string_view message) {
  if (message.size() > kPlainMetricBytesMax || (wanted_ & kPlainContents) == 0) return false;
  const char* at = message.data();
  const char* const end = at + message.size();
  const size_t labels_begin = out_->labels.size();
  bool plain = true;
  while (plain && end - at >= 2) {
    const auto bytes = static_cast<unsigned char>(at[1]);
    if (bytes >= 0x80 || end - at - 2 < bytes) break;
    const std::string_view part(at + 2, bytes);
    if (at[0] == static_cast<char>(bytes_field(1))) {
      plain = metric().labels_count < limits::kLabelsPerSeriesMax && take_plain_label(part);
    } else {
      const auto field = static_cast<unsigned char>(at[0]) >> 3;
      plain = (at[0] & 7) == 2 && field < 8 && 1U << field == wanted_ && contents_ == 0 && take_plain_value(part);
      contents_ = wanted_;
    }
    at += 2 + bytes;
  }
  if (plain && at == end && contents_ != 0) {
    close_metric();
    return true;
  }
  // As it was before; what take_value noted of a number, it will note again.
  out_->labels.resize(labels_begin);
  metric().labels_count = 0;
  contents_ = 0;
  value_seen_ = false;
  return false;
}

bool ProtobufParser::take_plain(Kind kind, const Field& field) {
  if (kind == Kind::kLabel) return take_plain_label(field.bytes);
  if ((kind != Kind::kValue && kind != Kind::kCounter) || 1U << (field.tag >> 3) != wanted_ || contents_ != 0) {
    return false;
  }
  if (!take_plain_value(field.bytes)) return false;
  contents_ = wanted_;
  return true;
}

bool ProtobufParser::begin_part(Kind kind, const Field& field) {
  switch (kind) {
    case Kind::kLabel:
      out_->labels.push_back({"", ""});
      ++metric().labels_count;
      return true;
    case Kind::kValue:
    case Kind::kCounter:
    case Kind::kSummary:
    case Kind::kHistogram: {
      const auto bit = static_cast<uint8_t>(1U << (field.tag >> 3));
      if ((contents_ & bit) != 0) note_inexact();
      contents_ |= bit;
      return bit == wanted_;
    }
    case Kind::kQuantile:
    case Kind::kBucket:
      point_ = {};
      point_fields_ = 0;
      return true;
    case Kind::kExemplar:
      metric().fields |= model::kHasExemplar | model::kNeedsRecord;
      return false;
    case Kind::kTimestamp:
      metric().fields |= model::kHasCreated | model::kNeedsRecord;
      return false;
    default:  // spans and packed deltas
      metric().fields |= model::kIsNative | model::kNeedsRecord;
      return false;
  }
}

void ProtobufParser::close_metric() {
  model::Metric& closed = metric();
  if ((contents_ & wanted_) == 0) {
    closed.fields |= model::kWrongContent;
    wrong_content_ = true;
  }
  const bool totals = wanted_ == 1U << kSummary || wanted_ == 1U << kHistogram;
  const uint16_t all = model::kHasCount | model::kHasSum;
  if (contents_ != wanted_ || (totals ? (closed.fields & all) != all : !value_seen_)) note_inexact();
  if (wanted_ == 1U << kHistogram && !inf_seen_) note_inexact();  // the text has a bucket more
  if ((closed.fields & model::kNeedsRecord) != 0) out_->families[family_].needs_record = true;
}

bool ProtobufParser::close_label() {
  return out_->labels.back().name.size() <= limits::kNameBytesMax ||
         fail("name of more than " + std::to_string(limits::kNameBytesMax) + " bytes", limits::Limit::kNameBytes);
}

void ProtobufParser::close_point(Kind kind) {
  if (point_fields_ != (kHasBound | kHasValue)) note_inexact();
  if (kind == Kind::kBucket && std::isinf(point_.bound) && point_.bound > 0) inf_seen_ = true;
  out_->add_point(metric_, point_);
}

bool ProtobufParser::take_plain_label(std::string_view message) {
  // 0A length name 12 length value, both lengths of one byte.
  const char* const at = message.data();
  const size_t bytes = message.size();
  if (bytes < 4 || at[0] != 0x0a) return false;
  const auto name = static_cast<unsigned char>(at[1]);
  if (name >= 0x80 || bytes < size_t{4} + name || at[2 + name] != 0x12) return false;
  const auto value = static_cast<unsigned char>(at[3 + name]);
  if (value >= 0x80 || bytes != size_t{4} + name + value) return false;
  out_->labels.push_back({{at + 2, name}, {at + 4 + name, value}});
  ++metric().labels_count;
  return true;
}

bool ProtobufParser::take_plain_value(std::string_view message) {
  if (message.size() != 9 || message[0] != static_cast<char>(double_field(1))) return false;
  take_value({double_field(1), read_fixed64(message.data() + 1), {}, message.data() + 1});
  return true;
}

bool ProtobufParser::take(Kind kind, const Field& field) {
  switch (kind) {
    case Kind::kFamily:
      return take_family(field);
    case Kind::kMetric:
      take_metric(field);
      break;
    case Kind::kLabel:
      take_label(field);
      break;
    case Kind::kValue:
    case Kind::kCounter:
      take_value(field);
      break;
    case Kind::kSummary:
      take_summary(field);
      break;
    case Kind::kHistogram:
      take_histogram(field);
      break;
    case Kind::kQuantile:
      take_quantile(field);
      break;
    case Kind::kBucket:
      take_bucket(field);
      break;
    default:
      break;
  }
  return true;
}

bool ProtobufParser::take_family(const Field& field) {
  model::Family& family = out_->families[family_];
  switch (field.tag) {
    case bytes_field(1):
      family.name = field.bytes;
      return true;
    case bytes_field(2):
      family.help = field.bytes;
      family.has_help = true;
      return true;
    case varint_field(3): {
      type_ = static_cast<int32_t>(field.number);
      const bool known = type_ >= 0 && type_ <= static_cast<int32_t>(MetricType::kGaugeHistogram);
      const MetricType type = known ? static_cast<MetricType>(type_) : MetricType::kUntyped;
      if (type_final_) return true;
      if (family.metrics_count != 0 && type != family.type) only_type_ = true;
      family.type = type;
      return true;
    }
    default:
      return true;
  }
}

void ProtobufParser::take_metric(const Field& field) {
  if (field.tag != varint_field(6)) return note_inexact();
  metric().fields |= model::kHasTimestamp;
  metric().timestamp_ms = static_cast<int64_t>(field.number);
}

void ProtobufParser::take_label(const Field& field) {
  model::LabelPair& label = out_->labels.back();
  switch (field.tag) {
    case bytes_field(1):
      label.name = field.bytes;
      break;
    case bytes_field(2):
      label.value = field.bytes;
      break;
    default:  // unknown; a record has the labels anew, so it would not have it either
      break;
  }
}

void ProtobufParser::take_value(const Field& field) {
  if (field.tag != double_field(1)) return note_inexact();
  metric().value = std::bit_cast<double>(field.number);
  note_double(metric().value);
  note_number(field, TextNumber::Meaning::kValue);
  value_seen_ = true;
}

void ProtobufParser::take_summary(const Field& field) {
  model::Metric& into = metric();
  switch (field.tag) {
    case varint_field(1):
      into.count = field.number;
      into.fields |= model::kHasCount;
      note_count(into.count);
      note_number(
          field, wanted_ == 1U << kSummary ? TextNumber::Meaning::kSummaryCount : TextNumber::Meaning::kHistogramCount);
      break;
    case double_field(2):
      into.sum = std::bit_cast<double>(field.number);
      into.fields |= model::kHasSum;
      note_double(into.sum);
      note_number(field, TextNumber::Meaning::kSum);
      break;
    default:
      note_inexact();
      break;
  }
}

void ProtobufParser::take_histogram(const Field& field) {
  model::Metric& into = metric();
  switch (field.tag) {
    case varint_field(1):
    case double_field(2):
      take_summary(field);
      break;
    case double_field(4):
      into.count_float = std::bit_cast<double>(field.number);
      into.fields |= model::kCountsAreFloat | model::kNeedsRecord;
      break;
    case varint_field(5):
    case double_field(6):
    case varint_field(7):
    case double_field(8):
    case varint_field(10):
    case double_field(11):
    case varint_field(13):
    case double_field(14):
    case bytes_field(11):
    case bytes_field(14):
      into.fields |= model::kIsNative | model::kNeedsRecord;
      break;
    default:
      note_inexact();
      break;
  }
}

void ProtobufParser::take_quantile(const Field& field) {
  switch (field.tag) {
    case double_field(1):
      point_.bound = std::bit_cast<double>(field.number);
      note_double(point_.bound);
      point_fields_ |= kHasBound;
      break;
    case double_field(2):
      point_.value = std::bit_cast<double>(field.number);
      note_double(point_.value);
      note_number(field, TextNumber::Meaning::kQuantile);
      point_fields_ |= kHasValue;
      break;
    default:
      note_inexact();
      break;
  }
}

void ProtobufParser::take_bucket(const Field& field) {
  switch (field.tag) {
    case varint_field(1):
      point_.count = field.number;
      note_count(point_.count);
      note_number(field, TextNumber::Meaning::kBucket);
      point_fields_ |= kHasValue;
      break;
    case double_field(2):
      point_.bound = std::bit_cast<double>(field.number);
      note_double(point_.bound);
      point_fields_ |= kHasBound;
      break;
    case double_field(4):
      point_.value = std::bit_cast<double>(field.number);
      metric().fields |= model::kCountsAreFloat | model::kNeedsRecord;
      break;
    default:
      note_inexact();
      break;
  }
}

void ProtobufParser::add_number(const Field& field, TextNumber::Meaning meaning) {
  TextNumber number;
  number.meaning = meaning;
  // A point is added when its message ends.
  number.at = number.is_of_point() ? static_cast<uint32_t>(out_->points.size()) : metric_;
  number.begin = static_cast<uint32_t>(field.value - body_begin_);
  const char* end = field.value + sizeof(uint64_t);
  if ((field.tag & 7) == 0) {
    for (end = field.value; (*end & 0x80) != 0;) ++end;
    ++end;
  }
  number.end = static_cast<uint32_t>(end - body_begin_);
  numbers_->push_back(number);
}

}  // namespace sluice::parser
