#include "parser/text_write.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>

#include "parser/text_exact.h"
#include "tests/parser/case_files.h"

namespace sluice::parser::test {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;

// Parses `body` and writes it back.
std::string rewritten(std::string_view body) {
  ExactTextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kUtf8, families);
  if (parser.step(Deadline::never()) != ExactTextParser::Step::kDone) return parser.error().text;
  std::string out;
  append_text(out, families);
  return out;
}

TEST(TextWrite, CanonicalTextComesBack) {
  for (const char* text : {
           "# HELP a two\\nlines \\\\ \"x\"\n# TYPE a counter\na{b=\"c\\n\\\"\\\\\",d=\"\"} 1.5e+06\na 0 -5\n",
           "# TYPE a gauge\na +Inf\na -Inf\na NaN\na 1e-05\na 123456\n",
           "# TYPE s summary\ns{x=\"y\",quantile=\"0.5\"} 1\ns_sum{x=\"y\"} 2\ns_count{x=\"y\"} 3\n",
           "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 2\nh_count 2\n",
           "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1.5\nh_bucket{le=\"+Inf\"} 2\nh_sum 2\nh_count 2.5\n",
           "# HELP \"a.b\" x\n# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n{\"a.b\",\"c\\\"d\"=\"e\"} 1\n",
           "# TYPE \"h.x\" histogram\n{\"h.x_bucket\",le=\"+Inf\"} 2\n{\"h.x_sum\"} 2\n{\"h.x_count\"} 2\n",
       }) {
    EXPECT_EQ(rewritten(text), text);
  }
}

TEST(TextWrite, WhatIsMissingIsAdded) {
  EXPECT_EQ(rewritten("a 1\n"), "# TYPE a untyped\na 1\n");
  EXPECT_EQ(rewritten("# TYPE a counter\n"), "");
  EXPECT_EQ(rewritten("# TYPE g gaugehistogram\ng_count 2\n"),
            "# TYPE g histogram\ng_bucket{le=\"+Inf\"} 2\ng_sum 0\ng_count 2\n");
  EXPECT_EQ(rewritten("# TYPE s summary\ns 2\n"), "# TYPE s summary\ns_sum 0\ns_count 0\n");
}

double number(simdjson::simdjson_result<element> value) {
  const std::string_view hex = value["bits"].get_string().value();
  uint64_t bits = 0;
  std::from_chars(hex.data() + 2, hex.data() + hex.size(), bits, 16);
  return std::bit_cast<double>(bits);
}

template <typename Integer>
Integer integer(std::string_view text) {
  Integer value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void add_points(model::Families& out, uint32_t metric, element content) {
  simdjson::dom::array points;
  if (content["quantiles"].get(points) == SUCCESS) {
    for (element item : points) {
      out.add_point(metric, {.bound = number(item.at(0)), .value = number(item.at(1))});
    }
  }
  if (content["buckets"].get(points) == SUCCESS) {
    for (element item : points) {
      model::Point point{.bound = number(item["le"])};
      std::string_view text;
      element part;
      if (item["count"].get(text) == SUCCESS) point.count = integer<uint64_t>(text);
      if (item["count_float"].get(part) == SUCCESS) point.value = number(item["count_float"]);
      out.add_point(metric, point);
    }
  }
}

void add_metric(model::Families& out, element json) {
  const uint32_t index = out.add_metric(0);
  for (element label : array_of(json["labels"])) {
    out.labels.push_back({out.arena.store(bytes_of(label.at(0))), out.arena.store(bytes_of(label.at(1)))});
  }
  model::Metric& metric = out.metrics[index];
  metric.labels_count = static_cast<uint32_t>(out.labels.size()) - metric.labels_begin;
  std::string_view text;
  if (json["timestamp_ms"].get(text) == SUCCESS) {
    metric.timestamp_ms = integer<int64_t>(text);
    metric.fields |= model::kHasTimestamp;
  }
  element content;
  for (const char* kind : {"counter", "gauge", "untyped"}) {
    if (json[kind].get(content) == SUCCESS) metric.value = number(json[kind]);
  }
  if (json["summary"].get(content) != SUCCESS && json["histogram"].get(content) != SUCCESS) return;
  element part;
  if (content["count"].get(text) == SUCCESS) metric.count = integer<uint64_t>(text);
  if (content["count_float"].get(part) == SUCCESS) metric.count_float = number(content["count_float"]);
  if (content["sum"].get(part) == SUCCESS) metric.sum = number(content["sum"]);
  add_points(out, index, content);
}

TEST(TextWrite, Recorded) {
  simdjson::dom::parser json;
  const auto document = load_cases(json, "text_create");
  if (!document) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  size_t compared = 0;
  for (element item : array_of((*document)["cases"])) {
    SCOPED_TRACE(std::string(item["id"].get_string().value()));
    std::string_view expected;
    if (item["expected_text_b64"].get(expected) != SUCCESS) continue;  // messages that no parser of ours produces
    model::Families families;
    model::Family& family = families.families.emplace_back();
    element in = item["metricfamily"].value();
    family.name = families.arena.store(bytes_of(in["name"].value()));
    element help;
    if (in["help"].get(help) == SUCCESS) {
      family.help = families.arena.store(bytes_of(help));
      family.has_help = true;
    }
    std::string_view type;
    if (in["type"].get(type) != SUCCESS) type = "COUNTER";
    constexpr std::string_view kTypes[] = {"COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"};
    family.type = static_cast<model::MetricType>(std::find(kTypes, kTypes + 6, type) - kTypes);
    for (element metric : array_of(in["metrics"])) add_metric(families, metric);
    std::string out;
    append_text(out, families);
    EXPECT_EQ(out, decode_base64(expected));
    ++compared;
  }
  EXPECT_GT(compared, 8u);
}

}  // namespace
}  // namespace sluice::parser::test
