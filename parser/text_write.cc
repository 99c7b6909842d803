#include "parser/text_write.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "core/base/go_float.h"
#include "parser/names.h"

namespace sluice::parser {
namespace {

using model::MetricType;

std::string_view type_name(MetricType type) noexcept {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUntyped:
      return "untyped";
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      break;  // the format knows no gauge histograms
  }
  return "histogram";
}

void append_escaped(std::string& out, std::string_view text, bool quote) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_name(std::string& out, std::string_view name) {
  if (is_valid_metric_name(name, NameScheme::kLegacy)) {
    out += name;
    return;
  }
  out += '"';
  append_escaped(out, name, true);
  out += '"';
}

void append_float(std::string& out, double value) {
  char text[kGoFloatRoom];
  out.append(text, format_go_float(value, text));
}

// What a sample line has beside its value.
struct Line {
  const model::Families& families;
  const model::Metric& metric;
  std::string_view name;
};

void append_sample(std::string& out, const Line& line, std::string_view suffix, double value,
                   std::string_view bound_name = {}, double bound = 0) {
  const std::string name = std::string(line.name).append(suffix);
  const bool inside = !is_valid_metric_name(name, NameScheme::kLegacy);
  char separator = '{';
  if (inside) {
    out += '{';
    separator = ',';
  }
  append_name(out, name);
  for (uint32_t i = 0; i < line.metric.labels_count; ++i) {
    const model::LabelPair& label = line.families.labels[line.metric.labels_begin + i];
    out += separator;
    separator = ',';
    append_name(out, label.name);
    out += "=\"";
    append_escaped(out, label.value, true);
    out += '"';
  }
  if (!bound_name.empty()) {
    out += separator;
    separator = ',';
    out += bound_name;
    out += "=\"";
    append_float(out, bound);
    out += '"';
  }
  if (separator == ',') out += '}';
  out += ' ';
  append_float(out, value);
  if (line.metric.fields & model::kHasTimestamp) out += ' ' + std::to_string(line.metric.timestamp_ms);
  out += '\n';
}

void append_summary(std::string& out, const Line& line) {
  for (uint32_t i = line.metric.points_first; i != model::kNone; i = line.families.points[i].next) {
    const model::Point& point = line.families.points[i];
    append_sample(out, line, "", point.value, "quantile", point.bound);
  }
  append_sample(out, line, "_sum", line.metric.sum);
  append_sample(out, line, "_count", static_cast<double>(line.metric.count));
}

void append_histogram(std::string& out, const Line& line) {
  bool has_infinity = false;
  for (uint32_t i = line.metric.points_first; i != model::kNone; i = line.families.points[i].next) {
    const model::Point& point = line.families.points[i];
    // A float count of 0 stands for the integer, as in the reference.
    const double count = point.value != 0 ? point.value : static_cast<double>(point.count);
    append_sample(out, line, "_bucket", count, "le", point.bound);
    has_infinity = has_infinity || point.bound == std::numeric_limits<double>::infinity();
  }
  const double total = line.metric.count_float != 0 ? line.metric.count_float : static_cast<double>(line.metric.count);
  if (!has_infinity) append_sample(out, line, "_bucket", total, "le", std::numeric_limits<double>::infinity());
  append_sample(out, line, "_sum", line.metric.sum);
  append_sample(out, line, "_count", total);
}

}  // namespace

void append_family_text(std::string& out, const model::Families& families, const model::Family& family) {
  if (family.metrics_count == 0) return;
  if (family.has_help) {
    out += "# HELP ";
    append_name(out, family.name);
    out += ' ';
    append_escaped(out, family.help, false);
    out += '\n';
  }
  out += "# TYPE ";
  append_name(out, family.name);
  out += ' ';
  out += type_name(family.type);
  out += '\n';
  for (uint32_t i = family.metrics_first; i != model::kNone; i = families.metrics[i].next) {
    const Line line{families, families.metrics[i], family.name};
    switch (family.type) {
      case MetricType::kSummary:
        append_summary(out, line);
        break;
      case MetricType::kHistogram:
      case MetricType::kGaugeHistogram:
        append_histogram(out, line);
        break;
      default:
        append_sample(out, line, "", line.metric.value);
        break;
    }
  }
}

void append_text(std::string& out, const model::Families& families) {
  for (const model::Family& family : families.families) append_family_text(out, families, family);
}

}  // namespace sluice::parser
