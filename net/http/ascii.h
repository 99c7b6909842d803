// The character classes of HTTP's grammar (RFC 9110, 5.6) and comparison without case, ASCII only and independent of
// any locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/swar.h"

namespace sluice::net::http {

namespace ascii {

enum Class : uint8_t {
  kToken = 1,       // tchar: methods and field names
  kFieldValue = 2,  // what may stand in a field value: no control but the tab, no DEL
  kHost = 4,        // what Go's server accepts in a Host field
  kHexDigit = 8,
};

consteval std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  const auto add = [&](std::string_view characters, uint8_t bits) {
    for (const char c : characters) classes[static_cast<unsigned char>(c)] |= bits;
  };
  for (int c = 0; c < 256; ++c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum) classes[static_cast<size_t>(c)] |= kToken | kHost;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[static_cast<size_t>(c)] |= kFieldValue;
  }
  add("!#$%&'*+-.^_`|~", kToken);
  add("!$%&'()*+,-.:;=@[]_~", kHost);
  add("0123456789abcdefABCDEF", kHexDigit);
  return classes;
}

inline constexpr std::array<uint8_t, 256> kClasses = make_classes();

[[nodiscard]] constexpr bool is(char c, Class wanted) noexcept {
  return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all(std::string_view text, Class wanted) noexcept {
  for (const char c : text) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Without the blanks and tabs around it.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether each byte of `a` is that of `b` or the same letter in the other case, which differs by 0x20. For a letter of
// `b`: 'A' (41) folded is 61; 61 + 1f = 80 has the highest bit, 61 + 05 = 66 has not. For none: '[' (5b) folded is 7b,
// and 7b + 05 = 80 has it; '\r' (0d) folded is 2d, and 2d + 1f = 4c has it not.
[[nodiscard]] constexpr bool same_word_ignoring_case(uint64_t a, uint64_t b) noexcept {
  constexpr uint64_t kEach = swar::kOnes;
  const uint64_t different = a ^ b;
  const uint64_t folded = (b | 0x20 * kEach) & 0x7f * kEach;
  const uint64_t letters = (folded + 0x1f * kEach) & ~(folded + 0x05 * kEach) & ~b & 0x80 * kEach;
  return (different & ~(letters >> 2)) == 0;
}

}  // namespace ascii

[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (!ascii::same_word_ignoring_case(load_u64(a.data() + i), load_u64(b.data() + i))) return false;
    }
    return ascii::same_word_ignoring_case(load_u64(a.data() + size - 8), load_u64(b.data() + size - 8));
  }
  if (size >= 4) {
    return ascii::same_word_ignoring_case(load_u32(a.data()), load_u32(b.data())) &&
           ascii::same_word_ignoring_case(load_u32(a.data() + size - 4), load_u32(b.data() + size - 4));
  }
  for (size_t i = 0; i < size; ++i) {
    if (ascii::lower(a[i]) != ascii::lower(b[i])) return false;
  }
  return true;
}

}  // namespace sluice::net::http
