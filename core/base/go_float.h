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

// True when `text` is already what format_go_float would print for the number it denotes, so that it may be copied: an
// integer of at most six digits or a decimal of at most 15 significant digits in plain form. False proves nothing.
[[nodiscard]] bool is_canonical_go_float(std::string_view text) noexcept;

}  // namespace sluice
