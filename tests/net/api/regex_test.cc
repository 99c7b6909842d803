// Regular expressions of label matchers: cases, what is refused, and random ones beside std::regex.
#include "net/api/regex.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <string_view>

namespace sluice::net::api {
namespace {

bool matches(std::string_view pattern, std::string_view value) {
  auto regex = Regex::compile(pattern);
  EXPECT_TRUE(regex) << pattern << ": " << regex.error();
  return regex && regex->matches(value);
}

TEST(Regex, MatchesWholeValues) {
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("abc", "abc"));
  EXPECT_FALSE(matches("abc", "xabc"));
  EXPECT_FALSE(matches("abc", "abcx"));
  EXPECT_TRUE(matches("^abc$", "abc"));
  EXPECT_TRUE(matches(".*", "any thing"));
  EXPECT_FALSE(matches(".*", "two\nlines"));
  EXPECT_TRUE(matches("(?s).*", "two\nlines"));
  EXPECT_TRUE(matches(".+", "x"));
  EXPECT_FALSE(matches(".+", ""));
  EXPECT_TRUE(matches("a|b|", ""));
  EXPECT_TRUE(matches("eu-(west|east)-[1-3]", "eu-east-2"));
  EXPECT_FALSE(matches("eu-(west|east)-[1-3]", "eu-east-4"));
  EXPECT_TRUE(matches("eu-(?:west|east)-[^0-9]?", "eu-west-"));
  EXPECT_TRUE(matches("\\d{2,3}\\.\\w+", "123.a_Z"));
  EXPECT_FALSE(matches("\\d{2,3}", "1234"));
  EXPECT_FALSE(matches("\\d{2,3}", "1"));
  EXPECT_TRUE(matches("x{2,}", "xxxxx"));
  EXPECT_FALSE(matches("x{2,}", "x"));
  EXPECT_TRUE(matches("(ab){0}c", "c"));
  EXPECT_TRUE(matches("(ab){2}", "abab"));
  EXPECT_TRUE(matches("a+?b*?", "aab"));
  EXPECT_TRUE(matches("[]a-]+", "]a-"));
  EXPECT_TRUE(matches("[\\d\\-x]+", "3-x"));
  EXPECT_FALSE(matches("[^\\s]+", "a b"));
  EXPECT_TRUE(matches("\\S\\s\\S", "a b"));
  EXPECT_TRUE(matches("(a*)*b", "aaaab"));
}

TEST(Regex, ReadsUtf8AndFoldsCases) {
  EXPECT_TRUE(matches("z.rich", "z\xc3\xbcrich"));
  EXPECT_TRUE(matches("z[\xc3\xa4-\xc3\xbc]rich", "z\xc3\xbcrich"));
  EXPECT_FALSE(matches("z[^\xc3\xbc]rich", "z\xc3\xbcrich"));
  EXPECT_FALSE(matches("abc", "ABC"));
  EXPECT_TRUE(matches("(?i)aBc[X-Z]", "AbCy"));
  EXPECT_FALSE(matches("(?i)[^a]", "A"));
  EXPECT_FALSE(matches("(?i)[^A]", "a"));
  EXPECT_TRUE(matches("(?is)A.B", "a\nb"));
}

TEST(Regex, RefusesWhatItDoesNotUnderstand) {
  for (const char* pattern :
       {"(",      "(a",   "a)", "[",   "[a",     "[z-a]",    "*",     "+a",  "a**", "a{",          "a{2,1}",
        "a{101}", "a{x}", "\\", "\\b", "\\p{L}", "(?P<x>a)", "(?=a)", "a^b", "a$b", "[[:alpha:]]", "(?x)a"}) {
    EXPECT_FALSE(Regex::compile(pattern)) << pattern;
  }
  const auto refused = Regex::compile("a**");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "The regular expression \"a**\" cannot be used: a repetition is repeated.");
}

