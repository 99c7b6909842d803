// Names of metrics and labels: which are valid, and how a request path spells those that a path cannot carry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::parser {

// Which names are accepted. The reference's default is legacy; --push.enable-utf8-names selects the other.
enum class NameScheme : uint8_t {
  kLegacy,  // [a-zA-Z_:][a-zA-Z0-9_:]*, labels without the colon
  kUtf8,    // any non-empty UTF-8
};

[[nodiscard]] bool is_valid_metric_name(std::string_view name, NameScheme scheme) noexcept;
[[nodiscard]] bool is_valid_label_name(std::string_view name, NameScheme scheme) noexcept;

// True for valid UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF), as Go's utf8.ValidString has it.
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

// Whether unescape_name may change the name: it begins with `U__`.
[[nodiscard]] constexpr bool is_escaped_name(std::string_view name) noexcept { return name.starts_with("U__"); }

// Undoes the escaping `U__...`: `__` is an underscore, `_HEX_` (up to five digits) that code point. A name without the
// prefix, or with anything else after it, comes back unchanged (model.UnescapeName of prometheus/common).
[[nodiscard]] std::string unescape_name(std::string_view name);

// Appends the UTF-8 encoding of a code point; surrogates and values above U+10FFFF become U+FFFD, as in Go.
void append_utf8(std::string& out, uint32_t code_point);

// The character classes of the text format's unquoted names.
[[nodiscard]] constexpr bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
[[nodiscard]] constexpr bool is_name_continuation(char c) noexcept {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

}  // namespace sluice::parser
