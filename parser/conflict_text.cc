#include "parser/conflict_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/go_float.h"
#include "core/base/limits.h"
#include "core/base/prototext.h"
#include "parser/protobuf_text.h"
#include "parser/quote.h"

namespace sluice::parser {
namespace {

using model::ConflictKind;
using model::LabelPair;
using model::MetricType;

constexpr size_t kMetricBytesMax = 4 * limits::kErrorTokenBytesMax;

std::string_view cut(std::string_view text) { return text.substr(0, limits::kErrorTokenBytesMax); }

std::string_view upper_name(MetricType type) noexcept {
  constexpr std::string_view kNames[] = {"COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"};
  return kNames[static_cast<size_t>(type)];
}

// The labels that the series has in its group, in the reference's order. Of several labels with a name of the grouping
// key the first takes the key's value and the others stay, which is a conflict then.
std::vector<LabelPair> labels_in_group(const model::Families& families, const model::Metric* metric,
                                       const model::GroupKey& key) {
  std::vector<LabelPair> labels;
  bool instance = false;
  if (metric != nullptr) {
    for (uint32_t i = 0; i < metric->labels_count; ++i) {
      const LabelPair& label = families.labels[metric->labels_begin + i];
      const auto same = [&label](const LabelPair& other) { return other.name == label.name; };
      const std::string_view fixed = key.value_of(label.name);
      const bool first = std::ranges::none_of(labels, same);
      labels.push_back({label.name, fixed.data() != nullptr && first ? fixed : label.value});
    }
  }
  for (size_t i = 0; i < key.label_count(); ++i) {
    const LabelPair fixed = key.label(i);
    const auto same = [&fixed](const LabelPair& other) { return other.name == fixed.name; };
    if (std::ranges::none_of(labels, same)) labels.push_back(fixed);
  }
  for (const LabelPair& label : labels) instance = instance || label.name == "instance";
  if (!instance) labels.push_back({"instance", ""});
  std::stable_sort(labels.begin(), labels.end(),
                   [](const LabelPair& a, const LabelPair& b) { return a.name < b.name; });
  return labels;
}

void append_labels(std::string& out, const std::vector<LabelPair>& labels) {
  for (const LabelPair& label : labels) {
    if (out.size() > kMetricBytesMax) return;
    out += "label:{name:";
    append_prototext_string(out, cut(label.name));
    out += " value:";
    append_prototext_string(out, cut(label.value));
    out += "} ";
  }
}

void append_summary(std::string& out, const model::Families& families, const model::Metric& metric) {
  MessageWriter summary(out, "summary");
  if (metric.fields & model::kHasCount) summary.field("sample_count", metric.count);
  if (metric.fields & model::kHasSum) summary.field("sample_sum", metric.sum);
  for (uint32_t i = metric.points_first; i != model::kNone && out.size() < kMetricBytesMax;
       i = families.points[i].next) {
    MessageWriter quantile = summary.message("quantile");
    quantile.field("quantile", families.points[i].bound);
    quantile.field("value", families.points[i].value);
  }
}

void append_histogram(std::string& out, const model::Families& families, const model::Metric& metric) {
  MessageWriter histogram(out, "histogram");
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  if (metric.fields & model::kHasCount) histogram.field("sample_count", metric.count);
  if (floats) histogram.field("sample_count_float", metric.count_float);
  if (metric.fields & model::kHasSum) histogram.field("sample_sum", metric.sum);
  for (uint32_t i = metric.points_first; i != model::kNone && out.size() < kMetricBytesMax;
       i = families.points[i].next) {
    MessageWriter bucket = histogram.message("bucket");
    const model::Point& point = families.points[i];
    if (!floats) bucket.field("cumulative_count", point.count);
    if (floats) bucket.field("cumulative_count_float", point.value);
    bucket.field("upper_bound", point.bound);
  }
}

// `collected metric "name" { ...}`, with what the reference says about it behind.
std::string about_metric(const model::Conflict& conflict, const model::Families& families, const model::GroupKey& key) {
  if (conflict.family == model::kNone) {
    std::string out = "collected metric \"push_failure_time_seconds\" { ";
    append_labels(out, labels_in_group(families, nullptr, key));
    return out + "gauge:{value:0}} ";
  }
  const model::Family& family = families.families[conflict.family];
  const uint32_t metric = conflict.metric == model::kNone ? family.metrics_first : conflict.metric;
  std::string out = "collected metric " + go_quoted(cut(family.name)) + " { ";
  append_prototext(out, families, families.metrics[metric], key);
  return out + "} ";
}

std::string collision_text(const model::Conflict& conflict, std::string_view name) {
  const std::string quoted_name = go_quoted(cut(name));
  const std::string other = go_quoted(cut(conflict.other_name));
  if (name.size() > conflict.other_name.size()) {
    const bool summary = conflict.other_type == MetricType::kSummary;
    return "collected metric named " + quoted_name + " collides with previously collected " +
           (summary ? "summary" : "histogram") + " named " + other;
  }
  const bool bucket = conflict.other_name.ends_with("_bucket");
  return std::string("collected ") + (bucket ? "histogram" : "histogram or summary") + " named " + quoted_name +
         " collides with previously collected metric named " + other;
}

// The value of the label that the conflict names, as the series has it in its group.
std::string_view value_of_label(const model::Conflict& conflict, const model::Families& families,
                                const model::GroupKey& key) {
  const model::Metric* metric = conflict.metric == model::kNone ? nullptr : &families.metrics[conflict.metric];
  for (const LabelPair& label : labels_in_group(families, metric, key)) {
    if (label.name == conflict.label) return label.value;
  }
  return {};
}

std::string type_text(const model::Conflict& conflict, const model::Families& families, const model::GroupKey& key) {
  const model::Family& family = families.families[conflict.family];
  if (conflict.other_is_own) {
    return "gathered metric family " + std::string(cut(family.name)) + " has type " +
           std::string(upper_name(family.type)) + " but should have " + std::string(upper_name(conflict.other_type));
  }
  return about_metric(conflict, families, key) + "is not a " + std::string(upper_name(conflict.other_type));
}

}  // namespace

void append_prototext(std::string& out, const model::Families& families, const model::Metric& metric,
                      const model::GroupKey& key) {
  append_labels(out, labels_in_group(families, &metric, key));
  if (!metric.exact.empty() || (metric.fields & model::kWrongContent) != 0) {
    append_metric_content(out, metric.exact, kMetricBytesMax);
    if (out.ends_with(' ')) out.pop_back();
    return;
  }
  const MetricType type = families.families[metric.family].type;
  switch (type) {
    case MetricType::kSummary:
      append_summary(out, families, metric);
      break;
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      append_histogram(out, families, metric);
      break;
    default:
      MessageWriter(out, type == MetricType::kCounter ? "counter"
                         : type == MetricType::kGauge ? "gauge"
                                                      : "untyped")
          .field("value", metric.value);
      break;
  }
  if (metric.fields & model::kHasTimestamp) out += " timestamp_ms:" + std::to_string(metric.timestamp_ms);
}

std::string conflict_text(const model::Conflict& conflict, const model::Families& families,
                          const model::GroupKey& key) {
  const std::string label(cut(conflict.label));
  const std::string quoted_label = go_quoted(label);
  switch (conflict.kind) {
    case ConflictKind::kTimestamp:
      return "pushed metrics must not have timestamps";
    case ConflictKind::kDuplicateSeries:
      return about_metric(conflict, families, key) + "was collected before with the same name and label values";
    case ConflictKind::kTypeMismatch:
      return type_text(conflict, families, key);
    case ConflictKind::kMetricShape:
      return about_metric(conflict, families, key) + "is not a " +
             std::string(upper_name(families.families[conflict.family].type));
    case ConflictKind::kSuffixCollision:
      return collision_text(conflict, families.families[conflict.family].name);
    case ConflictKind::kInvalidUtf8:
      return about_metric(conflict, families, key) + "has a label named " + quoted_label +
             " whose value is not utf8: " + go_quoted(cut(value_of_label(conflict, families, key)));
    case ConflictKind::kInvalidLabelName:
      // The reference compares a name with the one before it first, and before the first label that is "".
      if (label.empty()) return about_metric(conflict, families, key) + "has two or more labels with the same name: ";
      return about_metric(conflict, families, key) + "has a label with an invalid name: " + label;
    case ConflictKind::kReservedLabel:
      return about_metric(conflict, families, key) + "must not have an explicit " + quoted_label + " label";
    case ConflictKind::kDuplicateLabel:
      return about_metric(conflict, families, key) + "has two or more labels with the same name: " + label;
    case ConflictKind::kInvalidMetricName:
      return go_quoted(cut(families.families[conflict.family].name)) + " is not a valid metric name";
    case ConflictKind::kNoConflict:
      break;
  }
  SLUICE_CHECK(false);
}

}  // namespace sluice::parser
