#include "parser/conflict_text.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/prototext.h"
#include "parser/canonical.h"
#include "parser/text_exact.h"
#include "tests/parser/case_files.h"

namespace sluice::parser::test {
namespace {

using model::Conflict;
using model::ConflictKind;
using model::GroupKey;
using model::MetricType;

// Parses a body and words conflicts about it; family and metric 0 unless said otherwise.
class ConflictText : public testing::Test {
 protected:
  void push(std::string_view body) {
    body_ = body;
    parser_.start(body_, NameScheme::kUtf8, families_);
    ASSERT_EQ(parser_.step(Deadline::never()), ExactTextParser::Step::kDone) << parser_.error().text;
  }

  static Conflict of(ConflictKind kind, uint32_t family) {
    Conflict conflict;
    conflict.kind = kind;
    conflict.family = family;
    return conflict;
  }

  std::string text(ConflictKind kind, std::string label = {}) {
    Conflict conflict = of(kind, 0);
    conflict.metric = 0;
    conflict.label = std::move(label);
    return conflict_text(conflict, families_, key_);
  }

  std::string body_;
  ExactTextParser parser_;
  model::Families families_;
  GroupKey key_ = GroupKey::from_labels({{"job", "t"}});
};

TEST_F(ConflictText, Messages) {
  push("a{z=\"1\",b=\"\\n\"} -0\n");
  const std::string metric = R"(collected metric "a" { label:{name:"b" value:"\n"} label:{name:"instance" value:""} )"
                             R"(label:{name:"job" value:"t"} label:{name:"z" value:"1"} untyped:{value:-0}} )";
  EXPECT_EQ(text(ConflictKind::kTimestamp), "pushed metrics must not have timestamps");
  EXPECT_EQ(text(ConflictKind::kDuplicateSeries), metric + "was collected before with the same name and label values");
  EXPECT_EQ(text(ConflictKind::kInvalidLabelName, "__x"), metric + "has a label with an invalid name: __x");
  EXPECT_EQ(text(ConflictKind::kReservedLabel, "quantile"), metric + "must not have an explicit \"quantile\" label");
  EXPECT_EQ(text(ConflictKind::kDuplicateLabel, "z"), metric + "has two or more labels with the same name: z");
  EXPECT_EQ(text(ConflictKind::kInvalidUtf8, "b"), metric + "has a label named \"b\" whose value is not utf8: \"\\n\"");
  EXPECT_EQ(text(ConflictKind::kMetricShape), metric + "is not a UNTYPED");
  EXPECT_EQ(text(ConflictKind::kInvalidMetricName), "\"a\" is not a valid metric name");
}

TEST_F(ConflictText, Types) {
  push("# TYPE a counter\na{instance=\"i\",job=\"x\"} 1e6\n");
  Conflict conflict = of(ConflictKind::kTypeMismatch, 0);
  conflict.other_type = MetricType::kGauge;
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            R"(collected metric "a" { label:{name:"instance" value:"i"} label:{name:"job" value:"t"} )"
            R"(counter:{value:1e+06}} is not a GAUGE)");
  conflict.other_is_own = true;
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            "gathered metric family a has type COUNTER but should have GAUGE");
}

TEST_F(ConflictText, Collisions) {
  push("# TYPE a summary\na_sum 1\nb_count 1\n");
  Conflict conflict = of(ConflictKind::kSuffixCollision, 0);
  conflict.other_name = "a_sum";
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            "collected histogram or summary named \"a\" collides with previously collected metric named \"a_sum\"");
  conflict.other_name = "a_bucket";
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            "collected histogram named \"a\" collides with previously collected metric named \"a_bucket\"");
  conflict.family = 1;
  conflict.other_name = "b";
  conflict.other_type = MetricType::kSummary;
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            "collected metric named \"b_count\" collides with previously collected summary named \"b\"");
  conflict.other_type = MetricType::kHistogram;
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            "collected metric named \"b_count\" collides with previously collected histogram named \"b\"");
}

TEST_F(ConflictText, SummariesAndHistograms) {
  push("# TYPE a summary\na{quantile=\"0.5\"} nan\na{quantile=\"1\"} -inf\na_sum 1\na_count 2\n");
  std::string out;
  append_prototext(out, families_, families_.metrics[0], key_);
  EXPECT_EQ(out,
            R"(label:{name:"instance" value:""} label:{name:"job" value:"t"} summary:{sample_count:2 sample_sum:1 )"
            R"(quantile:{quantile:0.5 value:nan} quantile:{quantile:1 value:-inf}})");
  push("# TYPE a histogram\na_bucket{le=\"0.5\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 2\n");
  out.clear();
  append_prototext(out, families_, families_.metrics[0], key_);
  EXPECT_EQ(out,
            R"(label:{name:"instance" value:""} label:{name:"job" value:"t"} histogram:{sample_count:2 sample_sum:1 )"
            R"(bucket:{cumulative_count:1 upper_bound:0.5} bucket:{cumulative_count:2 upper_bound:inf}})");
  push("# TYPE a histogram\na_bucket{le=\"0.5\"} 1.5\n");
  out.clear();
  append_prototext(out, families_, families_.metrics[0], key_);
  EXPECT_EQ(out, R"(label:{name:"instance" value:""} label:{name:"job" value:"t"} histogram:{sample_count_float:0 )"
                 R"(bucket:{cumulative_count_float:1.5 upper_bound:0.5}})");
}

