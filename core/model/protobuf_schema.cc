#include "core/model/protobuf_schema.h"

#include "core/base/protobuf_wire.h"

namespace sluice::model {

namespace {

using Type = ProtobufField::Type;

constexpr ProtobufField kLabel[] = {{1, "name", Type::kString, {}}, {2, "value", Type::kString, {}}};
constexpr ProtobufField kTimestamp[] = {{1, "seconds", Type::kImplicit, {}}, {2, "nanos", Type::kImplicit, {}}};
constexpr ProtobufField kExemplar[] = {{1, "label", Type::kMessage, kLabel, true},
                                       {2, "value", Type::kDouble, {}},
                                       {3, "timestamp", Type::kMessage, kTimestamp}};
constexpr ProtobufField kValue[] = {{1, "value", Type::kDouble, {}}};
constexpr ProtobufField kCounter[] = {{1, "value", Type::kDouble, {}},
                                      {2, "exemplar", Type::kMessage, kExemplar},
                                      {3, "created_timestamp", Type::kMessage, kTimestamp}};
constexpr ProtobufField kQuantile[] = {{1, "quantile", Type::kDouble, {}}, {2, "value", Type::kDouble, {}}};
constexpr ProtobufField kSummary[] = {{1, "sample_count", Type::kUnsigned, {}},
                                      {2, "sample_sum", Type::kDouble, {}},
                                      {3, "quantile", Type::kMessage, kQuantile, true},
                                      {4, "created_timestamp", Type::kMessage, kTimestamp}};
constexpr ProtobufField kBucket[] = {{1, "cumulative_count", Type::kUnsigned, {}},
                                     {4, "cumulative_count_float", Type::kDouble, {}},
                                     {2, "upper_bound", Type::kDouble, {}},
                                     {3, "exemplar", Type::kMessage, kExemplar}};
constexpr ProtobufField kSpan[] = {{1, "offset", Type::kZigzag, {}}, {2, "length", Type::kUnsigned, {}}};
constexpr ProtobufField kHistogram[] = {{1, "sample_count", Type::kUnsigned, {}},
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
constexpr ProtobufField kMetric[] = {
    {1, "label", Type::kMessage, kLabel, true}, {2, "gauge", Type::kMessage, kValue},
    {3, "counter", Type::kMessage, kCounter},   {4, "summary", Type::kMessage, kSummary},
    {5, "untyped", Type::kMessage, kValue},     {7, "histogram", Type::kMessage, kHistogram},
    {6, "timestamp_ms", Type::kSigned, {}}};

}  // namespace

std::span<const ProtobufField> metric_fields() noexcept { return kMetric; }

bool WireField::is_of(Type type) const noexcept {
  const uint32_t wire = tag & 7;
  if (type == Type::kString || type == Type::kMessage) return wire == 2;
  return wire == (type == Type::kDouble ? 1U : 0U);
}

bool WireField::is_packed(const ProtobufField& field) const noexcept {
  return field.repeated && field.type != Type::kMessage && field.type != Type::kString && (tag & 7) == 2;
}

bool next_field(std::string_view& message, WireField& out) noexcept {
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

bool next_packed(std::string_view& packed, const ProtobufField& field, WireField& out) noexcept {
  const char* at = packed.data();
  const char* const end = at + packed.size();
  if (field.type == Type::kDouble) {
    if (packed.size() < sizeof(uint64_t)) return false;
    out.number = read_fixed64(at);
    at += sizeof(uint64_t);
  } else if (read_varint(at, end, out.number) != VarintResult::kDone) {
    return false;
  }
  packed.remove_prefix(static_cast<size_t>(at - packed.data()));
  return true;
}

}  // namespace sluice::model
