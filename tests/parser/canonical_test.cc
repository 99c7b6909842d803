// The canonicaliser on cases of our own: order, labels, numbers, names, conflicts, slices, and the form of a fragment.
#include "parser/canonical.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "parser/canonical_escape.h"
#include "tests/parser/canonical_testing.h"

namespace sluice::parser {
namespace {

using model::Conflict;
using model::ConflictKind;
using State = Canonicaliser::State;

struct Outcome {
  State state = State::kMore;
  std::string text;
  Conflict conflict;
  std::vector<std::string> families;
};

Outcome push(std::string_view body, std::vector<model::LabelPair> key = {{"job", "t"}},
             NameScheme scheme = NameScheme::kLegacy) {
  model::Families families;
  EXPECT_TRUE(parse_text(body, scheme, families)) << body;
  const model::GroupKey group = make_key(std::move(key));
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  Outcome outcome;
  outcome.state = canonicalise(canonicaliser, families, group, out);
  if (outcome.state == State::kDone) outcome.text = text_of(out);
  outcome.conflict = canonicaliser.conflict();
  for (const auto& family : out.families) outcome.families.emplace_back(family.name);
  return outcome;
}

std::string lines(std::string_view body, std::vector<model::LabelPair> key = {{"job", "t"}}) {
  const Outcome outcome = push(body, std::move(key));
  EXPECT_EQ(outcome.state, State::kDone);
  return outcome.text;
}

TEST(Canonical, AppliesTheGroupingKey) {
  EXPECT_EQ(lines("a 1\n"), "a{instance=\"\",job=\"t\"} 1\n");
  EXPECT_EQ(lines("a{job=\"other\",z=\"1\",b=\"2\"} 1\n"), "a{b=\"2\",instance=\"\",job=\"t\",z=\"1\"} 1\n");
  EXPECT_EQ(lines("a{instance=\"i\"} 1\n"), "a{instance=\"i\",job=\"t\"} 1\n");
  EXPECT_EQ(lines("a{instance=\"i\",zone=\"body\"} 1\n", {{"job", "t"}, {"instance", "k"}, {"zone", ""}}),
            "a{instance=\"k\",job=\"t\",zone=\"\"} 1\n");
  EXPECT_EQ(lines("a 1\n", {{"job", "a\"b\\c\nd"}}), "a{instance=\"\",job=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Canonical, KeepsAnEmptyLabelApartFromNone) {
  EXPECT_EQ(lines("a{x=\"\"} 2\na 1\n"), "a{instance=\"\",job=\"t\"} 1\na{instance=\"\",job=\"t\",x=\"\"} 2\n");
}

TEST(Canonical, SortsFamiliesAndMetrics) {
  const Outcome outcome = push("b 1\na{x=\"2\"} 1\na{x=\"1\"} 2\na{x=\"1\",y=\"0\"} 3\na{w=\"15\"} 4\na 5\n");
  ASSERT_EQ(outcome.state, State::kDone);
  EXPECT_EQ(outcome.families, (std::vector<std::string>{"a", "b"}));
  // By number of labels, then by values in the order of the sorted names.
  EXPECT_EQ(outcome.text,
            "a{instance=\"\",job=\"t\"} 5\n"
            "a{instance=\"\",job=\"t\",x=\"1\"} 2\n"
            "a{instance=\"\",job=\"t\",w=\"15\"} 4\n"
            "a{instance=\"\",job=\"t\",x=\"2\"} 1\n"
            "a{instance=\"\",job=\"t\",x=\"1\",y=\"0\"} 3\n"
            "b{instance=\"\",job=\"t\"} 1\n");
}

TEST(Canonical, DropsEmptyFamiliesAndThePushTimes) {
  const Outcome outcome = push(
      "# TYPE nothing counter\n# TYPE push_time_seconds summary\npush_time_seconds_sum 3\n"
      "push_failure_time_seconds{a=\"b\"} 4\nx 1\n");
  ASSERT_EQ(outcome.state, State::kDone);
  EXPECT_EQ(outcome.families, std::vector<std::string>{"x"});
  EXPECT_EQ(push("").state, State::kDone);
  EXPECT_TRUE(push("").families.empty());
}

TEST(Canonical, SpellsNumbersAsGo) {
  EXPECT_EQ(lines("a 1.0\nb 1e6\nc -0\nd +Inf\ne nan\nf 0.00001\ng 123456.5\nh 1700000000\ni 0.0001\nj 1234567\n"),
            "a{instance=\"\",job=\"t\"} 1\nb{instance=\"\",job=\"t\"} 1e+06\nc{instance=\"\",job=\"t\"} 0\n"
            "d{instance=\"\",job=\"t\"} +Inf\ne{instance=\"\",job=\"t\"} NaN\nf{instance=\"\",job=\"t\"} 1e-05\n"
            "g{instance=\"\",job=\"t\"} 123456.5\nh{instance=\"\",job=\"t\"} 1.7e+09\n"
            "i{instance=\"\",job=\"t\"} 0.0001\nj{instance=\"\",job=\"t\"} 1.234567e+06\n");
}

TEST(Canonical, WritesSummariesAndHistograms) {
  EXPECT_EQ(lines("# TYPE s summary\ns{quantile=\"0.50\"} 1.50\ns{quantile=\"0.9\"} 2\ns_sum 3\ns_count 4\n"),
            "s{instance=\"\",job=\"t\",quantile=\"0.5\"} 1.5\n"
            "s{instance=\"\",job=\"t\",quantile=\"0.9\"} 2\n"
            "s_sum{instance=\"\",job=\"t\"} 3\n"
            "s_count{instance=\"\",job=\"t\"} 4\n");
  EXPECT_EQ(lines("# TYPE h histogram\nh_bucket{le=\"1.0\",z=\"a\"} 2\nh_sum{z=\"a\"} 3\nh_count{z=\"a\"} 4\n"),
            "h_bucket{instance=\"\",job=\"t\",z=\"a\",le=\"1\"} 2\n"
            "h_bucket{instance=\"\",job=\"t\",z=\"a\",le=\"+Inf\"} 4\n"
            "h_sum{instance=\"\",job=\"t\",z=\"a\"} 3\n"
            "h_count{instance=\"\",job=\"t\",z=\"a\"} 4\n");
  EXPECT_EQ(lines("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2.5\nh_bucket{le=\"1\"} 1\nh_sum 3\n"),
            "h_bucket{instance=\"\",job=\"t\",le=\"+Inf\"} 2.5\n"
            "h_bucket{instance=\"\",job=\"t\",le=\"1\"} 1\n"
            "h_sum{instance=\"\",job=\"t\"} 3\n"
            "h_count{instance=\"\",job=\"t\"} 0\n");
}

TEST(Canonical, QuotesNamesThatAreNotLegacy) {
  const Outcome outcome = push("{\"a.b\",\"c.d\"=\"e\",f=\"g\"} 1\n# TYPE \"h.h\" summary\n{\"h.h_sum\"} 1\n",
                               {{"job", "t"}}, NameScheme::kUtf8);
  ASSERT_EQ(outcome.state, State::kDone);
  EXPECT_EQ(outcome.text,
            "{\"a.b\",\"c.d\"=\"e\",f=\"g\",instance=\"\",job=\"t\"} 1\n"
            "{\"h.h_sum\",instance=\"\",job=\"t\"} 1\n"
            "{\"h.h_count\",instance=\"\",job=\"t\"} 0\n");
}

TEST(Canonical, FragmentsSayWhetherTheyHoldQuotedNames) {
  model::Families families;
  ASSERT_TRUE(
      parse_text("{\"a.b\"} 1\nc{\"d.e\"=\"x\"} 1\nf{x=\",\"} 1\n# TYPE g summary\ng{quantile=\"1\"} 1\n# TYPE h "
                 "summary\nh{\"i.j\"=\"x\",quantile=\"1\"} 1\nk 1\n",
                 NameScheme::kUtf8, families));
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  ASSERT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "t"}}), out), State::kDone);
  std::string flags;
  for (const model::CanonicalFamily& family : out.families) {
    flags += std::string(family.name) + (out.fragment(family).header().has_quoted_names != 0 ? "+ " : "- ");
  }
  EXPECT_EQ(flags, "a.b+ c+ f- g- h+ k- ");
  ASSERT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "t"}, {"l.m", "x"}}), out), State::kDone);
  EXPECT_EQ(out.fragment(out.families.back()).header().has_quoted_names, 1u);
}

