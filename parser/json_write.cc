#include "parser/json_write.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "core/base/go_float.h"

namespace sluice::parser {

namespace {

// Bytes that stand for themselves wherever they are: printable ASCII without what JSON or HTML gives a meaning.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  return plain;
}();

void append_unicode_escape(std::string& out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(c));
  }
}

bool continues(unsigned char c, unsigned char low = 0x80, unsigned char high = 0xbf) noexcept {
  return c >= low && c <= high;
}

// Bytes of the UTF-8 sequence that `text` begins with (its first byte is not ASCII), 0 when it is none: Go's rules,
// which are those of the Unicode standard (no surrogates, no overlong forms).
size_t sequence_bytes(std::string_view text) noexcept {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const unsigned char first = at(0);
  if (first >= 0xc2 && first <= 0xdf) return continues(at(1)) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;
    return continues(at(1), low, high) && continues(at(2)) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
    return continues(at(1), low, high) && continues(at(2)) && continues(at(3)) ? 4 : 0;
  }
  return 0;
}

// Appends the sequence at `text` and returns its length.
size_t append_high(std::string& out, std::string_view text) {
  const size_t bytes = sequence_bytes(text);
  if (bytes == 0) {
    out += "\\ufffd";
    return 1;
  }
  const std::string_view sequence = text.substr(0, bytes);
  if (sequence == "\xe2\x80\xa8") {
    out += "\\u2028";
  } else if (sequence == "\xe2\x80\xa9") {
    out += "\\u2029";
  } else {
    out += sequence;
  }
  return bytes;
}

template <bool kEscaped>
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  size_t from = 0;
  for (size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (kPlain[c]) {
      ++at;
      continue;
    }
    out += text.substr(from, at - from);
    if (c >= 0x80) {
      at += append_high(out, text.substr(at));
    } else if (kEscaped && c == '\\' && at + 1 < text.size()) {
      out += text.substr(at, 2);
      at += 2;
    } else {
      append_ascii(out, text[at++]);
    }
    from = at;
  }
  out += text.substr(from);
  out += '"';
}

// The end of the quoted text that begins at `at`: the index of its closing quote, or the end.
size_t quote_end(std::string_view text, size_t at) noexcept {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at < text.size() ? at : text.size();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) { append_quoted<false>(out, text); }

void append_json_escaped(std::string& out, std::string_view text) { append_quoted<true>(out, text); }

void append_json_labels(std::string& out, std::string_view labels, bool drop_empty_instance) {
  char separator = '{';
  for (size_t at = 0; at < labels.size();) {
    std::string_view name;
    if (labels[at] == '"') {
      const size_t end = quote_end(labels, at + 1);
      name = labels.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      const size_t end = std::min(labels.find('=', at), labels.size());
      name = labels.substr(at, end - at);
      at = end;
    }
    if (at >= labels.size() || labels[at] != '=') {  // the metric's name
      at += 1;
      continue;
    }
    const size_t begin = std::min(at + 2, labels.size());
    const size_t end = quote_end(labels, begin);
    const std::string_view value = labels.substr(begin, end - begin);
    at = end + 2;
    if (drop_empty_instance && value.empty() && name == "instance") continue;
    out += separator;
    separator = ',';
    append_json_escaped(out, name);
    out += ':';
    append_json_escaped(out, value);
  }
  if (separator == '{') out += '{';
  out += '}';
}

void append_json_float(std::string& out, double value) {
  if (value == 0 && std::signbit(value)) {
    out += "-0";
    return;
  }
  char digits[kGoFloatRoom];
  out.append(digits, format_go_float(value, digits));
}

void append_json_uint(std::string& out, uint64_t value) {
  char digits[kUint64BytesMax];
  out.append(digits, format_uint64(value, digits));
}

}  // namespace sluice::parser