TEST_F(ConflictText, OfTheKeyItself) {
  push("a 1\n");
  key_ = GroupKey::from_labels({{"job", "\xff"}});
  Conflict conflict = of(ConflictKind::kInvalidUtf8, model::kNone);
  conflict.label = "job";
  EXPECT_EQ(conflict_text(conflict, families_, key_),
            R"(collected metric "push_failure_time_seconds" { label:{name:"instance" value:""} )"
            R"(label:{name:"job" value:"\xff"} gauge:{value:0}} has a label named "job" whose value is not utf8: )"
            R"("\xff")");
}

TEST(Prototext, Strings) {
  std::string out;
  append_prototext_string(out, std::string_view("a\"\\\n\r\t\0\x7f\x80\u0080\u009f\u00a0\u00e9", 17));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\r\\t\\x00\\x7f\\x80\\u0080\\u009f\u00a0\u00e9\"");
}

std::string with_single_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

// What a push of `body` into an empty gateway answers, as far as the push alone decides it.
std::string answer(std::string_view body, NameScheme scheme) {
  ExactTextParser parser;
  model::Families families;
  parser.start(body, scheme, families);
  if (parser.step(Deadline::never()) == ExactTextParser::Step::kError) return parser.error().text + "\n";
  const GroupKey key = GroupKey::from_labels({{"job", "t"}});
  model::CanonicalPush push;
  Canonicaliser canonicaliser;
  canonicaliser.begin(families, key, push);
  if (canonicaliser.step(Deadline::never()) != Canonicaliser::State::kConflict) return {};
  return kConflictPrefix + conflict_text(canonicaliser.conflict(), families, key) + "\n";
}

std::map<std::string, std::string> recorded_inputs() {
  std::map<std::string, std::string> inputs;
  for (const char* file : {"expfmt_text_parse", "expfmt_edge_oracle", "expfmt_fuzz_corpus", "openmetrics_testdata",
                           "prom_textparse", "client_python_parsers"}) {
    simdjson::dom::parser json;
    const auto document = load_cases(json, file);
    if (!document) return {};
    for (simdjson::dom::element item : array_of((*document)["cases"])) {
      inputs[std::string(item["id"].get_string().value())] = decode_base64(item["input_b64"].get_string().value());
    }
  }
  return inputs;
}

TEST(ConflictTextRecorded, PushesAnswerAsTheReference) {
  simdjson::dom::parser json;
  const auto document = load_cases(json, "pushgateway_push_results");
  const std::map<std::string, std::string> inputs = recorded_inputs();
  if (!document || inputs.empty()) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  size_t conflicts = 0;
  simdjson::dom::object all;
  ASSERT_EQ((*document)["results"].get(all), simdjson::SUCCESS);
  for (const auto [id, results] : all) {
    SCOPED_TRACE(std::string(id));
    for (const char* scheme : {"legacy", "utf8"}) {
      simdjson::dom::element result;
      if (results[scheme].get(result) != simdjson::SUCCESS) continue;
      std::string_view body;
      if (result["body"].get(body) != simdjson::SUCCESS &&
          result["body_ws_normalized"].get(body) != simdjson::SUCCESS) {
        body = {};
      }
      const std::string expected = with_single_blanks(body);
      if (expected.find("gathered metric family") != std::string::npos) continue;  // conflicts with own families
      const std::string ours = with_single_blanks(
          answer(inputs.at(std::string(id)), scheme[0] == 'u' ? NameScheme::kUtf8 : NameScheme::kLegacy));
      conflicts += expected.starts_with(kConflictPrefix);
      if (expected.find("error(s) occurred") == std::string::npos) {
        EXPECT_EQ(ours, expected);
        continue;
      }
      // Of several conflicts we name one. Which of two colliding families is the previous one is random there.
      if (expected.find("collides with previously") != std::string::npos) {
        EXPECT_NE(ours.find("collides with previously"), std::string::npos) << ours;
        continue;
      }
      const std::string line = "\n* " + ours.substr(std::string_view(kConflictPrefix).size());
      EXPECT_NE(expected.find(line), std::string::npos) << ours << " is not in " << expected;
    }
  }
  EXPECT_GT(conflicts, 50u);
}

}  // namespace
}  // namespace sluice::parser::test
