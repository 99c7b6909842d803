// Parser and canonicaliser in slices: under a deadline that has passed already each gives the thread back after a few
// kilobytes, in all of its stages.
#include <gtest/gtest.h>

#include <string>

#include "parser/canonical.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tests/parser/canonical_testing.h"

namespace sluice::parser {
namespace {

constexpr Deadline kPassed{1};
constexpr int kLines = 20'000;

// About a megabyte.
std::string body_of(bool sorted) {
  std::string text = "# TYPE requests_total counter\n";
  for (int i = 0; i < kLines; ++i) {
    const int id = sorted ? i : static_cast<int>(int64_t{i} * 7919 % kLines);
    text += "requests_total{path=\"/x\",id=\"" + std::to_string(100'000 + id) + "\"} 1\n";
  }
  return text;
}

int parse(TextParser& parser, const std::string& body, model::Families& families, TextParser::Step expected) {
  int more = 0;
  parser.start(body, NameScheme::kLegacy, families);
  TextParser::Step step = TextParser::Step::kMore;
  while ((step = parser.step(kPassed)) == TextParser::Step::kMore) ++more;
  EXPECT_EQ(step, expected);
  return more;
}

TEST(ParserSlices, TheFastParserEachWindow) {
  const std::string body = body_of(true);
  TextParser parser;
  model::Families families;
  EXPECT_GE(parse(parser, body, families, TextParser::Step::kDone), static_cast<int>(body.size() / 8192) - 1);
  EXPECT_EQ(families.metrics.size(), size_t{kLines});
}

TEST(ParserSlices, TheExactParserUpToAnErrorAtTheEnd) {
  std::string body = body_of(true);
  body += "requests_total{path=} 1\n";
  TextParser parser;
  model::Families families;
  const int more = parse(parser, body, families, TextParser::Step::kError);
  EXPECT_GE(more, static_cast<int>(body.size() / 8192 + body.size() / 4096) - 2);
  EXPECT_EQ(parser.error().line, uint64_t{kLines + 2});
}

TEST(ParserSlices, WhatTheFastParserLeavesIsForTheNextSlice) {
  TextParser parser;
  model::Families families;
  EXPECT_EQ(parse(parser, "a{l=} 1\n", families, TextParser::Step::kError), 1);
}

TEST(ParserSlices, ALineOfManyLabels) {
  std::string body = "a{";
  for (int i = 0; i < 1'000; ++i) body += "label_" + std::to_string(i) + "=\"v\",";
  body += "l=} 1\n";
  TextParser parser;
  model::Families families;
  // Some hundred labels at a time.
  EXPECT_GE(parse(parser, body, families, TextParser::Step::kError), static_cast<int>(body.size() / 1024));
}

TEST(ParserSlices, TheNormalizationOfOneHistogramWithManyBuckets) {
  std::string body = "# TYPE h histogram\n";
  for (int i = 0; i < kLines; ++i) body += "h_bucket{le=\"" + std::to_string(i) + "\"} " + std::to_string(i) + "\n";
  body += "h_count 1.5\n";
  ExactTextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  int more = 0;
  ExactTextParser::Step step = ExactTextParser::Step::kMore;
  while ((step = parser.step(kPassed)) == ExactTextParser::Step::kMore) ++more;
  ASSERT_EQ(step, ExactTextParser::Step::kDone);
  EXPECT_GE(more, static_cast<int>(body.size() / 4096) + kLines / 256 - 2);
  for (const model::Point& point : families.points) {
    ASSERT_EQ(point.count, 0u);
    ASSERT_EQ(point.value, point.bound);
  }
}

// Nothing that has been given out moves while a table grows: it has room for the largest body from the start.
TEST(ParserSlices, NoTableIsMovedByABodyOfShortLines) {
  std::string body;
  for (int i = 0; i < 50'000; ++i) body += "a 1\n";
  TextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  ASSERT_EQ(parser.step(kPassed), TextParser::Step::kMore);
  const model::Metric* first = families.metrics.data();
  while (parser.step(kPassed) == TextParser::Step::kMore) {
  }
  EXPECT_EQ(families.metrics.size(), size_t{50'000});
  EXPECT_EQ(families.metrics.data(), first);
}

int canonicalise_sliced(const std::string& body, Canonicaliser::State expected, model::CanonicalPush& push) {
  TextParser parser;
  model::Families families;
  parse(parser, body, families, TextParser::Step::kDone);
  const model::GroupKey key = make_key({{"job", "t"}});
  Canonicaliser canonicaliser;
  canonicaliser.begin(families, key, push);
  int more = 0;
  Canonicaliser::State state = Canonicaliser::State::kMore;
  while ((state = canonicaliser.step(kPassed)) == Canonicaliser::State::kMore) ++more;
  EXPECT_EQ(state, expected);
  return more;
}

TEST(ParserSlices, TheCanonicaliserInOrder) {
  model::CanonicalPush push;
  // Survey and text, at most 32 metrics each.
  EXPECT_GE(canonicalise_sliced(body_of(true), Canonicaliser::State::kDone, push), 2 * kLines / 32);
  EXPECT_EQ(push.series, uint64_t{kLines});
}

// Survey, collection, keys and text, 32 metrics each; 15 rounds of the sort and a look for duplicates, 128 each.
constexpr int kSlicesWithASort = 4 * kLines / 32 + (15 + 1) * kLines / 128 - 20;

TEST(ParserSlices, TheCanonicaliserWithASort) {
  model::CanonicalPush sorted;
  canonicalise_sliced(body_of(true), Canonicaliser::State::kDone, sorted);
  model::CanonicalPush push;
  EXPECT_GE(canonicalise_sliced(body_of(false), Canonicaliser::State::kDone, push), kSlicesWithASort);
  EXPECT_EQ(text_of(push), text_of(sorted));
}

TEST(ParserSlices, TheCanonicaliserUpToADuplicateAtTheEnd) {
  model::CanonicalPush push;
  const std::string body = body_of(true) + "requests_total{path=\"/x\",id=\"100000\"} 1\n";
  EXPECT_GE(canonicalise_sliced(body, Canonicaliser::State::kConflict, push), kSlicesWithASort - kLines / 32);
}

}  // namespace
}  // namespace sluice::parser
