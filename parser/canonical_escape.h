// Copying of label text: short runs in blocks, values with their escapes.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace sluice::parser {

// Short copies run in blocks, so this many bytes beyond their end must be writable (and, for copy_blocks, readable).
inline constexpr size_t kCopySlack = 16;

// Copies `bytes` bytes in blocks of 16; returns the end of the copy.
[[nodiscard]] inline char* copy_blocks(const char* text, size_t bytes, char* out) noexcept {
  for (size_t at = 0; at < bytes; at += 16) std::memcpy(out + at, text + at, 16);
  return out + bytes;
}

// Copies `text` with `\`, `"` and newline escaped as expfmt escapes label values: at most twice its length. Reads
// nothing outside `text`. Sets `high` when a byte above 0x7f occurs; leaves it alone otherwise.
[[nodiscard]] char* write_escaped(std::string_view text, char* out, bool& high) noexcept;

// True when the reference prints a metric or label name without quotes: [a-zA-Z_:][a-zA-Z0-9_:]*.
[[nodiscard]] bool is_unquoted_name(std::string_view name) noexcept;

// True when no byte is above 0x7f; what is not ASCII needs a closer look with is_valid_utf8.
[[nodiscard]] bool is_ascii(std::string_view text) noexcept;

}  // namespace sluice::parser
