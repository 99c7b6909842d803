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

bool is_printable(uint32_t code_point) noexcept {
  const auto ranges = printable_ranges();
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code_point,
                                      [](uint32_t value, const CodePointRange& range) { return value < range.first; });
  return after != ranges.begin() && code_point <= std::prev(after)->last;
}

}  // namespace sluice::parser
