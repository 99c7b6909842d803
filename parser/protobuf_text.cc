#include "parser/protobuf_text.h"

#include <bit>
#include <cstdint>
#include <protozero/varint.hpp>
#include <span>

#include "parser/protobuf_wire.h"
#include "parser/prototext.h"

namespace sluice::parser {
namespace {

enum class Type : uint8_t {
  kUnsigned,
  kSigned,
  kImplicit,  // signed, and 0 is the same as absent: google.protobuf.Timestamp is of proto3
  kZigzag,
  kDouble,
  kString,
  kMessage
};

struct FieldText {
  uint32_t number = 0;
  const char* name = nullptr;
  Type type = Type::kUnsigned;
  std::span<const FieldText> message;  // of Type::kMessage
  bool repeated = false;
};

// In the order of their declaration in metrics.proto, which is the order in which Go prints them.
constexpr FieldText kLabel[] = {{1, "name", Type::kString, {}}, {2, "value", Type::kString, {}}};
constexpr FieldText kTimestamp[] = {{1, "seconds", Type::kImplicit, {}}, {2, "nanos", Type::kImplicit, {}}};
constexpr FieldText kExemplar[] = {{1, "label", Type::kMessage, kLabel, true},
                                   {2, "value", Type::kDouble, {}},
                                   {3, "timestamp", Type::kMessage, kTimestamp}};
constexpr FieldText kValue[] = {{1, "value", Type::kDouble, {}}};
constexpr FieldText kCounter[] = {{1, "value", Type::kDouble, {}},
                                  {2, "exemplar", Type::kMessage, kExemplar},
                                  {3, "created_timestamp", Type::kMessage, kTimestamp}};
constexpr FieldText kQuantile[] = {{1, "quantile", Type::kDouble, {}}, {2, "value", Type::kDouble, {}}};
constexpr FieldText kSummary[] = {{1, "sample_count", Type::kUnsigned, {}},
                                  {2, "sample_sum", Type::kDouble, {}},
                                  {3, "quantile", Type::kMessage, kQuantile, true},
                                  {4, "created_timestamp", Type::kMessage, kTimestamp}};
constexpr FieldText kBucket[] = {{1, "cumulative_count", Type::kUnsigned, {}},
                                 {4, "cumulative_count_float", Type::kDouble, {}},
                                 {2, "upper_bound", Type::kDouble, {}},
                                 {3, "exemplar", Type::kMessage, kExemplar}};
constexpr FieldText kSpan[] = {{1, "offset", Type::kZigzag, {}}, {2, "length", Type::kUnsigned, {}}};
constexpr FieldText kHistogram[] = {{1, "sample_count", Type::kUnsigned, {}},
                                    {4, "sample_count_float", Type::kDouble, {}},
                                    {2, "sample_sum", Type::kDouble, {}},
                                    {3, "bucket", Type::kMessage, kBucket, true},
                                    {15, "created_timestamp", Type::kMessage, kTimestamp},
                                    {5, "schema", Type::kZigzag, {}},
                                    {6, "zero_threshold", Type::kDouble, {}},
                                    {7, "zero_count", Type::kUnsigned, {}},
                                    {8, "zero_count_float", Type::kDouble, {}},
                                    {9, "negative_span", Type::kMessage, kSpan, true},
                                    {10, "negative_delta", Type::kZigzag, {}, true},
                                    {11, "negative_count", Type::kDouble, {}, true},
                                    {12, "positive_span", Type::kMessage, kSpan, true},
                                    {13, "positive_delta", Type::kZigzag, {}, true},
                                    {14, "positive_count", Type::kDouble, {}, true},
                                    {16, "exemplars", Type::kMessage, kExemplar, true}};
constexpr FieldText kMetric[] = {{2, "gauge", Type::kMessage, kValue},         {3, "counter", Type::kMessage, kCounter},
                                 {4, "summary", Type::kMessage, kSummary},     {5, "untyped", Type::kMessage, kValue},
                                 {7, "histogram", Type::kMessage, kHistogram}, {6, "timestamp_ms", Type::kSigned, {}}};

struct Value {
  uint32_t tag = 0;
  uint64_t number = 0;
  std::string_view bytes;
};

// The field at the front of `message`, which loses it; false at the end, and at groups and cut fields, behind which
// nothing is printed.
bool next_value(std::string_view& message, Value& out) {
  const char* at = message.data();
  const char* const end = at + message.size();
  uint64_t number = 0;
  if (read_varint(at, end, number) != VarintResult::kDone) return false;
  out = {static_cast<uint32_t>(number), 0, {}};
  size_t bytes = 0;
  switch (number & 7) {
    case 0:
      if (read_varint(at, end, out.number) != VarintResult::kDone) return false;
      break;
    case 1:
      bytes = 8;
      break;
    case 2:
      if (read_varint(at, end, number) != VarintResult::kDone) return false;
      bytes = number;
      break;
    case 5:
      bytes = 4;
      break;
    default:
      return false;
  }
  if (bytes > static_cast<size_t>(end - at)) return false;
  if ((out.tag & 7) == 1) out.number = read_fixed64(at);
  out.bytes = {at, bytes};
  message.remove_prefix(static_cast<size_t>(at - message.data()) + bytes);
  return true;
}

void append_fields(std::string& out, std::string_view message, std::span<const FieldText> fields);

void append_value(std::string& out, const FieldText& field, const Value& value) {
  if (field.type == Type::kImplicit && value.number == 0) return;
  if (!out.ends_with('{') && !out.ends_with(' ')) out += ' ';
  out += field.name;
  out += ':';
  switch (field.type) {
    case Type::kUnsigned:
      append_prototext_number(out, value.number);
      break;
    case Type::kSigned:
    case Type::kImplicit:
      out += std::to_string(static_cast<int64_t>(value.number));
      break;
    case Type::kZigzag:
      out += std::to_string(protozero::decode_zigzag64(value.number));
      break;
    case Type::kDouble:
      append_prototext_number(out, std::bit_cast<double>(value.number));
      break;
    case Type::kString:
      append_prototext_string(out, value.bytes);
      break;
    case Type::kMessage:
      out += '{';
      append_fields(out, value.bytes, field.message);
      out += '}';
      break;
  }
}

void append_packed(std::string& out, const FieldText& field, std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    Value value;
    if (field.type == Type::kDouble) {
      if (end - at < 8) return;
      value.number = read_fixed64(at);
      at += 8;
    } else if (read_varint(at, end, value.number) != VarintResult::kDone) {
      return;
    }
    append_value(out, field, value);
  }
}

bool is_of_type(Type type, uint32_t tag) noexcept {
  const uint32_t wire = tag & 7;
  if (type == Type::kString || type == Type::kMessage) return wire == 2;
  return wire == (type == Type::kDouble ? 1U : 0U);
}

void append_fields(std::string& out, std::string_view message, std::span<const FieldText> fields) {
  for (const FieldText& field : fields) {
    std::string_view rest = message;
    Value value;
    Value last;
    while (next_value(rest, value)) {
      if (value.tag >> 3 != field.number) continue;
      if (is_of_type(field.type, value.tag)) {
        if (field.repeated) append_value(out, field, value);
        last = value;
      } else if (field.repeated && field.type != Type::kMessage && (value.tag & 7) == 2) {
        append_packed(out, field, value.bytes);
      }
    }
    if (!field.repeated && last.tag != 0) append_value(out, field, last);
  }
}

}  // namespace

void append_metric_content(std::string& out, std::string_view message, size_t bytes_max) {
  append_fields(out, message.substr(0, bytes_max), kMetric);
}

}  // namespace sluice::parser
