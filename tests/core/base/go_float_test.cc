// Floats as Go prints them: against a table that Go's strconv wrote (go_float_table.txt: bits of the double in hex,
// text of FormatFloat(f, 'g', -1, 64), zeros as expfmt prints them), and by reading random results back.
#include "core/base/go_float.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string format(double value) {
  char out[kGoFloatRoom];
  const size_t size = format_go_float(value, out);
  EXPECT_LE(size, kGoFloatBytesMax);
  return {out, size};
}

double read(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

TEST(GoFloat, PrintsGosTable) {
  std::ifstream table(SLUICE_SOURCE_DIR "/tests/core/base/go_float_table.txt");
  std::string bits;
  std::string text;
  int rows = 0;
  while (table >> bits >> text) {
    EXPECT_EQ(format(std::bit_cast<double>(std::stoull(bits, nullptr, 16))), text) << bits;
    ++rows;
  }
  EXPECT_GT(rows, 500);
}

TEST(GoFloat, EdgesOfTheExponentForm) {
  EXPECT_EQ(format(0.0), "0");
  EXPECT_EQ(format(-0.0), "0");
  EXPECT_EQ(format(999999), "999999");
  EXPECT_EQ(format(1e6), "1e+06");
  EXPECT_EQ(format(123456), "123456");
  EXPECT_EQ(format(1234567), "1.234567e+06");
  EXPECT_EQ(format(0.0001), "0.0001");
  EXPECT_EQ(format(1e-05), "1e-05");
  EXPECT_EQ(format(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(format(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(format(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(format(-std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(format(-1.2345678901234567e-308).size(), kGoFloatBytesMax);
  EXPECT_EQ(format(18446744073709551615.0), "1.8446744073709552e+19");
}

// The shortest digits: the text reads back as the same bits, and no text with one digit less does.
TEST(GoFloat, RandomDoublesRoundTripWithoutASpareDigit) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 4 == 1) value = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64));
    if (i % 4 == 2)
      value = static_cast<double>(random() % 100000000000) / std::pow(10.0, static_cast<double>(random() % 12));
    if (i % 4 == 3) value = std::ldexp(static_cast<double>(random() % 1000003), -static_cast<int>(random() % 30));
    if (!std::isfinite(value) || value == 0) continue;
    const std::string text = format(value);
    ASSERT_EQ(std::bit_cast<uint64_t>(read(text)), std::bit_cast<uint64_t>(value)) << text;
    char shortest[64];
    const auto end = std::to_chars(shortest, shortest + sizeof(shortest), value, std::chars_format::scientific);
    const auto digits = [](std::string_view number) {
      std::string result;
      for (const char c : number.substr(0, number.find('e'))) {
        if (c >= '0' && c <= '9' && !(result.empty() && c == '0')) result += c;
      }
      while (!result.empty() && result.back() == '0') result.pop_back();
      return result;
    };
    ASSERT_EQ(digits(text), digits({shortest, static_cast<size_t>(end.ptr - shortest)})) << text;
  }
}

TEST(GoFloat, CanonicalTextIsWhatWouldBePrinted) {
  for (const char* text : {"0", "1", "-1", "123456", "-999999", "0.5", "-0.5", "12.25", "0.0001", "0.000123",
                           "123456.789", "0.00012345678901234", "99999.9999999999"}) {
    EXPECT_TRUE(is_canonical_go_float(text)) << text;
    EXPECT_EQ(format(read(text)), text);
  }
  for (const char* text : {"",
                           "-",
                           "-0",
                           "00",
                           "01",
                           "1.",
                           "1.0",
                           ".5",
                           "+1",
                           "1234567",
                           "0.00001",
                           "1e5",
                           "NaN",
                           "0.10",
                           "1 ",
                           "1.2.3",
                           "0.0",
                           "-0.0",
                           "123456.7890123456",
                           "0.",
                           "1_0",
                           "1a",
                           "0.1a"}) {
    EXPECT_FALSE(is_canonical_go_float(text)) << text;
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 100000; ++i) {
    std::string text;
    const size_t size = 1 + random() % 18;
    for (size_t c = 0; c < size; ++c) text += "0123456789.-"[random() % (c == 0 ? 12 : 11)];
    if (is_canonical_go_float(text)) {
      ASSERT_EQ(format(read(text)), text);
    }
  }
}

TEST(GoFloat, Uint64) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{9}, uint64_t{10}, uint64_t{99}, uint64_t{100}, uint64_t{999999},
                               uint64_t{1000000}, UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 63}) {
    char out[kUint64BytesMax];
    EXPECT_EQ(std::string(out, format_uint64(value, out)), std::to_string(value));
  }
  uint64_t power = 1;
  for (int i = 0; i < 19; ++i, power *= 10) {
    for (const uint64_t value : {power - 1, power, power + 1}) {
      char out[kUint64BytesMax];
      EXPECT_EQ(std::string(out, format_uint64(value, out)), std::to_string(value));
    }
  }
}

}  // namespace
}  // namespace sluice
