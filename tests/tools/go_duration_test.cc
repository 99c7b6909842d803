#include "tools/go_duration.h"

#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

// The values that the reference's library gives.
TEST(GoDuration, ReadsWhatTheReferenceReads) {
  const struct {
    const char* text;
    int64_t ns;
  } cases[] = {{"0", 0},
               {"-0", 0},
               {"0s", 0},
               {"5s", 5'000'000'000},
               {"+5s", 5'000'000'000},
               {"-1.5h", -5'400'000'000'000},
               {"2h45m", 9'900'000'000'000},
               {"1.5s", 1'500'000'000},
               {".5s", 500'000'000},
               {"1.s", 1'000'000'000},
               {"300ms", 300'000'000},
               {"10us", 10'000},
               {"10\u00b5s", 10'000},
               {"10\u03bcs", 10'000},
               {"7ns", 7},
               {"0.0000000001s", 0},
               {"1d", 86'400'000'000'000},
               {"1w2d", 777'600'000'000'000},
               {"9223372036854775807ns", INT64_MAX},
               {"0.3333333333333333333h", 1'200'000'000'000}};
  for (const auto& [text, ns] : cases) {
    const auto parsed = parse_go_duration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    EXPECT_EQ(parsed->count(), ns) << text;
  }
}

TEST(GoDuration, RefusesTheRestInItsWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "time: invalid duration \"\""},
      {"-", "time: invalid duration \"-\""},
      {"5", "time: missing unit in duration \"5\""},
      {"1.5", "time: missing unit in duration \"1.5\""},
      {".s", "time: invalid duration \".s\""},
      {"s", "time: invalid duration \"s\""},
      {"5x", "time: unknown unit \"x\" in duration \"5x\""},
      {"5 s", "time: unknown unit \" s\" in duration \"5 s\""},
      {"5m-3s", "time: unknown unit \"m-\" in duration \"5m-3s\""},
      {"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""},
      {"9223372036854775807s", "time: invalid duration \"9223372036854775807s\""},
      {"15251w", "time: invalid duration \"15251w\""},
      {"9223372036854775807ns1ns", "time: invalid duration \"9223372036854775807ns1ns\""}};
  for (const auto& [text, error] : cases) {
    const auto parsed = parse_go_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), error);
  }
}

}  // namespace
}  // namespace sluice::tools
