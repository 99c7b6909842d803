// Protobuf scrapes over snapshots made by hand: each form from text and from records, escapings, slices.
#include "core/render/protobuf_renderer.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/protobuf_wire.h"
#include "core/model/protobuf_schema.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

using model::MetricType;
using protozero::pbf_writer;

std::string drain(ByteSource& source, const std::vector<size_t>& capacities, Deadline deadline) {
  std::string out;
  std::vector<char> buffer(*std::ranges::max_element(capacities) + 1, '#');
  for (size_t i = 0;; ++i) {
    const size_t capacity = capacities[i % capacities.size()];
    buffer[capacity] = '#';
    size_t used = 0;
    const auto state = source.produce(buffer.data(), capacity, used, deadline);
    EXPECT_LE(used, capacity);
    EXPECT_EQ(buffer[capacity], '#');
    out.append(buffer.data(), used);
    if (state == ByteSource::State::kDone) return out;
  }
}

std::string render(const FakeSnapshot& snapshot, ProtobufForm form, NameEscaping escaping = NameEscaping::kNone,
                   std::vector<OwnFamily> own = {}) {
  ProtobufRenderer renderer(snapshot.buckets(), std::move(own), form, escaping);
  return drain(renderer, {1 << 20}, Deadline::never());
}

template <typename Fill>
std::string message(Fill fill) {
  std::string out;
  pbf_writer writer(out);
  fill(writer);
  return out;
}

void add_label(pbf_writer& metric, const std::string& name, const std::string& value) {
  metric.add_message(1, message([&](pbf_writer& label) {
                       label.add_string(1, name);
                       label.add_string(2, value);
                     }));
}

// A native histogram with all that text does not say, its fields in an order of their own.
std::string native_record(const std::string& label_name) {
  return message([&](pbf_writer& family) {
    family.add_message(4, message([&](pbf_writer& metric) {
                         add_label(metric, label_name, "x");
                         add_label(metric, "job", "t");
                         metric.add_message(7, message([](pbf_writer& histogram) {
                                              histogram.add_sint32(5, -1);
                                              histogram.add_double(2, 99.23);
                                              histogram.add_uint64(1, 20);
                                              histogram.add_double(6, 0.001);
                                              const int64_t deltas[] = {2, -1, 3};
                                              histogram.add_packed_sint64(13, deltas, deltas + 3);
                                              histogram.add_sint64(10, -4);
                                              histogram.add_message(12, message([](pbf_writer& span) {
                                                                      span.add_sint32(1, -3);
                                                                      span.add_uint32(2, 3);
                                                                    }));
                                              histogram.add_message(16, message([](pbf_writer& exemplar) {
                                                                      add_label(exemplar, "trace.id", "\"");
                                                                      exemplar.add_double(2, 0.5);
                                                                    }));
                                            }));
                       }));
  });
}

constexpr const char* kNativeText =
    "histogram:{sample_count:20 sample_sum:99.23 schema:-1 zero_threshold:0.001 negative_delta:-4 "
    "positive_span:{offset:-3 length:3} positive_delta:2 positive_delta:-1 positive_delta:3 "
    "exemplars:{label:{name:\"trace.id\" value:\"\\\"\"} value:0.5}}";

// Every kind, two groups, a record, names to be escaped.
FakeSnapshot all_kinds() {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"c", "h\n\"", true, MetricType::kCounter},
                                           {"g.x", "", true, MetricType::kGauge},
                                           {"h", "", false, MetricType::kHistogram},
                                           {"n.h", "", false, MetricType::kHistogram},
                                           {"s.s", "", false, MetricType::kSummary}});
  snapshot.add_group(
      shape, "instance=\"\",job=\"t\"",
      {"c{job=\"t\"} 1e+06\nc{job=\"t\",l=\"a\\\\b\\\"c\\nd\u00e9\"} +Inf\n",
       "{\"g.x\",job=\"t\",\"l.m_n\"=\"1\"} -1.5\n",
       "h_bucket{job=\"t\",le=\"0.5\"} 1\nh_bucket{job=\"t\",le=\"+Inf\"} 300\nh_sum{job=\"t\"} NaN\n"
       "h_count{job=\"t\"} 300\n",
       "{\"n.h_bucket\",\"a.b\"=\"x\",job=\"t\",le=\"+Inf\"} 20\n",
       "{\"s.s\",job=\"t\",quantile=\"0.5\"} 7\n{\"s.s_sum\",job=\"t\"} 1\n{\"s.s_count\",job=\"t\"} 2\n"},
      1'500'000'000, 0, {"", "", "", native_record("a.b")});
  const size_t other = snapshot.add_shape({{"c", "", false, MetricType::kCounter}});
  snapshot.add_group(other, "instance=\"\",job=\"u\"", {"c{job=\"u\"} 2\n"});
  return snapshot;
}

