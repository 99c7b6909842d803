// Records of pushes that came as text: which families have one, and what is in it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/model/protobuf_schema.h"
#include "parser/protobuf_text.h"
#include "tests/parser/canonical_testing.h"

namespace sluice::parser {
namespace {

// The contents of the metrics of all records, a line each.
std::string contents_of(const model::CanonicalPush& push) {
  std::string out;
  for (const model::CanonicalFamily& family : push.families) {
    std::string_view record = push.fragment(family).record();
    model::WireField metric;
    while (next_field(record, metric)) {
      EXPECT_EQ(metric.field(), 4u);
      std::string content = " ";  // no blank before the first field
      append_metric_content(content, metric.bytes, metric.bytes.size());
      out += content.substr(1) + '\n';
    }
    EXPECT_TRUE(record.empty());
  }
  return out;
}

// What a push of `body` records; the same in slices.
std::string recorded(std::string_view body) {
  const model::GroupKey key = make_key({{"job", "j"}});
  model::Families families;
  EXPECT_TRUE(parse_text(body, NameScheme::kUtf8, families)) << body;
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  EXPECT_EQ(canonicalise(canonicaliser, families, key, push), Canonicaliser::State::kDone) << body;
  std::string whole = contents_of(push);
  EXPECT_EQ(canonicalise(canonicaliser, families, key, push, Deadline{0}), Canonicaliser::State::kDone) << body;
  EXPECT_EQ(contents_of(push), whole);
  return whole;
}

TEST(CanonicalRecord, TextThatSaysEverythingHasNone) {
  EXPECT_EQ(recorded("a 0\na{b=\"1\"} NaN\n# TYPE c counter\nc -Inf\n{\"d.e\"} 1e300\n"), "");
  EXPECT_EQ(recorded("# TYPE s summary\ns{quantile=\"0.5\"} 0\ns_sum 0\ns_count 9007199254740992\n"), "");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n"), "");
}

TEST(CanonicalRecord, NegativeZeros) {
  EXPECT_EQ(recorded("a -0\na{b=\"1\"} 2\n"), "untyped:{value:-0}\nuntyped:{value:2}\n");
  EXPECT_EQ(recorded("# TYPE a gauge\na -0.0\n# TYPE b gauge\nb 1\n"), "gauge:{value:-0}\n");
  EXPECT_EQ(recorded("# TYPE a counter\na -0e5\n"), "counter:{value:-0}\n");
  EXPECT_EQ(recorded("# TYPE s summary\ns_sum -0\ns_count 1\n"), "summary:{sample_count:1 sample_sum:-0}\n");
  EXPECT_EQ(recorded("# TYPE s summary\ns{quantile=\"0.5\"} -0\ns_sum 1\ns_count 1\n"),
            "summary:{sample_count:1 sample_sum:1 quantile:{quantile:0.5 value:-0}}\n");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"-0\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n"),
            "histogram:{sample_count:0 sample_sum:0 bucket:{cumulative_count:0 upper_bound:-0} "
            "bucket:{cumulative_count:0 upper_bound:inf}}\n");
}

TEST(CanonicalRecord, WhatDidNotCome) {
  EXPECT_EQ(recorded("# TYPE s summary\ns_sum 1\n"), "summary:{sample_sum:1}\n");
  EXPECT_EQ(recorded("# TYPE s summary\ns_count 1\n"), "summary:{sample_count:1}\n");
  EXPECT_EQ(recorded("# TYPE s summary\ns{quantile=\"1\"} 2\n"), "summary:{quantile:{quantile:1 value:2}}\n");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 1\nh_count 3\n"),
            "histogram:{sample_count:3 sample_sum:1 bucket:{cumulative_count:2 upper_bound:1}}\n");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n"),
            "histogram:{bucket:{cumulative_count:2 upper_bound:inf}}\n");
}

TEST(CanonicalRecord, CountsThatAreNoSmallIntegers) {
  EXPECT_EQ(recorded("# TYPE s summary\ns_sum 1\ns_count 9007199254740994\n"),
            "summary:{sample_count:9007199254740994 sample_sum:1}\n");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"1\"} 0.5\nh_bucket{le=\"+Inf\"} 2\nh_sum 4\nh_count 2\n"),
            "histogram:{sample_count_float:2 sample_sum:4 bucket:{cumulative_count_float:0.5 upper_bound:1} "
            "bucket:{cumulative_count_float:2 upper_bound:inf}}\n");
  EXPECT_EQ(recorded("# TYPE h histogram\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 2\nh_sum 4\nh_count 2.5\n"),
            "histogram:{sample_count_float:2.5 sample_sum:4 bucket:{cumulative_count_float:0 upper_bound:1} "
            "bucket:{cumulative_count_float:2 upper_bound:inf}}\n");
  // Two lines, of which the second does not take the first away.
  EXPECT_EQ(recorded("# TYPE h histogram\nh_count 5\nh_count 0.5\n"),
            "histogram:{sample_count:5 sample_count_float:0.5}\n");
}

TEST(CanonicalRecord, HasTheLabelsOfTheGroupAndTheOrderOfTheText) {
  const model::GroupKey key = make_key({{"job", "j"}});
  model::Families families;
  ASSERT_TRUE(parse_text("a{x=\"2\"} -0\na{x=\"1\\n\"} 1\na 3\n", NameScheme::kLegacy, families));
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  ASSERT_EQ(canonicalise(canonicaliser, families, key, push), Canonicaliser::State::kDone);
  const model::Fragment fragment = push.fragment(push.families.at(0));
  EXPECT_EQ(
      fragment.text(),
      "a{instance=\"\",job=\"j\"} 3\na{instance=\"\",job=\"j\",x=\"1\\n\"} 1\na{instance=\"\",job=\"j\",x=\"2\"} 0\n");
  std::string labels;
  std::string_view record = fragment.record();
  model::WireField metric;
  while (next_field(record, metric)) {
    model::WireField label;
    model::WireField part;
    while (next_field(metric.bytes, label)) {
      if (label.field() != 1) continue;
      while (next_field(label.bytes, part)) labels += std::string(part.bytes) + ' ';
    }
    labels += '|';
  }
  EXPECT_EQ(labels, "instance  job j |instance  job j x 1\n |instance  job j x 2 |");
}

TEST(CanonicalRecord, ManyPointsInSlices) {
  std::string body = "# TYPE h histogram\n";
  std::string wanted = "histogram:{";
  for (int i = 0; i < 5000; ++i) {
    const std::string number = std::to_string(i);
    body += "h_bucket{le=\"" + number + "\"} " + number + "\n";
    wanted += (i == 0 ? "" : " ") + ("bucket:{cumulative_count:" + number + " upper_bound:" + number + "}");
  }
  EXPECT_TRUE(recorded(body) == wanted + "}\n");
}

}  // namespace
}  // namespace sluice::parser
