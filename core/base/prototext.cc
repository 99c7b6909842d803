#include "core/base/prototext.h"

#include <cmath>

#include "core/base/go_float.h"
#include "core/base/utf8.h"

namespace sluice {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_hex_byte(std::string& out, uint32_t byte) {
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 0xf];
}

// One character below U+0020, or one of `"`, `\` and DEL.
void append_escape(std::string& out, uint32_t c) {
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += static_cast<char>(c);
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      append_hex_byte(out, c);
      break;
  }
}

bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);  // char is unsigned on arm64
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

}  // namespace

void append_prototext_string(std::string& out, std::string_view text) {
  out += '"';
  append_prototext_escaped(out, text);
  out += '"';
}

void append_prototext_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    // What needs no escape is copied at once.
    size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const CodePoint next = decode_utf8(text);
    if (!next.valid) {
      append_hex_byte(out, static_cast<unsigned char>(text.front()));
    } else if (next.value < ' ' || next.value == '"' || next.value == '\\' || next.value == 0x7f) {
      append_escape(out, next.value);
    } else if (next.value >= 0x80 && next.value <= 0x9f) {
      out += "\\u00";
      out += kHex[next.value >> 4];
      out += kHex[next.value & 0xf];
    } else {
      out += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
}

void append_prototext_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "nan";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
  } else {
    if (value == 0 && std::signbit(value)) out += '-';  // format_go_float prints both zeros alike
    char text[kGoFloatRoom];
    out.append(text, format_go_float(value, text));
  }
}

void append_prototext_number(std::string& out, uint64_t value) { out += std::to_string(value); }

}  // namespace sluice
