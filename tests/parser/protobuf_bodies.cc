#include "tests/parser/protobuf_bodies.h"

namespace sluice::parser::test {
namespace {

using model::MetricType;
using protozero::pbf_writer;

void write_points(pbf_writer& out, const model::Families& families, const model::Metric& metric, bool histogram) {
  if (metric.fields & model::kHasCount) out.add_uint64(1, metric.count);
  if (metric.fields & model::kHasSum) out.add_double(2, metric.sum);
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  for (uint32_t i = metric.points_first; i != model::kNone; i = families.points[i].next) {
    const model::Point& point = families.points[i];
    pbf_writer part(out, 3);
    if (!histogram) {
      part.add_double(1, point.bound);
      part.add_double(2, point.value);
      continue;
    }
    if (!floats) part.add_uint64(1, point.count);
    part.add_double(2, point.bound);
    if (floats) part.add_double(4, point.value);
  }
  if (floats) out.add_double(4, metric.count_float);
}

void write_metric(pbf_writer& out, const model::Families& families, const model::Metric& metric, MetricType type) {
  for (uint32_t i = 0; i < metric.labels_count; ++i) {
    const model::LabelPair& label = families.labels[metric.labels_begin + i];
    pbf_writer pair(out, 1);
    pair.add_string(1, label.name.data(), label.name.size());
    pair.add_string(2, label.value.data(), label.value.size());
  }
  if (metric.fields & model::kHasTimestamp) out.add_int64(6, metric.timestamp_ms);
  switch (type) {
    case MetricType::kGauge:
      pbf_writer(out, 2).add_double(1, metric.value);
      break;
    case MetricType::kCounter:
      pbf_writer(out, 3).add_double(1, metric.value);
      break;
    case MetricType::kUntyped:
      pbf_writer(out, 5).add_double(1, metric.value);
      break;
    case MetricType::kSummary: {
      pbf_writer content(out, 4);
      write_points(content, families, metric, false);
      break;
    }
    default: {
      pbf_writer content(out, 7);
      write_points(content, families, metric, true);
      break;
    }
  }
}

}  // namespace

std::string delimited(std::string_view message) {
  std::string out;
  protozero::add_varint_to_buffer(&out, message.size());
  out += message;
  return out;
}

std::string protobuf_body(const model::Families& families) {
  std::string body;
  for (const model::Family& family : families.families) {
    body += delimited(message([&](pbf_writer& out) {
      out.add_string(1, family.name.data(), family.name.size());
      if (family.has_help) out.add_string(2, family.help.data(), family.help.size());
      out.add_enum(3, static_cast<int32_t>(family.type));
      for (uint32_t i = family.metrics_first; i != model::kNone; i = families.metrics[i].next) {
        pbf_writer metric(out, 4);
        write_metric(metric, families, families.metrics[i], family.type);
      }
    }));
  }
  return body;
}

}  // namespace sluice::parser::test