TEST(ProtobufRender, CompactTextIsGosPrototext) {
  EXPECT_EQ(
      render(all_kinds(), ProtobufForm::kCompactText),
      "name:\"c\" help:\"h\\n\\\"\" type:COUNTER metric:{label:{name:\"job\" value:\"t\"} counter:{value:1e+06}} "
      "metric:{label:{name:\"job\" value:\"t\"} label:{name:\"l\" value:\"a\\\\b\\\"c\\nd\u00e9\"} "
      "counter:{value:inf}} "
      "metric:{label:{name:\"job\" value:\"u\"} counter:{value:2}}\n"
      "name:\"g.x\" help:\"\" type:GAUGE metric:{label:{name:\"job\" value:\"t\"} "
      "label:{name:\"l.m_n\" value:\"1\"} gauge:{value:-1.5}}\n"
      "name:\"h\" type:HISTOGRAM metric:{label:{name:\"job\" value:\"t\"} histogram:{sample_count:300 sample_sum:nan "
      "bucket:{cumulative_count:1 upper_bound:0.5} bucket:{cumulative_count:300 upper_bound:inf}}}\n"
      "name:\"n.h\" type:HISTOGRAM metric:{label:{name:\"a.b\" value:\"x\"} label:{name:\"job\" value:\"t\"} " +
          std::string(kNativeText) +
          "}\n"
          "name:\"push_failure_time_seconds\" help:\"" +
          std::string(kPushFailureTimeHelp) +
          "\" type:GAUGE metric:{label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"t\"} "
          "gauge:{value:0}} "
          "metric:{label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"u\"} gauge:{value:0}}\n"
          "name:\"push_time_seconds\" help:\"" +
          std::string(kPushTimeHelp) +
          "\" type:GAUGE metric:{label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"t\"} "
          "gauge:{value:1.5}} metric:{label:{name:\"instance\" value:\"\"} label:{name:\"job\" value:\"u\"} "
          "gauge:{value:0}}\n"
          "name:\"s.s\" type:SUMMARY metric:{label:{name:\"job\" value:\"t\"} summary:{sample_count:2 sample_sum:1 "
          "quantile:{quantile:0.5 value:7}}}\n");
}

TEST(ProtobufRender, TextHasALineForEachField) {
  FakeSnapshot snapshot;
  EXPECT_EQ(render(snapshot, ProtobufForm::kText, NameEscaping::kNone,
                   {{"a", "h", MetricType::kSummary, "a_sum 1\na_count 2\n"},
                    {"b", "", MetricType::kUntyped, "b{x=\"y\"} 1\nb 2\n"}}),
            "name: \"a\"\nhelp: \"h\"\ntype: SUMMARY\nmetric: {\n  summary: {\n    sample_count: 2\n    sample_sum: 1\n"
            "  }\n}\n\n"
            "name: \"b\"\nhelp: \"\"\ntype: UNTYPED\nmetric: {\n  label: {\n    name: \"x\"\n    value: \"y\"\n  }\n"
            "  untyped: {\n    value: 1\n  }\n}\nmetric: {\n  untyped: {\n    value: 2\n  }\n}\n\n");
}

