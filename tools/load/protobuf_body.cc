#include "tools/load/protobuf_body.h"

#include <cstring>

#include "core/base/protobuf_wire.h"

namespace sluice::tools::load {

namespace {

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_varint(out, bytes_field(field));
  append_varint(out, bytes.size());
  out.append(bytes);
}

// Fields of Metric that hold a message with the value as its first field.
uint32_t value_field(model::MetricType type) {
  switch (type) {
    case model::MetricType::kGauge:
      return 2;
    case model::MetricType::kCounter:
      return 3;
    case model::MetricType::kUntyped:
      return 5;
    default:
      return 0;
  }
}

void append_metric(std::string& out, const model::Families& families, const model::Metric& metric, uint32_t field) {
  for (uint32_t i = 0; i < metric.labels_count; ++i) {
    const model::LabelPair& label = families.labels[metric.labels_begin + i];
    std::string pair;
    append_bytes(pair, 1, label.name);
    append_bytes(pair, 2, label.value);
    append_bytes(out, 1, pair);
  }
  // The value is the last thing, so that its place is known from the end.
  std::string value;
  append_varint(value, double_field(1));
  char bytes[sizeof(double)];
  std::memcpy(bytes, &metric.value, sizeof(bytes));
  value.append(bytes, sizeof(bytes));
  append_bytes(out, field, value);
}

}  // namespace

Result<ProtobufBody, std::string> encode_protobuf(const model::Families& families) {
  ProtobufBody out;
  for (const model::Family& family : families.families) {
    const uint32_t field = value_field(family.type);
    if (field == 0) return std::unexpected("only gauges, counters and untyped metrics can be sent as protobuf");
    std::string message;
    append_bytes(message, 1, family.name);
    if (family.has_help) append_bytes(message, 2, family.help);
    append_varint(message, varint_field(3));
    append_varint(message, static_cast<uint64_t>(family.type));
    std::vector<size_t> places;
    for (uint32_t at = family.metrics_first; at != model::kNone; at = families.metrics[at].next) {
      std::string metric;
      append_metric(metric, families, families.metrics[at], field);
      append_bytes(message, 4, metric);
      places.push_back(message.size() - sizeof(double));
    }
    append_varint(out.bytes, message.size());
    for (const size_t place : places) out.value_at.push_back(out.bytes.size() + place);
    out.bytes += message;
  }
  return out;
}

}  // namespace sluice::tools::load
