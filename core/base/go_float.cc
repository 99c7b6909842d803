#include "core/base/go_float.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace sluice {

namespace {

constexpr char kPairs[201] =
    "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950515253545556"
    "57"
    "585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

constexpr uint64_t kPowersOf10[20] = {1ull,
                                      10ull,
                                      100ull,
                                      1000ull,
                                      10000ull,
                                      100000ull,
                                      1000000ull,
                                      10000000ull,
                                      100000000ull,
                                      1000000000ull,
                                      10000000000ull,
                                      100000000000ull,
                                      1000000000000ull,
                                      10000000000000ull,
                                      100000000000000ull,
                                      1000000000000000ull,
                                      10000000000000000ull,
                                      100000000000000000ull,
                                      1000000000000000000ull,
                                      10000000000000000000ull};

// Number of decimal digits; 1 for 0. 1233/4096 approximates log10(2) closely enough for 64 bits.
size_t digits_of(uint64_t value) noexcept {
  const auto bits = static_cast<size_t>(std::bit_width(value | 1));
  const size_t guess = (bits * 1233) >> 12;
  return guess + (value >= kPowersOf10[guess] || guess == 0 ? 1 : 0);
}

void write_digits(uint64_t value, size_t digits, char* out) noexcept {
  char* at = out + digits;
  while (value >= 100) {
    at -= 2;
    std::memcpy(at, kPairs + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    std::memcpy(at - 2, kPairs + 2 * value, 2);
  } else {
    at[-1] = static_cast<char>('0' + value);
  }
}

// Lays out the digits d1 d2 ... dn, which mean 0.d1d2...dn * 10^point, as Go's 'g' does with shortest digits: the
// exponent form is chosen against a precision of 6. At most 17 digits, none of them a trailing zero.
size_t lay_out(const char* digits, int count, int point, char* out) noexcept {
  const int exponent = point - 1;
  char* at = out;
  if (exponent < -4 || exponent >= 6) {
    *at++ = digits[0];
    if (count > 1) {
      *at++ = '.';
      std::memcpy(at, digits + 1, static_cast<size_t>(count - 1));
      at += count - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude >= 100) {
      *at++ = static_cast<char>('0' + magnitude / 100);
      magnitude %= 100;
    }
    std::memcpy(at, kPairs + 2 * magnitude, 2);
    return static_cast<size_t>(at + 2 - out);
  }
  if (point <= 0) {
    std::memcpy(at, "0.0000", 6);
    at += 2 - point;
    std::memcpy(at, digits, static_cast<size_t>(count));
    return static_cast<size_t>(at + count - out);
  }
  if (count <= point) {
    std::memcpy(at, "000000", 6);
    std::memcpy(at, digits, static_cast<size_t>(count));
    return static_cast<size_t>(point);
  }
  std::memcpy(at, digits, static_cast<size_t>(point));
  at[point] = '.';
  std::memcpy(at + point + 1, digits + point, static_cast<size_t>(count - point));
  return static_cast<size_t>(count + 1);
}

// `scaled` / 10^scale, not 0. A decimal of at most 15 digits is the shortest form of its double: two different ones
// never round to the same double.
size_t write_decimal(uint64_t scaled, int scale, char* out) noexcept {
  char digits[kUint64BytesMax];
  const size_t all = digits_of(scaled);
  write_digits(scaled, all, digits);
  auto count = static_cast<int>(all);
  while (digits[count - 1] == '0') --count;
  return lay_out(digits, count, static_cast<int>(all) - scale, out);
}

size_t write_shortest(double value, char* out) noexcept {
  // d[.ddd]e±XX, the digits that Go prints too: the shortest that round-trip, of these the closest.
  char buffer[kGoFloatRoom];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  char digits[kGoFloatRoom];
  int count = 0;
  const char* at = buffer;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  ++at;
  const bool negative = *at == '-';
  int exponent = 0;
  for (++at; at != result.ptr; ++at) exponent = exponent * 10 + (*at - '0');
  return lay_out(digits, count, (negative ? -exponent : exponent) + 1, out);
}

}  // namespace

size_t format_uint64(uint64_t value, char* out) noexcept {
  const size_t digits = digits_of(value);
  write_digits(value, digits, out);
  return digits;
}

size_t format_go_float(double value, char* out) noexcept {
  size_t sign = 0;
  if (value < 0) {
    *out++ = '-';
    sign = 1;
    value = -value;
  }
  if (value < 1e15) {
    const auto whole = static_cast<uint64_t>(value);
    if (static_cast<double>(whole) == value) {
      if (whole < 1'000'000) return sign + format_uint64(whole, out);
      return sign + write_decimal(whole, 0, out);
    }
    if (value < 1e9 && value >= 1e-4) {
      // A quotient of two exact integers is correctly rounded, so equality proves that the decimal reads as `value`.
      const auto scaled = static_cast<uint64_t>(value * 1e6 + 0.5);
      if (static_cast<double>(scaled) / 1e6 == value) return sign + write_decimal(scaled, 6, out);
    }
    return sign + write_shortest(value, out);
  }
  if (std::isnan(value)) {
    std::memcpy(out, "NaN", 3);
    return 3;
  }
  if (std::isinf(value)) {
    // The sign is written for both infinities.
    std::memcpy(sign != 0 ? out - 1 : out, sign != 0 ? "-Inf" : "+Inf", 4);
    return 4;
  }
  return sign + write_shortest(value, out);
}

}  // namespace sluice