TEST(Canonical, FragmentCarriesHashesOfTheLabelText) {
  model::Families families;
  ASSERT_TRUE(
      parse_text("# HELP a text\n# TYPE a histogram\na_bucket{le=\"1\",x=\"y\"} 1\na_bucket{le=\"+Inf\",x=\"y\"} 1\n"
                 "a_bucket{le=\"+Inf\",x=\"z\"} 2\n",
                 NameScheme::kLegacy, families));
  const model::GroupKey key = make_key({{"job", "t"}});
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  ASSERT_EQ(canonicalise(canonicaliser, families, key, out), State::kDone);
  ASSERT_EQ(out.families.size(), 1u);
  const model::CanonicalFamily& family = out.families[0];
  const model::Fragment fragment = out.fragment(family);
  EXPECT_EQ(family.help, "text");
  EXPECT_TRUE(family.has_help);
  EXPECT_EQ(family.type, model::MetricType::kHistogram);
  EXPECT_EQ(fragment.header().series, 2u);
  EXPECT_EQ(fragment.header().samples, 7u);
  EXPECT_EQ(out.series, 2u);
  EXPECT_EQ(out.samples, 7u);
  EXPECT_EQ(out.used_bytes, fragment.bytes());
  EXPECT_EQ(fragment.series_hashes()[0], keyed_hash("instance=\"\",job=\"t\",x=\"y\""));
  EXPECT_EQ(fragment.series_hashes()[1], keyed_hash("instance=\"\",job=\"t\",x=\"z\""));
  EXPECT_FALSE(fragment.record().empty());  // it came without a sum
}