// A delimited scrape as compact text, read by the record's printer, so that the ways to each form check one another.
std::string compact(std::string_view scrape) {
  std::string out;
  PrototextWriter writer(out, false);
  RecordPrototext metrics(writer);
  while (!scrape.empty()) {
    uint64_t bytes = 0;
    const char* at = scrape.data();
    EXPECT_EQ(read_varint(at, at + scrape.size(), bytes), VarintResult::kDone);
    scrape.remove_prefix(static_cast<size_t>(at - scrape.data()));
    EXPECT_LE(bytes, scrape.size());
    std::string_view family = scrape.substr(0, bytes);
    scrape.remove_prefix(family.size());
    writer.begin_top();
    constexpr const char* kTypes[] = {"COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"};
    model::WireField field;
    while (!family.empty() && family.front() != 0x22 && next_field(family, field)) {
      writer.name(field.field() == 1 ? "name" : field.field() == 2 ? "help" : "type");
      field.field() == 3 ? writer.literal(kTypes[field.number]) : writer.string(field.bytes);
    }
    metrics.begin_family("", MetricType::kUntyped, NameEscaping::kNone);
    metrics.start(family, false);
    uint32_t work = 0;
    std::string none;
    while (!metrics.write(none, work)) work = 0;
    writer.end_top();
  }
  return out;
}

TEST(ProtobufRender, DelimitedSaysTheSameAsText) {
  const FakeSnapshot snapshot = all_kinds();
  for (const auto escaping :
       {NameEscaping::kNone, NameEscaping::kUnderscores, NameEscaping::kDots, NameEscaping::kValues}) {
    EXPECT_EQ(compact(render(snapshot, ProtobufForm::kDelimited, escaping)),
              render(snapshot, ProtobufForm::kCompactText, escaping));
  }
}

TEST(ProtobufRender, EscapesNamesOfFamiliesAndLabels) {
  const FakeSnapshot snapshot = all_kinds();
  const auto shows = [&](NameEscaping escaping, const std::string& text) {
    EXPECT_NE(render(snapshot, ProtobufForm::kCompactText, escaping).find(text), std::string::npos) << text;
  };
  shows(NameEscaping::kUnderscores,
        "name:\"g_x\" help:\"\" type:GAUGE metric:{label:{name:\"job\" value:\"t\"} "
        "label:{name:\"l_m_n\" value:\"1\"}");
  shows(NameEscaping::kDots, "label:{name:\"l_dot_m__n\" value:\"1\"}");
  shows(NameEscaping::kValues, "name:\"U__g_2e_x\"");
  // Of the record, the labels of the metric and not those of its exemplars.
  const std::string native = " label:{name:\"job\" value:\"t\"} " + std::string(kNativeText);
  shows(NameEscaping::kUnderscores, "name:\"n_h\" type:HISTOGRAM metric:{label:{name:\"a_b\" value:\"x\"}" + native);
  shows(NameEscaping::kValues,
        "name:\"U__n_2e_h\" type:HISTOGRAM metric:{label:{name:\"U__a_2e_b\" value:\"x\"}" + native);
}

