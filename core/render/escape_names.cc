#include "core/render/escape_names.h"

#include <charconv>
#include <cstddef>

#include "core/base/utf8.h"

namespace sluice::render {

namespace {

bool is_legacy_char(uint32_t c, bool first) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
}

void append_hex(uint32_t value, std::string& out) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, 16).ptr;
  out.append(digits, end);
}

void append_escaped_char(uint32_t c, bool legacy, NameEscaping escaping, std::string& out) {
  if (c == '_' && escaping != NameEscaping::kUnderscores) {
    out += "__";
  } else if (legacy) {
    out += static_cast<char>(c);
  } else if (escaping == NameEscaping::kUnderscores) {
    out += '_';
  } else if (escaping == NameEscaping::kDots) {
    out += c == '.' ? "_dot_" : "__";
  } else {
    out += '_';
    append_hex(c, out);
    out += '_';
  }
}

// Bytes of the quoted value at `text[0]`, quotes included.
size_t value_bytes(std::string_view text) noexcept {
  size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at < text.size() ? at + 1 : text.size();
}

// The labels of one line up to its `}`, which stays.
void append_escaped_labels(std::string_view& text, NameEscaping escaping, std::string& name, std::string& out) {
  while (!text.empty() && text[0] != '}') {
    if (text[0] == ',') {
      out += ',';
      text.remove_prefix(1);
    }
    if (text.starts_with('"')) {
      text.remove_prefix(read_quoted_name(text, name));
      append_escaped_name(name, escaping, out);
    } else {
      const size_t bytes = text.find('=');
      out.append(text.substr(0, bytes));
      text.remove_prefix(bytes == std::string_view::npos ? text.size() : bytes);
    }
    if (text.size() < 2) return;
    const size_t bytes = 1 + value_bytes(text.substr(1));
    out.append(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

}  // namespace

bool is_legacy_name(std::string_view name) noexcept {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_legacy_char(static_cast<unsigned char>(name[i]), i == 0)) return false;
  }
  return !name.empty();
}

void append_escaped_name(std::string_view name, NameEscaping escaping, std::string& out) {
  if (escaping == NameEscaping::kNone || name.empty() || is_legacy_name(name)) {
    out += name;
    return;
  }
  if (escaping == NameEscaping::kValues) out += "U__";
  for (size_t at = 0; at < name.size();) {
    const CodePoint next = decode_utf8(name.substr(at));
    append_escaped_char(next.value, is_legacy_char(next.value, at == 0), escaping, out);
    at += next.bytes;
  }
}

size_t read_quoted_name(std::string_view text, std::string& name) {
  name.clear();
  size_t at = 1;
  while (at < text.size() && text[at] != '"') {
    if (text[at] == '\\' && at + 1 < text.size()) {
      ++at;
      name += text[at] == 'n' ? '\n' : text[at];
    } else {
      name += text[at];
    }
    ++at;
  }
  return at < text.size() ? at + 1 : at;
}

void append_escaped_text(std::string_view text, std::string_view family, NameEscaping escaping, std::string& out) {
  std::string name;
  while (!text.empty()) {
    if (text[0] == '{') {
      const size_t bytes = read_quoted_name(text.substr(1), name);
      append_escaped_name(std::string_view(name).substr(0, family.size()), escaping, out);
      if (name.size() > family.size()) out.append(name, family.size());
      text.remove_prefix(1 + bytes);
      if (text.starts_with(',')) text.remove_prefix(1);
    } else {
      const size_t bytes = text.find('{');
      out.append(text.substr(0, bytes));
      text.remove_prefix(bytes == std::string_view::npos ? text.size() : bytes + 1);
    }
    out += '{';
    append_escaped_labels(text, escaping, name, out);
    const size_t line = text.find('\n');
    out.append(text.substr(0, line == std::string_view::npos ? line : line + 1));
    text.remove_prefix(line == std::string_view::npos ? text.size() : line + 1);
  }
}

}  // namespace sluice::render