Conflict conflict_of(std::string_view body, std::vector<model::LabelPair> key = {{"job", "t"}}) {
  const Outcome outcome = push(body, std::move(key));
  EXPECT_EQ(outcome.state, State::kConflict) << body;
  return outcome.conflict;
}

TEST(Canonical, RefusesTimestampsEvenOfPushTimes) {
  EXPECT_EQ(conflict_of("a 1\na 1\nb 1 5\n").kind, ConflictKind::kTimestamp);
  EXPECT_EQ(conflict_of("push_time_seconds 1 5\n").kind, ConflictKind::kTimestamp);
}

TEST(Canonical, FindsTheFirstDuplicateInInputOrder) {
  const Conflict conflict = conflict_of("a{x=\"9\"} 1\na{x=\"5\"} 2\na{x=\"9\"} 3\na{x=\"5\"} 4\na{x=\"5\"} 5\n");
  EXPECT_EQ(conflict.kind, ConflictKind::kDuplicateSeries);
  EXPECT_EQ(conflict.metric, 2u);
  EXPECT_EQ(conflict.family, 0u);
  // Two series that only the grouping key makes equal.
  EXPECT_EQ(conflict_of("a{job=\"1\"} 1\na{job=\"2\"} 1\n").metric, 1u);
  // Equal values under other names are two series.
  EXPECT_EQ(push("a{x=\"1\"} 1\na{y=\"1\"} 1\na{x=\"1\",y=\"1\"} 1\n").state, State::kDone);
  EXPECT_EQ(conflict_of("a{x=\"1\"} 1\na{y=\"1\"} 1\na{x=\"1\"} 1\n").metric, 2u);
}

TEST(Canonical, FindsSuffixCollisions) {
  const Conflict conflict = conflict_of("a_count 1\n# TYPE a summary\na{quantile=\"0\"} 1\n");
  EXPECT_EQ(conflict.kind, ConflictKind::kSuffixCollision);
  EXPECT_EQ(conflict.family, 0u);
  EXPECT_EQ(conflict.other_name, "a");
  EXPECT_EQ(conflict.other_type, model::MetricType::kSummary);
  EXPECT_EQ(conflict_of("a_bucket 1\n# TYPE a histogram\na_sum 1\n").kind, ConflictKind::kSuffixCollision);
  EXPECT_EQ(push("a_bucket 1\n# TYPE a summary\na_sum 1\n").state, State::kDone);
  EXPECT_EQ(push("a_count 1\na_sum 1\na 1\n").state, State::kDone);
}

