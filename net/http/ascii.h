// The character classes of HTTP's grammar (RFC 9110, 5.6) and comparison without case, ASCII only and independent of
// any locale.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

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

}  // namespace ascii

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ascii::lower(a[i]) != ascii::lower(b[i])) return false;
  }
  return true;
}

}  // namespace sluice::net::http
