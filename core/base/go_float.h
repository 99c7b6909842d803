// Numbers as the reference's text writer prints them: Go's strconv 'g' with the shortest digits that read back as the
// same double.
//
// Plain form while the decimal exponent is in [-4, 6), else d.ddde±XX with at least two exponent digits: 123456, 1e+06,
// 0.0001, 1e-05. `+Inf`, `-Inf`, `NaN`; both zeros are `0` (expfmt writes f == 0 so; JSON, which keeps `-0`, asks for
// the sign itself). Pure functions, any thread, no allocation, cannot fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

// Longest result: "-1.2345678901234567e-308" is 24 bytes. Up to kGoFloatRoom bytes of `out` may be overwritten, so that
// short copies can have a fixed length.
inline constexpr size_t kGoFloatBytesMax = 24;
inline constexpr size_t kGoFloatRoom = 32;
// Longest uint64: 20 digits.
inline constexpr size_t kUint64BytesMax = 20;

// Writes `value` to `out` (kGoFloatRoom writable bytes, no terminator) and returns the length.
[[nodiscard]] size_t format_go_float(double value, char* out) noexcept;

// Writes all decimal digits of `value` to `out` (kUint64BytesMax writable bytes) and returns their number.
[[nodiscard]] size_t format_uint64(uint64_t value, char* out) noexcept;

// The end of a number at `at` that is already what format_go_float would print for it, so that it may be copied: an
// integer of at most six digits or a decimal of at most 15 significant digits in plain form. nullptr when there is none
// up to the first byte that belongs to no such number, which proves nothing. `whole`: it is an integer, and not
// negative.
[[nodiscard]] inline const char* canonical_go_float_end(const char* at, const char* end, bool& whole) noexcept {
  const auto is_digit = [](char c) { return static_cast<unsigned char>(c - '0') < 10; };
  const bool negative = at != end && *at == '-';
  at += negative ? 1 : 0;
  const char* const first = at;
  while (at != end && is_digit(*at)) ++at;
  const auto whole_digits = at - first;
  if (whole_digits == 0 || whole_digits > 6) return nullptr;
  const bool zero = *first == '0';
  if (zero && whole_digits > 1) return nullptr;
  whole = !negative;
  if (at == end || *at != '.') return zero && negative ? nullptr : at;
  whole = false;
  const char* const fraction = ++at;
  while (at != end && is_digit(*at)) ++at;
  if (at == fraction || at[-1] == '0') return nullptr;
  auto significant = at - fraction;
  if (zero) {
    const char* digit = fraction;
    while (*digit == '0') ++digit;  // the last one is not 0
    if (digit - fraction > 3) return nullptr;
    significant -= digit - fraction;
  } else {
    significant += whole_digits;
  }
  return significant <= 15 ? at : nullptr;
}

// True when `text` is such a number from its beginning to its end. False proves nothing.
[[nodiscard]] inline bool is_canonical_go_float(std::string_view text) noexcept {
  bool whole = false;
  const char* const end = text.data() + text.size();
  return !text.empty() && canonical_go_float_end(text.data(), end, whole) == end;
}

}  // namespace sluice