TEST(Canonical, RefusesLabelsOfTheKeyThatCannotBeShown) {
  const Conflict conflict = conflict_of("a 1\n", {{"job", "\xff"}});
  EXPECT_EQ(conflict.kind, ConflictKind::kInvalidUtf8);
  EXPECT_EQ(conflict.family, model::kNone);
  EXPECT_EQ(conflict.label, "job");
  EXPECT_EQ(conflict_of("", {{"job", "t"}, {"__x", "1"}}).kind, ConflictKind::kInvalidLabelName);
  EXPECT_EQ(check_grouping_key(make_key({{"job", "\xc3"}})).kind, ConflictKind::kInvalidUtf8);
  EXPECT_FALSE(check_grouping_key(make_key({{"job", "ü"}})));
}

TEST(Canonical, RefusesReservedLabels) {
  const Conflict conflict = conflict_of("# TYPE s summary\ns_sum 1\n", {{"job", "t"}, {"quantile", "1"}});
  EXPECT_EQ(conflict.kind, ConflictKind::kReservedLabel);
  EXPECT_EQ(conflict.label, "quantile");
  // The reference's registry forbids no other: a histogram's buckets then have two labels `le`.
  const auto histogram = push("# TYPE h histogram\nh_sum 1\n", {{"job", "t"}, {"le", "1"}});
  EXPECT_EQ(histogram.state, State::kDone);
  EXPECT_EQ(push("a 1\n", {{"job", "t"}, {"le", "1"}, {"quantile", "1"}}).state, State::kDone);
  EXPECT_EQ(conflict_of("a{__x=\"1\"} 1\n").kind, ConflictKind::kInvalidLabelName);
}

// Families as a protobuf push makes them, with what text cannot bring.
TEST(Canonical, ChecksWhatOnlyProtobufCanBring) {
  const auto run = [](std::string_view name, std::vector<model::LabelPair> labels) {
    model::Families families;
    families.families.push_back({});
    families.families[0].name = name;
    families.families[0].type = model::MetricType::kGauge;
    const uint32_t metric = families.add_metric(0);
    for (const auto& label : labels) families.labels.push_back(label);
    families.metrics[metric].labels_count = static_cast<uint32_t>(labels.size());
    const model::GroupKey key = make_key({{"job", "t"}});
    Canonicaliser canonicaliser;
    model::CanonicalPush out;
    static_cast<void>(canonicalise(canonicaliser, families, key, out));
    return canonicaliser.conflict();
  };
  EXPECT_FALSE(run("a", {{"x", "1"}}));
  EXPECT_EQ(run("", {}).kind, ConflictKind::kInvalidMetricName);
  EXPECT_EQ(run("\xff", {}).kind, ConflictKind::kInvalidMetricName);
  EXPECT_EQ(run("a", {{"x", "1"}, {"b", ""}, {"x", "1"}}).kind, ConflictKind::kDuplicateLabel);
  EXPECT_EQ(run("a", {{"job", "1"}, {"job", "2"}}).kind, ConflictKind::kDuplicateLabel);
  EXPECT_EQ(run("a", {{"", "1"}}).kind, ConflictKind::kDuplicateLabel);  // as the reference words it
  EXPECT_EQ(run("a", {{"\xff", "1"}}).kind, ConflictKind::kInvalidLabelName);
  EXPECT_EQ(run("a", {{"x", "12345678\xc3"}}).kind, ConflictKind::kInvalidUtf8);
  EXPECT_EQ(run("a", {{"x", "12345678\xc3"}}).label, "x");
  EXPECT_FALSE(run("a", {{"job", "\xff"}}));  // overwritten before anybody looks
}

