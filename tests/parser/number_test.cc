#include "parser/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace sluice::parser {
namespace {

uint64_t bits_of(std::string_view text) {
  double value = -77;
  EXPECT_EQ(parse_float(text, value), NumberError::kNone) << text;
  return std::bit_cast<uint64_t>(value);
}

TEST(ParseFloat, Spellings) {
  for (const char* text : {"1", "+1", "1.", "01", "1e0", "1E+0", "10e-1", ".1e1", "0.1e1", "1e-0"}) {
    EXPECT_EQ(bits_of(text), 0x3ff0000000000000u) << text;
  }
  for (const char* text : {"inf", "+Inf", "INF", "infinity", "+InFiNiTy"})
    EXPECT_EQ(bits_of(text), 0x7ff0000000000000u);
  for (const char* text : {"-inf", "-Infinity"}) EXPECT_EQ(bits_of(text), 0xfff0000000000000u);
  for (const char* text : {"nan", "NaN", "NAN"}) EXPECT_EQ(bits_of(text), 0x7ff8000000000001u);
  EXPECT_EQ(bits_of("-0"), 0x8000000000000000u);
  EXPECT_EQ(bits_of("-0e99999999999999999999"), 0x8000000000000000u);
}

TEST(ParseFloat, Refusals) {
  for (const char* text : {"",     "+",    "-",    ".",         "e1",  "1e",  "1e+",   "1.2.3", "+nan", "-nan",
                           "nan1", "inf1", "infi", "infinityx", "++1", "+-1", "0x1",   "0x1p3", "0b1",  "0o7",
                           "1_0",  "1f",   "1d",   " 1",        "1 ",  "1,5", "1e1.5", "i",     "n"}) {
    double value = 0;
    EXPECT_EQ(parse_float(text, value), NumberError::kSyntax) << text;
  }
}

TEST(ParseFloat, Ranges) {
  double value = 0;
  for (const char* text : {"1e309", "-1e309", "1.7976931348623159e308", "1e99999999999999999999", "0.001e400"}) {
    EXPECT_EQ(parse_float(text, value), NumberError::kRange) << text;
  }
  EXPECT_EQ(parse_float("1" + std::string(400, '0'), value), NumberError::kRange);
  EXPECT_EQ(bits_of("1e-400"), 0u);
  EXPECT_EQ(bits_of("-1e-400"), 0x8000000000000000u);
  EXPECT_EQ(bits_of("1e-99999999999999999999"), 0u);
  EXPECT_EQ(bits_of("0." + std::string(400, '0') + "1"), 0u);
  EXPECT_EQ(bits_of("5e-324"), 1u);
  EXPECT_EQ(bits_of("2e-324"), 0u);
  EXPECT_EQ(bits_of("1.7976931348623157e308"), 0x7fefffffffffffffu);
  EXPECT_EQ(bits_of("1" + std::string(400, '0') + "e-400"), 0x3ff0000000000000u);
  EXPECT_EQ(bits_of("0." + std::string(400, '0') + "1e401"), 0x3ff0000000000000u);
}

// glibc's strtod rounds correctly for any number of digits.
TEST(ParseFloat, AgreesWithStrtodToTheLastBit) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100'000; ++round) {
    std::string text = round % 2 == 0 ? "" : "-";
    const size_t digits = round % 100 == 0 ? 400 : 1 + random() % 25;
    const size_t point = random() % (digits + 1);
    for (size_t i = 0; i < digits; ++i) {
      if (i == point) text += '.';
      text += static_cast<char>('0' + random() % 10);
    }
    if (random() % 2 == 0) text += "e" + std::to_string(static_cast<int>(random() % 660) - 340);
    double value = 0;
    const NumberError error = parse_float(text, value);
    const double expected = std::strtod(text.c_str(), nullptr);
    if (std::isinf(expected)) {
      EXPECT_EQ(error, NumberError::kRange) << text;
    } else {
      EXPECT_EQ(error, NumberError::kNone) << text;
      EXPECT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected)) << text;
    }
  }
  // Exactly between two doubles: to even; one digit more far behind: up.
  const std::string half = "9007199254740993";
  EXPECT_EQ(bits_of(half), std::bit_cast<uint64_t>(9007199254740992.0));
  EXPECT_EQ(bits_of(half + "." + std::string(380, '0') + "1"), std::bit_cast<uint64_t>(9007199254740994.0));
}

TEST(ParseInt, AsGo) {
  int64_t value = 0;
  EXPECT_EQ(parse_int("9223372036854775807", value), NumberError::kNone);
  EXPECT_EQ(value, INT64_MAX);
  EXPECT_EQ(parse_int("-9223372036854775808", value), NumberError::kNone);
  EXPECT_EQ(value, INT64_MIN);
  EXPECT_EQ(parse_int("+007", value), NumberError::kNone);
  EXPECT_EQ(value, 7);
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "99999999999999999999999"}) {
    EXPECT_EQ(parse_int(text, value), NumberError::kRange) << text;
  }
  for (const char* text : {"", "+", "-", "+-1", "-+1", "1.0", "1e3", "0x1", "1_0", " 1", "1 ", "a"}) {
    EXPECT_EQ(parse_int(text, value), NumberError::kSyntax) << text;
  }
}

TEST(GoUint64, IsAmd64s) {
  constexpr uint64_t kTwo63 = uint64_t{1} << 63;
  EXPECT_EQ(go_uint64(0), 0u);
  EXPECT_EQ(go_uint64(1.9), 1u);
  EXPECT_EQ(go_uint64(-0.9), 0u);
  EXPECT_EQ(go_uint64(-1), UINT64_MAX);
  EXPECT_EQ(go_uint64(-2.5), UINT64_MAX - 1);
  EXPECT_EQ(go_uint64(9223372036854775808.0), kTwo63);
  EXPECT_EQ(go_uint64(9223372036854777856.0), kTwo63 + 2048);
  EXPECT_EQ(go_uint64(18446744073709549568.0), UINT64_MAX - 2047);
  for (const double value : {18446744073709551616.0, 1e20, -1e20, -9223372036854775808.0, double{NAN}, double{INFINITY},
                             -double{INFINITY}}) {
    EXPECT_EQ(go_uint64(value), kTwo63) << value;
  }
}

}  // namespace
}  // namespace sluice::parser
