// Numbers of the text format, read as Go reads them, and the conversions of the reference's machine (amd64) that C++
// leaves undefined.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::parser {

enum class NumberError : uint8_t {
  kNone,
  kSyntax,  // not a number
  kRange,   // a number, but beyond the largest finite one
};

// A sample value or a bound: strconv.ParseFloat with the text parser's restriction (no `p`, no `_`, hence no hex).
// Decimal with optional sign, fraction and exponent, correctly rounded for any number of digits; too small is a signed
// zero without error; `inf`, `infinity` (with sign) and `nan` (without) in any case. NaN has Go's bits,
// 0x7ff8000000000001. `out` is written on kNone only.
[[nodiscard]] NumberError parse_float(std::string_view text, double& out) noexcept;

// A timestamp: strconv.ParseInt in base 10, 64 bits.
[[nodiscard]] NumberError parse_int(std::string_view text, int64_t& out) noexcept;

// Go's uint64(x) as compiled for amd64: truncation where the result fits; negative values wrap through int64;
// NaN and everything from 2^64 on, and below -2^63, give 2^63.
[[nodiscard]] uint64_t go_uint64(double value) noexcept;

}  // namespace sluice::parser
