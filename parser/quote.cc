#include "parser/quote.h"

#include <algorithm>

#include "parser/names.h"
#include "parser/quote_table.h"

namespace sluice::parser {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_hex(std::string& out, uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out.push_back(kHex[value >> shift & 0xf]);
}

void append_escaped(std::string& out, uint32_t code_point, char quote) {
  if (code_point == static_cast<uint32_t>(quote) || code_point == '\\') {
    out.push_back('\\');
    out.push_back(static_cast<char>(code_point));
    return;
  }
  if (is_printable(code_point)) {
    append_utf8(out, code_point);
    return;
  }
  constexpr std::string_view kLetters = "abtnvfr";  // U+0007 to U+000D
  if (code_point >= 7 && code_point <= 13) {
    out.push_back('\\');
    out.push_back(kLetters[code_point - 7]);
  } else if (code_point < ' ' || code_point == 0x7f) {
    out += "\\x";
    append_hex(out, code_point, 2);
  } else if (code_point < 0x10000) {
    out += "\\u";
    append_hex(out, code_point, 4);
  } else {
    out += "\\U";
    append_hex(out, code_point, 8);
  }
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const CodePoint next = decode_utf8(text);
    if (next.valid) {
      append_escaped(out, next.value, '"');
    } else {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text.front()), 2);
    }
    text.remove_prefix(next.bytes);
  }
  out.push_back('"');
}

std::string go_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

void append_quoted_byte(std::string& out, char byte) {
  out.push_back('\'');
  append_escaped(out, static_cast<unsigned char>(byte), '\'');
  out.push_back('\'');
}

void append_byte_as_char(std::string& out, char byte) { append_utf8(out, static_cast<unsigned char>(byte)); }

CodePoint decode_utf8(std::string_view text) noexcept {
  constexpr CodePoint kInvalid{0xfffd, 1, false};
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const uint32_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return kInvalid;
  uint32_t value = first & (0x7fu >> bytes);
  for (uint32_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kInvalid;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return kInvalid;
  return {value, bytes, true};
}

bool is_printable(uint32_t code_point) noexcept {
  const auto ranges = printable_ranges();
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code_point,
                                      [](uint32_t value, const CodePointRange& range) { return value < range.first; });
  return after != ranges.begin() && code_point <= std::prev(after)->last;
}

}  // namespace sluice::parser
