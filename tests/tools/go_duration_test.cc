#include "tools/go_duration.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

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

TEST(GoDuration, IsPrintedAsGoPrintsIt) {
  using namespace std::chrono_literals;
  const std::pair<std::chrono::nanoseconds, const char*> cases[] = {
      {0ns, "0s"},
      {1ns, "1ns"},
      {1100ns, "1.1\u00b5s"},
      {2200us, "2.2ms"},
      {3300ms, "3.3s"},
      {5min, "5m0s"},
      {5min + 1ms, "5m0.001s"},
      {90s, "1m30s"},
      {1h, "1h0m0s"},
      {100h + 250ms, "100h0m0.25s"},
      {-90s, "-1m30s"},
      {std::chrono::nanoseconds::max(), "2562047h47m16.854775807s"},
      {std::chrono::nanoseconds::min(), "-2562047h47m16.854775808s"}};
  for (const auto& [duration, text] : cases) EXPECT_EQ(format_go_duration(duration), text);
}

}  // namespace
}  // namespace sluice::tools
