// The numbers that nearly every sample has, without a call: integers and short decimals.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "parser/number.h"

namespace sluice::parser {

// 10^0 to 10^22, the powers of ten that a double holds exactly.
inline constexpr std::array<double, 23> kExactPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// `digits * 10^exponent` of [at, end), a decimal without exponent or with one, when digits and power are both exact in
// a double: then one multiplication or division rounds once, which is the correctly rounded result. False otherwise,
// also for what is not a number at all; `out` is then untouched. At most 19 digits fit 64 bits without a check for
// each.
[[nodiscard]] inline bool parse_short_decimal(const char* at, const char* end, double& out) noexcept {
  const bool negative = at != end && *at == '-';
  at += negative ? 1 : 0;
  if (end - at > 24) return false;
  uint64_t digits = 0;
  const char* const first = at;
  while (at != end && static_cast<uint8_t>(*at - '0') <= 9) digits = digits * 10 + static_cast<uint8_t>(*at++ - '0');
  auto count = at - first;
  int exponent = 0;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    while (at != end && static_cast<uint8_t>(*at - '0') <= 9) digits = digits * 10 + static_cast<uint8_t>(*at++ - '0');
    exponent = -static_cast<int>(at - fraction);
    count += at - fraction;
  }
  if (count == 0 || count > 19 || digits > (1ull << 53)) return false;
  if (at != end) {
    // e, an optional sign, one or two digits.
    if ((*at | 0x20) != 'e') return false;
    if (++at == end) return false;
    const bool down = *at == '-';
    if (*at == '-' || *at == '+') ++at;
    if (at == end || end - at > 2) return false;
    int power = 0;
    for (; at != end; ++at) {
      if (static_cast<uint8_t>(*at - '0') > 9) return false;
      power = power * 10 + (*at - '0');
    }
    exponent += down ? -power : power;
  }
  if (exponent < -22 || exponent > 22) return false;
  auto value = static_cast<double>(digits);
  if (exponent < 0) {
    value /= kExactPowersOfTen[static_cast<size_t>(-exponent)];
  } else {
    value *= kExactPowersOfTen[static_cast<size_t>(exponent)];
  }
  out = negative ? -value : value;
  return true;
}

// Any number of the format; false when the exact parser has to say what is wrong with it.
[[nodiscard]] inline bool parse_number(const char* at, const char* end, double& out) noexcept {
  if (parse_short_decimal(at, end, out)) return true;
  if (end - at == 4 && std::memcmp(at, "+Inf", 4) == 0) {  // the last bucket of every histogram
    out = std::numeric_limits<double>::infinity();
    return true;
  }
  return parse_float(std::string_view(at, static_cast<size_t>(end - at)), out) == NumberError::kNone;
}

// The count of a histogram or bucket; false for a fractional or negative one, which changes the whole histogram or is
// an error.
[[nodiscard]] inline bool whole_count(double value, uint64_t& out) noexcept {
  const bool fits = value >= 0 && value < 0x1p63;
  out = fits ? static_cast<uint64_t>(value) : go_uint64(value);
  return static_cast<double>(out) == value;
}

}  // namespace sluice::parser