TEST(Regex, IsBounded) {
  EXPECT_FALSE(Regex::compile("((a{50}){50}){50}"));
  EXPECT_FALSE(Regex::compile(std::string(10'000, 'a')));
  EXPECT_FALSE(Regex::compile(std::string(10'000, '(')));
  EXPECT_TRUE(matches("a{100}", std::string(100, 'a')));
  // What takes a backtracking matcher for ever.
  EXPECT_FALSE(matches("(a+)+(a+)+(a+)+b", std::string(kRegexValueBytesMax, 'a')));
  EXPECT_FALSE(matches(".*", std::string(kRegexValueBytesMax + 1, 'a')));
}

TEST(Regex, ClassesAreBoundedTogether) {
  const auto refused = [](const std::string& pattern) {
    const auto regex = Regex::compile(pattern);
    return !regex && regex.error().ends_with("cannot be used: it is too large.");
  };
  // The same character again and again, each time that the piece is repeated.
  EXPECT_TRUE(refused("[" + std::string(kRegexClassItemsMax + 1, 'b') + "]"));
  EXPECT_TRUE(refused("([" + std::string(200, 'b') + "a-z0-9_-]*){60}"));
  EXPECT_TRUE(matches("([" + std::string(60, 'b') + "a-z0-9_-]*){60}", "job-1"));
  // Characters that do not meet are a range each.
  std::string apart;
  for (uint32_t c = 0x4e00; c < 0x4e00 + 2 * 300; c += 2) {
    apart += static_cast<char>(0xe0 | c >> 12);
    apart += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    apart += static_cast<char>(0x80 | (c & 0x3f));
  }
  EXPECT_TRUE(matches("[" + apart + "]+", apart));
  EXPECT_FALSE(matches("[" + apart + "]", "\xe4\xb8\x81"));  // between the first two
  EXPECT_TRUE(refused("[" + apart + "]{4}"));
}

TEST(Regex, RangesThatMeetAreOne) {
  const std::string pattern = "[a-cb-fg-hx]";
  for (char c = 'a'; c <= 'z'; ++c) EXPECT_EQ(matches(pattern, {&c, 1}), c <= 'h' || c == 'x') << c;
  EXPECT_FALSE(matches("[^a-cb-f]", "d"));
  EXPECT_TRUE(matches("(?i)[B-DX]", "x"));
}

// Patterns over two letters, as ECMAScript has them too.
std::string random_pattern(std::mt19937& random, int depth) {
  std::string out;
  const size_t pieces = random() % 4;
  for (size_t i = 0; i <= pieces; ++i) {
    switch (random() % (depth > 2 ? 4 : 6)) {
      case 0:
        out += 'a';
        break;
      case 1:
        out += 'b';
        break;
      case 2:
        out += '.';
        break;
      case 3:
        out += "[^a]";
        break;
      default:
        out += "(" + random_pattern(random, depth + 1) + "|" + random_pattern(random, depth + 1) + ")";
    }
    constexpr const char* kTimes[] = {"", "", "", "*", "?", "{1,2}"};
    out += kTimes[random() % std::size(kTimes)];
  }
  return out;
}

TEST(Regex, AgreesWithTheStandardLibrary) {
  constexpr uint32_t kSeed = 7;
  std::mt19937 random(kSeed);
  int matched = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string pattern = random_pattern(random, 0);
    auto regex = Regex::compile(pattern);
    if (!regex) continue;  // too large
    const std::regex other(pattern, std::regex::ECMAScript);
    for (int j = 0; j < 20; ++j) {
      std::string value(random() % 7, 'a');
      for (char& c : value) c = static_cast<char>('a' + random() % 3);
      const bool wanted = std::regex_match(value, other);
      matched += wanted ? 1 : 0;
      ASSERT_EQ(regex->matches(value), wanted) << pattern << " on " << value << ", seed " << kSeed;
    }
  }
  EXPECT_GT(matched, 100);
}

}  // namespace
}  // namespace sluice::net::api
