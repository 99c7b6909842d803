// The exact parser's own cases: every error text, every trap of the format, and that a body may be cut anywhere.
// The expectations were produced by the reference's parser (prometheus/common 0.67.5), but for the documented
// differences at the end.
#include "parser/text_exact.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "tests/parser/families_dump.h"

namespace sluice::parser::test {
namespace {

std::string parse(ExactTextParser& parser, model::Families& families, std::string_view body, NameScheme scheme,
                  Deadline deadline) {
  // A copy of exactly that size, so that the sanitizers see a read beyond its end.
  const std::vector<char> copy(body.begin(), body.end());
  parser.start({copy.data(), copy.size()}, scheme, families);
  ExactTextParser::Step step = ExactTextParser::Step::kMore;
  while (step == ExactTextParser::Step::kMore) step = parser.step(deadline);
  return step == ExactTextParser::Step::kDone ? dump(families) : parser.error().text;
}

std::string parse(std::string_view body, NameScheme scheme = NameScheme::kLegacy) {
  ExactTextParser parser;
  model::Families families;
  return parse(parser, families, body, scheme, Deadline::never());
}

std::string error(int line, std::string_view text) {
  return "text format parsing error in line " + std::to_string(line) + ": " + std::string(text);
}

struct ErrorCase {
  std::string_view body;
  int line;
  std::string_view text;
};

const ErrorCase kErrors[] = {
    // The end of the body.
    {"a", 1, "unexpected end of input stream"},
    {"a 1", 1, "unexpected end of input stream"},
    {"a 1 ", 1, "unexpected end of input stream"},
    {"a 1\nb", 2, "unexpected end of input stream"},
    {"a{", 1, "unexpected end of input stream"},
    {"a{b=\"c", 1, "unexpected end of input stream"},
    {"a{b=\"c\"}", 1, "unexpected end of input stream"},
    {"#", 1, "unexpected end of input stream"},
    {"# HELP a b", 1, "unexpected end of input stream"},
    {"# TYPE a counter", 1, "unexpected end of input stream"},
    {"a 1 2", 1, "unexpected end of input stream"},
    // Metric names.
    {"0a 1\n", 1, "invalid metric name"},
    {"\"\" 1\n", 1, "invalid metric name"},
    {"\"a b\" 1\n", 1, "invalid metric name \"a b\""},
    {"\"a\nb\" 1\n", 1, "metric name \"a\" contains unescaped new-line"},
    {"\"a\\x\" 1\n", 1, "invalid escape sequence '\\x'"},
    {"\"a\\\n\" 1\n", 1, "invalid escape sequence '\\\n'"},
    {"\"a\\\xff\" 1\n", 1, "invalid escape sequence '\\\u00ff'"},
    {"# HELP 0a b\n", 1, "invalid metric name in comment"},
    {"# TYPE \"a b\" counter\n", 1, "invalid metric name \"a b\""},
    // HELP and TYPE.
    {"# HELP a b\n# HELP a c\n", 2, "second HELP line for metric name \"a\""},
    {"# TYPE a gauge\n# TYPE a gauge\n", 2, "second TYPE line for metric name \"a\", or TYPE reported after samples"},
    {"a 1\n# TYPE a gauge\n", 2, "second TYPE line for metric name \"a\", or TYPE reported after samples"},
    {"# TYPE a summary\n# TYPE a_sum gauge\n", 2,
     "second TYPE line for metric name \"a\", or TYPE reported after samples"},
    {"# TYPE a foo\n", 1, "unknown metric type \"foo\""},
    {"# TYPE a gauge \n", 1, "unknown metric type \"gauge \""},
    {"# TYPE a gauge\r\n", 1, "unknown metric type \"gauge\\r\""},
    {"# HELP a \\t\n", 1, "invalid escape sequence '\\t'"},
    // Labels.
    {"a{b}", 1, "expected '=' after label name, found '}'"},
    {"a{b c=\"d\"} 1\n", 1, "expected '=' after label name, found 'c'"},
    {"a{b\xff=\"d\"} 1\n", 1, "expected '=' after label name, found '\u00ff'"},
    {"a{b\x80=\"d\"} 1\n", 1, "expected '=' after label name, found '\\u0080'"},
    {"a{0=\"d\"} 1\n", 1, "invalid label name for metric \"a\""},
    {"a{,} 1\n", 1, "invalid label name for metric \"a\""},
    {"a{__name__=\"b\"} 1\n", 1, "label name \"__name__\" is reserved"},
    {"a{\"b c\"=\"d\"} 1\n", 1, "invalid label name \"b c\""},
    {"a{\"b\nc\"=\"d\"} 1\n", 1, "label name \"b\" contains unescaped new-line"},
    {"a{b=\"c\",b=\"d\"} 1\n", 1, "duplicate label names for metric \"a\""},
    {"a{b=c} 1\n", 1, "expected '\"' at start of label value, found 'c'"},
    {"a{b='c'} 1\n", 1, "expected '\"' at start of label value, found '\\''"},
    {"a{b=\"c\nd\"} 1\n", 1, "label value \"c\" contains unescaped new-line"},
    {"a{b=\"c\\d\"} 1\n", 1, "invalid escape sequence '\\d'"},
    {"a{b=\"\xff\"} 1\n", 1, "invalid label value \"\\xff\""},
    {"a{b=\"c\\n\xed\xa0\x80\"} 1\n", 1, "invalid label value \"c\\n\\xed\\xa0\\x80\""},
    {"a{b=\"c\"d=\"e\"} 1\n", 1, "unexpected end of label value \"c\""},
    {"# TYPE a summary\na{quantile=\"x\"} 1\n", 2, "expected float as value for 'quantile' label, got \"x\""},
    {"# TYPE a histogram\na_bucket{le=\"\"} 1\n", 2, "expected float as value for 'le' label, got \"\""},
    // Names in braces.
    {"{} 1\n", 1, "invalid metric name"},
    {"{b=\"c\"} 1\n", 1, "invalid metric name"},
    {"{b=\"c\",} 1\n", 1, "invalid metric name"},
    {"{\"a\",\"b\"} 1\n", 1, "multiple metric names for metric \"a\""},
    {"{\"a\".b=\"c\"} 1\n", 1, "unexpected end of metric name '.'"},
    {"{,} 1\n", 1, "invalid label name for metric \"\""},
    // Values and timestamps.
    {"a\n", 1, "expected float as value, got \"\""},
    {"a \n", 1, "expected float as value, got \"\""},
    {"a 1\r\n", 1, "expected float as value, got \"1\\r\""},
    {"a 1e309\n", 1, "expected float as value, got \"1e309\""},
    {"a 0x1p3\n", 1, "expected float as value, got \"0x1p3\""},
    {"a +nan\n", 1, "expected float as value, got \"+nan\""},
    {"a 1 \n", 1, "expected integer as timestamp, got \"\""},
    {"a 1 1.5\n", 1, "expected integer as timestamp, got \"1.5\""},
    {"a 1 9223372036854775808\n", 1, "expected integer as timestamp, got \"9223372036854775808\""},
    {"a 1 2 \n", 1, "spurious string after timestamp: \" \""},
    {"a 1 2 x\\y\n", 1, "spurious string after timestamp: \" xy\""},
    {"# TYPE a histogram\na_count -1\n", 2, "negative count for histogram \"a\""},
    {"# TYPE a histogram\na_bucket{le=\"1\"} -0.5\n", 2, "negative bucket population for histogram \"a\""},
};

TEST(ExactTextParser, ErrorTextsAreTheReferences) {
  for (const ErrorCase& item : kErrors) EXPECT_EQ(parse(item.body), error(item.line, item.text)) << item.body;
}

TEST(ExactTextParser, ErrorCarriesLineAndOffset) {
  ExactTextParser parser;
  model::Families families;
  parser.start("a 1\nb x\n", NameScheme::kLegacy, families);
  ASSERT_EQ(parser.step(Deadline::never()), ExactTextParser::Step::kError);
  EXPECT_EQ(parser.error().line, 2u);
  EXPECT_EQ(parser.error().offset, 7u);
}

TEST(ExactTextParser, EmptyBodiesAndCommentsGiveNothing) {
  for (const char* body : {"", "\n", " \t", "# x\n", "#\n", "# HELP a b\n", "# HELP\n", "# HELP a\n", "#HELP a \n"}) {
    EXPECT_EQ(parse(body), "") << body;
  }
}

TEST(ExactTextParser, Traps) {
  const std::string one = "\"a\" UNTYPED\n  {} value=3ff0000000000000\n";
  for (const char* body : {"a 1\n", "a{} 1\n", "a+1\n", "a\t1\n", " a 1\n", "a{}1\n", "a\"\" 1\n", "{a} 1\n",
                           "{\"a\"} 1\n", "{\"a\",} 1\n", "\"a\"{} 1\n", "# TYPE a \\untyped\na 1\n"}) {
    EXPECT_EQ(parse(body), one) << body;
  }
  EXPECT_EQ(parse("#HELP a \\\\b\\\"\n\ta 1\n"), "\"a\" UNTYPED \"\\\\b\\\"\"\n  {} value=3ff0000000000000\n");
  EXPECT_EQ(parse("# HELP a \xff\na 1\n"), "\"a\" UNTYPED \"\\xff\"\n  {} value=3ff0000000000000\n");
  const std::string labelled = "\"a\" UNTYPED\n  {\"b\"=\"c\",} value=3ff0000000000000\n";
  for (const char* body : {"a{b=\"c\"} 1\n", "a { b = \"c\" , } 1\n", "{\"a\",b=\"c\"} 1\n", "{b=\"c\",\"a\"} 1\n",
                           "\"a\"{\"b\"=\"c\"} 1\n", "a{b\"\"=\"c\"}1\n"}) {
    EXPECT_EQ(parse(body), labelled) << body;
  }
  EXPECT_EQ(parse("# TYPE a h\u0131stogram\na_sum 1\n"), "\"a\" HISTOGRAM\n  {} sum=3ff0000000000000\n");
  EXPECT_EQ(parse("# TYPE a gauGE\na 1 -5\n"), "\"a\" GAUGE\n  {} ts=-5 value=3ff0000000000000\n");
  EXPECT_EQ(parse("# TYPE a gaugehistogram\na_count 1\n"), "\"a\" GAUGE_HISTOGRAM\n  {} count=1\n");
}

TEST(ExactTextParser, SummariesAndHistogramsAreGathered) {
  EXPECT_EQ(parse("# TYPE a summary\na{quantile=\"1\",x=\"y\",z=\"\"} 2\na_sum{z=\"\",x=\"y\"} 3\na_count 1\n"
                  "a_count{x=\"y\",z=\"\"} -1\na_bucket 1\na{quantile=\"nan\"} 5\n"),
            "\"a\" SUMMARY\n"
            "  {\"x\"=\"y\",\"z\"=\"\",} count=18446744073709551615 sum=4008000000000000"
            " 3ff0000000000000:4000000000000000\n"
            "  {} count=1\n"
            "\"a_bucket\" UNTYPED\n  {} value=3ff0000000000000\n");
  EXPECT_EQ(parse("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 2.5\na_bucket{le=\"+Inf\"} 3\na_sum 0\na 9\n"),
            "\"a\" HISTOGRAM\n"
            "  {} count_float=4004000000000000 sum=0 3ff0000000000000:f3ff0000000000000"
            " 7ff0000000000000:f4008000000000000\n");
  EXPECT_EQ(parse("# TYPE a histogram\na_bucket{le=\"1\"} 0.5\na_count 2\n"),
            "\"a\" HISTOGRAM\n  {} count_float=4000000000000000 3ff0000000000000:f3fe0000000000000\n");
  // The bound before the name in braces belongs to that name.
  EXPECT_EQ(parse("# TYPE a histogram\n# TYPE b gauge\nb 1\n{le=\"1\",x=\"y\",\"a_bucket\"} 3\n{le=\"5\",\"b\"} 1\n"),
            "\"a\" HISTOGRAM\n  {\"x\"=\"y\",} 3ff0000000000000:3\n"
            "\"b\" GAUGE\n  {} value=3ff0000000000000\n  {\"le\"=\"5\",} value=3ff0000000000000\n");
}

TEST(ExactTextParser, Utf8Names) {
  EXPECT_EQ(parse("# TYPE \"a.b\" gauge\n{\"a.b\",\"c\\\"\u00e9\"=\"d\"} 1\n", NameScheme::kUtf8),
            "\"a.b\" GAUGE\n  {\"c\\\"\u00e9\"=\"d\",} value=3ff0000000000000\n");
  EXPECT_EQ(parse("{\"a\xff\"} 1\n", NameScheme::kUtf8), error(1, "invalid metric name \"a\\xff\""));
  EXPECT_EQ(parse("a{\"b\xff\"=\"\"} 1\n", NameScheme::kUtf8), error(1, "invalid label name \"b\\xff\""));
}

// Every state must be able to stop at every byte: the body is shifted over the border of the clock's window.
TEST(ExactTextParser, GivesTheSameWhereverTheClockStopsIt) {
  const std::string body =
      "# HELP h he\\\\lp\n# TYPE h histogram\nh_bucket{x=\"y\\n\",le=\"1\"} 1 55\nh_count{x=\"y\\n\"} 7\n"
      "{\"n\\\"ame\",\"la.bel\"=\"v\u00e9\"} 1.5e3\n \t# comment\n\n";
  const std::string expected = parse(body, NameScheme::kUtf8);
  ASSERT_EQ(expected.find("error"), std::string::npos) << expected;
  ExactTextParser parser;
  model::Families families;
  for (size_t shift = 4096 - body.size(); shift <= 4096; ++shift) {
    const std::string shifted = "#" + std::string(shift - 2, 'x') + "\n" + body;
    ASSERT_EQ(parse(parser, families, shifted, NameScheme::kUtf8, Deadline{0}), expected) << shift;
  }
  for (const ErrorCase& item : kErrors) {
    for (size_t cut = 0; cut <= item.body.size(); ++cut) {
      const std::string shifted = "#" + std::string(4096 - cut - 2, 'x') + "\n" + std::string(item.body);
      ASSERT_EQ(parse(parser, families, shifted, NameScheme::kLegacy, Deadline{0}), error(item.line + 1, item.text));
    }
  }
}

TEST(ExactTextParser, StepsEndUnderAnyDeadline) {
  const std::string body = "a{b=\"" + std::string(1 << 20, 'x') + "\"} 1\n";
  ExactTextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  size_t steps = 1;
  while (parser.step(Deadline{0}) == ExactTextParser::Step::kMore) ++steps;
  EXPECT_GT(steps, body.size() / 8192);
  ASSERT_EQ(families.labels.size(), 1u);
  EXPECT_EQ(families.labels[0].value.size(), size_t{1} << 20);
}

// Tokens that are longer than the clock's window are rewritten and checked in pieces; no piece may cut a character or
// an escape.
TEST(ExactTextParser, LongTokens) {
  for (size_t shift = 0; shift < 5; ++shift) {
    std::string raw(shift, 'x');
    std::string plain = raw;
    for (int i = 0; i < 5000; ++i) {
      raw += "\\\\\\n\\\"\u20ac";
      plain += "\\\n\"\u20ac";
    }
    const std::string body = "# HELP a " + raw + "\na{b=\"" + raw + "\"} 1\n";
    ExactTextParser parser;
    model::Families families;
    parser.start(body, NameScheme::kLegacy, families);
    size_t steps = 1;
    while (parser.step(Deadline{0}) == ExactTextParser::Step::kMore) ++steps;
    ASSERT_EQ(families.labels.size(), 1u);
    EXPECT_EQ(families.families[0].help, plain);
    EXPECT_EQ(families.labels[0].value, plain);
    EXPECT_GT(steps, 4 * raw.size() / 4096);
    const std::string broken = "a{b=\"" + raw + "\xe2\x82\"} 1\n";
    EXPECT_TRUE(parse(broken).starts_with("text format parsing error in line 1: invalid label value \""));
  }
}

TEST(ExactTextParser, NamesAndNumbersAreLimited) {
  const std::string name(limits::kNameBytesMax, 'x');
  const std::string body = name + " 1\n";
  ExactTextParser parser;
  model::Families families;
  parser.start(body, NameScheme::kLegacy, families);
  EXPECT_EQ(parser.step(Deadline::never()), ExactTextParser::Step::kDone);
  EXPECT_EQ(parse("x" + name + " 1\n"), error(1, "name of more than 65536 bytes"));
  EXPECT_EQ(parse("a{\"" + name + "\"=\"\"} 1\n"), error(1, "name of more than 65536 bytes"));
  EXPECT_TRUE(parse("a 1." + std::string(1000, '0') + "\n").starts_with("\"a\" UNTYPED"));
  EXPECT_TRUE(parse("a 1." + std::string(limits::kNumberBytesMax, '0') + "\n").find("expected float as value") > 0);
  EXPECT_EQ(parse("a 1 2" + std::string(20'000, '\\') + "\n"),
            error(1, "expected integer as timestamp, got \"2" + std::string(2 * (16 * 1024 - 1), '\\') + "\""));
  EXPECT_TRUE(parse("a 1 2 " + std::string(20'000, '\\') + "x\n").find("spurious string after timestamp") > 0);
}

TEST(ExactTextParser, ManyLabels) {
  std::string labels;
  for (uint32_t i = 0; i < limits::kLabelsPerSeriesMax; ++i) labels += "l" + std::to_string(i) + "=\"\",";
  ExactTextParser parser;
  model::Families families;
  const std::string body = "a{" + labels + "} 1\n";
  parser.start(body, NameScheme::kLegacy, families);
  EXPECT_EQ(parser.step(Deadline::never()), ExactTextParser::Step::kDone);
  EXPECT_EQ(families.labels.size(), limits::kLabelsPerSeriesMax);
  EXPECT_EQ(parse("a{" + labels + "x=\"\"} 1\n"), error(1, "more than 1024 labels for metric \"a\""));
  std::string few = labels.substr(0, labels.find("l40="));
  EXPECT_EQ(parse("a{" + few + "l3=\"\"} 1\n"), error(1, "duplicate label names for metric \"a\""));
  EXPECT_EQ(parse("a{" + few + "l39=\"\"} 1\n"), error(1, "duplicate label names for metric \"a\""));
}

TEST(ExactTextParser, ErrorTextsAreCut) {
  const std::string text = parse("a " + std::string(1 << 20, 'x') + "\n");
  EXPECT_LT(text.size(), 2 * limits::kErrorTokenBytesMax);
}

TEST(ExactTextParser, IsReused) {
  ExactTextParser parser;
  model::Families families;
  const std::string summary = "# TYPE a summary\na_sum{x=\"1\"} 1\na_sum{x=\"2\"} 1\na_sum{x=\"1\"} 2\n";
  const std::string expected = parse(summary);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(parse(parser, families, summary, NameScheme::kLegacy, Deadline::never()), expected);
    EXPECT_EQ(parse(parser, families, "a 1\na_sum{x=\"1\"} x", NameScheme::kLegacy, Deadline::never()),
              error(2, "unexpected end of input stream"));
  }
}

}  // namespace
}  // namespace sluice::parser::test