TEST(Canonical, KnowsUnquotedNamesByEveryByteAndPlace) {
  for (size_t size = 1; size < 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (unsigned c = 0; c < 256; ++c) {
        std::string name(size, 'a');
        name[at] = static_cast<char>(c);
        ASSERT_EQ(is_unquoted_name(name), is_valid_metric_name(name, NameScheme::kLegacy))
            << size << " " << at << " " << c;
      }
    }
  }
  EXPECT_FALSE(is_unquoted_name(""));
  EXPECT_TRUE(is_unquoted_name("ABCXYZabcxyz_:0189"));
  EXPECT_TRUE(is_ascii("0123456789\x7f"));
  EXPECT_FALSE(is_ascii("0123456789\x80"));
  EXPECT_FALSE(is_ascii("\x80_________"));
}

TEST(Canonical, EscapesValuesOfEveryLength) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string value;
    std::string escaped;
    const size_t size = random() % 40;
    for (size_t c = 0; c < size; ++c) {
      const char byte = "abcdefgh\\\"\n0123456789[]!#\x0b"[random() % (i % 3 == 0 ? 25 : 8)];
      value += byte;
      if (byte == '\\' || byte == '"') escaped += '\\';
      escaped += byte == '\n' ? "\\n" : std::string(1, byte);
    }
    ASSERT_EQ(lines("a 1\n", {{"job", value + "."}}), "a{instance=\"\",job=\"" + escaped + ".\"} 1\n");
    model::Families families;
    std::string body = "a{x=\"" + escaped + "\"} 1\n";
    ASSERT_EQ(lines(body), "a{instance=\"\",job=\"t\",x=\"" + escaped + "\"} 1\n");
  }
}

std::string large_body(uint64_t seed, size_t series) {
  std::mt19937_64 random(seed);
  std::string body = "# TYPE h histogram\n";
  for (int i = 0; i < 200; ++i) body += "h_bucket{le=\"" + std::to_string(i) + "\"} " + std::to_string(i * 10) + "\n";
  for (size_t i = 0; i < series; ++i) {
    body += "m" + std::to_string(random() % 50) + "{n=\"" + std::to_string(i) + "\"" +
            (random() % 5 == 0 ? ",extra=\"a\\nb\"" : "") + "} " + std::to_string(random() % 100000) + ".5\n";
  }
  return body;
}

TEST(Canonical, SlicesGiveTheSameAsOnePiece) {
  const std::string body = large_body(11, 3000);
  model::Families families;
  ASSERT_TRUE(parse_text(body, NameScheme::kLegacy, families));
  const model::GroupKey key = make_key({{"job", "t"}, {"zone", "z"}});
  Canonicaliser canonicaliser;
  model::CanonicalPush whole;
  ASSERT_EQ(canonicalise(canonicaliser, families, key, whole), State::kDone);
  model::CanonicalPush sliced;
  canonicaliser.begin(families, key, sliced);
  int steps = 0;
  auto state = State::kMore;
  for (; state == State::kMore; ++steps) state = canonicaliser.step(Deadline{0});
  EXPECT_EQ(state, State::kDone);
  EXPECT_GT(steps, 50);
  EXPECT_EQ(text_of(sliced), text_of(whole));
  ASSERT_EQ(sliced.used_bytes, whole.used_bytes);
  EXPECT_EQ(std::memcmp(sliced.bytes(), whole.bytes(), whole.used_bytes), 0);
  EXPECT_EQ(whole.series, 3001u);
}

TEST(Canonical, SlicesFindTheSameConflict) {
  const std::string body =
      large_body(12, 2000) + "m7{n=\"9999\"} 1\nm7{n=\"9999\"} 2\nm9{n=\"1a\"} 1\nm9{n=\"1a\"} 1\n";
  model::Families families;
  ASSERT_TRUE(parse_text(body, NameScheme::kLegacy, families));
  const model::GroupKey key = make_key({{"job", "t"}});
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  ASSERT_EQ(canonicalise(canonicaliser, families, key, out), State::kConflict);
  const Conflict whole = canonicaliser.conflict();
  ASSERT_EQ(canonicalise(canonicaliser, families, key, out, Deadline{0}), State::kConflict);
  EXPECT_EQ(whole.kind, ConflictKind::kDuplicateSeries);
  EXPECT_EQ(families.families[whole.family].name, "m7");
  EXPECT_EQ(canonicaliser.conflict().kind, whole.kind);
  EXPECT_EQ(canonicaliser.conflict().metric, whole.metric);
}