// Long values with escapes and characters of several bytes, many metrics, a histogram of many buckets, a long record.
FakeSnapshot long_ones() {
  FakeSnapshot snapshot;
  std::string value;
  std::mt19937_64 random(3);
  while (value.size() < 100'000) {
    constexpr const char* kPieces[] = {"\\\\", "\\\"", "\\n", "\u00e9", "\u20ac", "\U0001f600", "plain ", "\x01"};
    value += kPieces[random() % std::size(kPieces)];
  }
  std::string gauges;
  for (int i = 0; i < 3000; ++i) gauges += "g{job=\"t\",l=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
  std::string buckets;
  for (int i = 0; i < 3000; ++i) {
    buckets += "h_bucket{job=\"t\",le=\"" + std::to_string(i) + "\"} " + std::to_string(i * 77) + "\n";
  }
  const std::string record = message([&](pbf_writer& family) {
    for (int i = 0; i < 200; ++i) {
      family.add_message(4, message([&](pbf_writer& metric) {
                           add_label(metric, "a.b", i == 7 ? std::string(60'000, 'x') + "\u20ac" : "v");
                           metric.add_message(2, message([](pbf_writer& gauge) { gauge.add_double(1, -0.0); }));
                         }));
    }
  });
  const size_t shape = snapshot.add_shape({{"a", "", false, MetricType::kUntyped},
                                           {"g", "", false, MetricType::kGauge},
                                           {"h", "", false, MetricType::kHistogram},
                                           {"r", "", false, MetricType::kGauge}});
  for (int group = 0; group < 3; ++group) {
    snapshot.add_group(shape, "instance=\"\",job=\"" + std::to_string(group) + "\"",
                       {"a{job=\"t\",l=\"" + value + "\"} 1\na{\"l.x\"=\"" + value + "\"} 2\n", gauges,
                        buckets + "h_sum{job=\"t\"} 5\nh_count{job=\"t\"} 300000\n", "r{\"a.b\"=\"v\"} 0\n"},
                       0, 0, {"", "", "", record});
  }
  return snapshot;
}

TEST(ProtobufRender, AnySlicingGivesTheSameBytes) {
  const FakeSnapshot snapshot = long_ones();
  const std::string text = render(snapshot, ProtobufForm::kCompactText, NameEscaping::kDots);
  EXPECT_TRUE(compact(render(snapshot, ProtobufForm::kDelimited, NameEscaping::kDots)) == text);
  for (const auto form : {ProtobufForm::kDelimited, ProtobufForm::kText, ProtobufForm::kCompactText}) {
    const std::string whole = render(snapshot, form, NameEscaping::kDots);
    ASSERT_GT(whole.size(), 1u << 20);
    for (const std::vector<size_t>& capacities : {std::vector<size_t>{4096}, {1000, 70'000, 37}, {300 << 10}}) {
      ProtobufRenderer sliced(snapshot.buckets(), {}, form, NameEscaping::kDots);
      ASSERT_TRUE(drain(sliced, capacities, Deadline{0}) == whole);
    }
  }
}

TEST(ProtobufRender, LeavesOutFragmentsOfAnotherTypeAndCountsThemOnce) {
  FakeSnapshot snapshot;
  const size_t gauge = snapshot.add_shape({{"a", "", false, MetricType::kGauge}});
  const size_t counter = snapshot.add_shape({{"a", "", false, MetricType::kCounter}});
  snapshot.add_group(gauge, "job=\"1\"", {"a{x=\"1\"} 1\n"});
  snapshot.add_group(counter, "job=\"2\"", {"a{x=\"2\"} 1\n"});
  snapshot.add_group(counter, "job=\"3\"", {"a{x=\"3\"} 1\n"});
  ProtobufRenderer renderer(snapshot.buckets(), {}, ProtobufForm::kDelimited, NameEscaping::kNone);
  EXPECT_TRUE(compact(drain(renderer, {1 << 20}, Deadline::never()))
                  .starts_with("name:\"a\" type:COUNTER metric:{label:{name:\"x\" value:\"2\"} counter:{value:1}} "
                               "metric:{label:{name:\"x\" value:\"3\"} counter:{value:1}}\n"));
  EXPECT_EQ(renderer.left_out(), 1u);
}

TEST(ProtobufRender, ReportsTwoHelpsOfAFamily) {
  FakeSnapshot snapshot;
  for (const char* help : {"one", "two", "one"}) {
    snapshot.add_group(snapshot.add_shape({{"a", help, true}, {"b", "same", true}}), "", {"a{} 1\n", "b{} 1\n"});
  }
  snapshot.add_group(snapshot.add_shape({{"c", "", false}}), "", {"c{} 1\n"});
  snapshot.add_group(snapshot.add_shape({{"c", "late", true}, {"o", "theirs", true}}), "", {"c{} 1\n", "o{} 1\n"});
  std::string seen;
  ProtobufRenderer renderer(snapshot.buckets(), {{"o", "ours", MetricType::kUntyped, "o 1\n"}},
                            ProtobufForm::kDelimited, NameEscaping::kNone, [&](const HelpConflict& conflict) {
                              seen += std::string(conflict.family) + ":" + std::string(conflict.shown) + "/" +
                                      std::string(conflict.other) + " ";
                            });
  static_cast<void>(drain(renderer, {1 << 20}, Deadline::never()));
  EXPECT_EQ(seen, "a:one/two c:late/ o:ours/theirs ");
}

}  // namespace
}  // namespace sluice::render
