#include "tests/parser/families_dump.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <map>

#include "core/base/check.h"
#include "parser/quote.h"
#include "tests/parser/case_files.h"

namespace sluice::parser::test {
namespace {

using model::MetricType;
using simdjson::SUCCESS;
using simdjson::dom::element;

constexpr const char* kTypeNames[] = {"COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"};

std::string bits_text(uint64_t bits) {
  if (std::isnan(std::bit_cast<double>(bits))) return "NaN";
  char text[17] = {};
  std::to_chars(text, text + 16, bits, 16);
  return text;
}

std::string bits_text(double value) { return bits_text(std::bit_cast<uint64_t>(value)); }

std::string bits_text(element number) {
  const std::string_view hex = number["bits"].get_string().value();
  uint64_t bits = 0;
  std::from_chars(hex.data() + 2, hex.data() + hex.size(), bits, 16);
  return bits_text(bits);
}

std::string joined(const std::map<std::string, std::string>& families) {
  std::string out;
  for (const auto& [name, text] : families) out += text;
  return out;
}

void append_metric(std::string& out, const model::Families& families, const model::Metric& metric, MetricType type) {
  out += "  {";
  for (uint32_t i = 0; i < metric.labels_count; ++i) {
    const model::LabelPair& label = families.labels[metric.labels_begin + i];
    out += go_quoted(label.name) + "=" + go_quoted(label.value) + ",";
  }
  out += "}";
  if (metric.fields & model::kHasTimestamp) out += " ts=" + std::to_string(metric.timestamp_ms);
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  const bool histogram = type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
  if (type != MetricType::kSummary && !histogram) {
    out += " value=" + bits_text(metric.value) + "\n";
    return;
  }
  if (metric.fields & model::kHasCount) out += " count=" + std::to_string(metric.count);
  if (floats) out += " count_float=" + bits_text(metric.count_float);
  if (metric.fields & model::kHasSum) out += " sum=" + bits_text(metric.sum);
  uint32_t seen = 0;
  for (uint32_t i = metric.points_first; i != model::kNone; i = families.points[i].next, ++seen) {
    const model::Point& point = families.points[i];
    out += " " + bits_text(point.bound) + ":";
    out += histogram && !floats ? std::to_string(point.count) : (histogram ? "f" : "") + bits_text(point.value);
  }
  SLUICE_CHECK(seen == metric.points_count);
  out += "\n";
}

void append_metric(std::string& out, element metric) {
  out += "  {";
  simdjson::dom::array labels;
  if (metric["labels"].get(labels) == SUCCESS) {
    for (element label : labels) out += go_quoted(bytes_of(label.at(0))) + "=" + go_quoted(bytes_of(label.at(1))) + ",";
  }
  out += "}";
  std::string_view text;
  if (metric["timestamp_ms"].get(text) == SUCCESS) out += " ts=" + std::string(text);
  element content;
  for (const char* kind : {"counter", "gauge", "untyped"}) {
    if (metric[kind].get(content) == SUCCESS) out += " value=" + bits_text(content);
  }
  if (metric["summary"].get(content) == SUCCESS || metric["histogram"].get(content) == SUCCESS) {
    element part;
    if (content["count"].get(text) == SUCCESS) out += " count=" + std::string(text);
    if (content["count_float"].get(part) == SUCCESS) out += " count_float=" + bits_text(part);
    if (content["sum"].get(part) == SUCCESS) out += " sum=" + bits_text(part);
    simdjson::dom::array points;
    if (content["quantiles"].get(points) == SUCCESS) {
      for (element point : points) out += " " + bits_text(point.at(0).value()) + ":" + bits_text(point.at(1).value());
    }
    if (content["buckets"].get(points) == SUCCESS) {
      for (element point : points) {
        out += " " + bits_text(point["le"].value()) + ":";
        out += point["count"].get(text) == SUCCESS ? std::string(text) : "f" + bits_text(point["count_float"].value());
      }
    }
  }
  out += "\n";
}

}  // namespace

std::string dump(const model::Families& families) {
  std::map<std::string, std::string> by_name;
  for (const model::Family& family : families.families) {
    if (family.metrics_count == 0) continue;
    std::string& out = by_name[std::string(family.name)];
    SLUICE_CHECK(out.empty());
    out = go_quoted(family.name) + " " + kTypeNames[static_cast<size_t>(family.type)];
    if (family.has_help) out += " " + go_quoted(family.help);
    out += "\n";
    uint32_t seen = 0;
    for (uint32_t i = family.metrics_first; i != model::kNone; i = families.metrics[i].next, ++seen) {
      append_metric(out, families, families.metrics[i], family.type);
    }
    SLUICE_CHECK(seen == family.metrics_count);
  }
  return joined(by_name);
}

std::string dump(simdjson::dom::array families) {
  std::map<std::string, std::string> by_name;
  for (element family : families) {
    const std::string name = bytes_of(family["name"].value());
    std::string& out = by_name[name];
    out = go_quoted(name) + " " + std::string(family["type"].get_string().value());
    element help;
    if (family["help"].get(help) == SUCCESS) out += " " + go_quoted(bytes_of(help));
    out += "\n";
    for (element metric : array_of(family["metrics"])) append_metric(out, metric);
  }
  return joined(by_name);
}

}  // namespace sluice::parser::test