// At each limit and one past it.
TEST(Canonical, RefusesWhatIsBeyondTheTable) {
  using limits::Limit;
  limits::Values values;
  values.set(Limit::kLabelsPerSeries, 2);
  values.set(Limit::kNameBytes, 10);
  values.set(Limit::kValueBytes, 12);
  values.set(Limit::kFamiliesPerPush, 3);
  values.set(Limit::kSeriesPerPush, 4);
  const struct {
    const char* body;
    std::optional<Limit> beyond;
  } cases[] = {
      {"a{x=\"1\",y=\"2\"} 1\n", {}},
      {"b 1\na{x=\"1\",y=\"2\",z=\"3\"} 1\n", Limit::kLabelsPerSeries},
      {"a123456789 1\n", {}},
      {"a1234567890 1\n", Limit::kNameBytes},
      {"a{b123456789=\"1\"} 1\n", {}},
      {"a{b1234567890=\"1\"} 1\n", Limit::kNameBytes},
      {"a{b=\"123456789012\"} 1\n", {}},
      {"a{b=\"1\"} 1\na{b=\"1234567890123\"} 1\n", Limit::kValueBytes},
      {"a 1\nb 1\nc 1\n", {}},
      {"a 1\nb 1\nc 1\nd 1\n", Limit::kFamiliesPerPush},
      {"a{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"3\"} 1\na{b=\"4\"} 1\n", {}},
      {"a{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"3\"} 1\na{b=\"4\"} 1\na 1\n", Limit::kSeriesPerPush},
  };
  const model::GroupKey key = make_key({{"job", "a_job_with_a_long_name"}});
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  for (const auto& [body, beyond] : cases) {
    model::Families families;
    const std::string text(body);
    ASSERT_TRUE(parse_text(text, NameScheme::kLegacy, families)) << body;
    canonicaliser.begin(families, key, out, true, values);
    State state = State::kMore;
    while (state == State::kMore) state = canonicaliser.step(Deadline::never());
    EXPECT_EQ(state, beyond ? State::kLimit : State::kDone) << body;
    if (beyond) {
      EXPECT_EQ(canonicaliser.limit(), *beyond) << body;
    }
  }
}

// A long grouping label is repeated on every line: refused before any of it is written.
TEST(Canonical, RefusesTextThatWouldGrowBeyondTheLimit) {
  std::string body;
  for (int i = 0; i < 20000; ++i) body += "a{x=\"" + std::to_string(i) + "\"} 1\n";
  const std::string job(60000, 'j');
  model::Families families;
  ASSERT_TRUE(parse_text(body, NameScheme::kLegacy, families));
  const model::GroupKey key = make_key({{"job", job}});
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  EXPECT_EQ(canonicalise(canonicaliser, families, key, out), State::kLimit);
  EXPECT_EQ(canonicaliser.limit(), limits::Limit::kExpandedBytes);
  EXPECT_LT(out.words.size(), 1000u);
  EXPECT_EQ(canonicalise(canonicaliser, families, make_key({{"job", "t"}}), out), State::kDone);
}

TEST(Canonical, IsReusedWithoutTraces) {
  Canonicaliser canonicaliser;
  model::CanonicalPush out;
  model::Families families;
  const model::GroupKey key = make_key({{"job", "t"}});
  const std::string large = large_body(1, 500);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(parse_text(large, NameScheme::kLegacy, families));
    ASSERT_EQ(canonicalise(canonicaliser, families, key, out), State::kDone);
    ASSERT_TRUE(parse_text("a 1\na 2\n", NameScheme::kLegacy, families));
    ASSERT_EQ(canonicalise(canonicaliser, families, key, out), State::kConflict);
    ASSERT_TRUE(parse_text("a 1\n", NameScheme::kLegacy, families));
    ASSERT_EQ(canonicalise(canonicaliser, families, key, out), State::kDone);
    EXPECT_EQ(text_of(out), "a{instance=\"\",job=\"t\"} 1\n");
    EXPECT_FALSE(canonicaliser.conflict());
  }
}

}  // namespace
}  // namespace sluice::parser
