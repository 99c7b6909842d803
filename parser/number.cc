#include "parser/number.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <system_error>

namespace sluice::parser {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool equals_without_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

struct Decimal {
  bool valid = false;
  bool zero = true;            // no digit but 0
  int64_t point_exponent = 0;  // the value is 0.d... x 10^point_exponent, d the first digit that is not 0
  uint32_t digits = 0;         // all of the mantissa
  uint64_t mantissa = 0;       // meaningful while digits <= 18
  int64_t exponent = 0;        // the value is mantissa x 10^exponent
};

// Checks the grammar `digits [. digits] [e [sign] digits]` with at least one mantissa digit.
Decimal scan_decimal(std::string_view text) noexcept {
  Decimal out;
  size_t i = 0;
  bool point = false;
  int64_t fraction_digits = 0;
  int64_t integer_significant = 0;  // integer digits from the first non-zero one on
  int64_t leading_fraction_zeros = 0;
  size_t digits = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (point) return out;
      point = true;
      continue;
    }
    if (!is_digit(c)) break;
    ++digits;
    out.mantissa = out.mantissa * 10 + static_cast<uint64_t>(c - '0');  // wraps beyond 19 digits, unused then
    if (c != '0') out.zero = false;
    if (point) {
      ++fraction_digits;
      if (out.zero) ++leading_fraction_zeros;
    } else if (!out.zero) {
      ++integer_significant;
    }
  }
  if (digits == 0) return out;
  int64_t exponent = 0;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return out;
    if (++i == text.size()) return out;
    const bool negative = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') ++i;
    if (i == text.size()) return out;
    for (; i < text.size(); ++i) {
      if (!is_digit(text[i])) return out;
      // Beyond this every result is zero or out of range: a body holds fewer digits than that.
      if (exponent < 1'000'000'000'000) exponent = exponent * 10 + (text[i] - '0');
    }
    if (negative) exponent = -exponent;
  }
  out.valid = true;
  out.digits = digits > 100 ? 100 : static_cast<uint32_t>(digits);
  out.exponent = exponent - fraction_digits;
  out.point_exponent = exponent + (integer_significant > 0 ? integer_significant : -leading_fraction_zeros);
  return out;
}

// Exact for a mantissa below 2^53 and a power of ten up to 10^22: both are doubles, so one operation rounds once.
bool convert_exactly(const Decimal& decimal, double& out) noexcept {
  static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (decimal.digits > 18 || decimal.mantissa > (uint64_t{1} << 53)) return false;
  const auto mantissa = static_cast<double>(decimal.mantissa);
  if (decimal.exponent >= 0 && decimal.exponent <= 22) {
    out = mantissa * kPowers[decimal.exponent];
    return true;
  }
  if (decimal.exponent < 0 && decimal.exponent >= -22) {
    out = mantissa / kPowers[-decimal.exponent];
    return true;
  }
  return false;
}

// The words; `signless` is `text` without its sign.
bool parse_word(std::string_view text, std::string_view signless, bool negative, double& out) noexcept {
  if (equals_without_case(signless, "inf") || equals_without_case(signless, "infinity")) {
    out = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    return true;
  }
  if (equals_without_case(text, "nan")) {
    out = std::bit_cast<double>(uint64_t{0x7ff8000000000001});
    return true;
  }
  return false;
}

}  // namespace

NumberError parse_float(std::string_view text, double& out) noexcept {
  if (text.empty()) return NumberError::kSyntax;
  const bool negative = text.front() == '-';
  const std::string_view digits = negative || text.front() == '+' ? text.substr(1) : text;
  const Decimal decimal = scan_decimal(digits);
  if (!decimal.valid) return parse_word(text, digits, negative, out) ? NumberError::kNone : NumberError::kSyntax;
  double value = 0;
  if (!decimal.zero && !convert_exactly(decimal, value)) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || std::isinf(value)) {
      // from_chars says out of range both ways; a number of at least 0.1 cannot be too small.
      if (decimal.point_exponent >= 0) return NumberError::kRange;
      value = 0;
    }
  }
  out = negative ? -value : value;
  return NumberError::kNone;
}

NumberError parse_int(std::string_view text, int64_t& out) noexcept {
  const bool plus = !text.empty() && text.front() == '+';
  const std::string_view digits = plus ? text.substr(1) : text;
  if (plus && (digits.empty() || !is_digit(digits.front()))) return NumberError::kSyntax;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 10);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) return NumberError::kSyntax;
  if (error != std::errc{}) return NumberError::kRange;
  out = value;
  return NumberError::kNone;
}

uint64_t go_uint64(double value) noexcept {
  constexpr double kTwo63 = 9223372036854775808.0;
  constexpr uint64_t kIndefinite = uint64_t{1} << 63;  // what cvttsd2si gives for everything outside int64
  if (value < kTwo63) {
    return value >= -kTwo63 ? static_cast<uint64_t>(static_cast<int64_t>(value)) : kIndefinite;
  }
  const double rest = value - kTwo63;  // NaN stays NaN
  if (rest < kTwo63) return static_cast<uint64_t>(static_cast<int64_t>(rest)) | kIndefinite;
  return kIndefinite;
}

}  // namespace sluice::parser
