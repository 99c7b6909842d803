#include "core/render/escape_names.h"

#include <cstddef>
#include <cstring>

namespace sluice::render {

namespace {

bool is_legacy_char(char c, bool first) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
}

bool is_continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Bytes of the UTF-8 character at the front; 1 for a byte that begins none.
size_t character_bytes(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  if (bytes > text.size()) return 1;
  for (size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[i])) return 1;
  }
  return bytes;
}

// The name between the quotes at `text[0]`, unescaped into `name`; returns the bytes up to and with the closing quote.
size_t read_quoted(std::string_view text, std::string& name) {
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

// Bytes of the quoted value at `text[0]`, quotes included.
size_t value_bytes(std::string_view text) noexcept {
  size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at < text.size() ? at + 1 : text.size();
}

}  // namespace

bool is_legacy_name(std::string_view name) noexcept {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_legacy_char(name[i], i == 0)) return false;
  }
  return !name.empty();
}

void append_underscored_name(std::string_view name, std::string& out) {
  for (size_t at = 0; at < name.size();) {
    if (is_legacy_char(name[at], at == 0)) {
      out += name[at++];
    } else {
      out += '_';
      at += character_bytes(name.substr(at));
    }
  }
}

void append_underscored_text(std::string_view text, std::string& out) {
  std::string name;
  while (!text.empty()) {
    if (text[0] == '{') {
      const size_t bytes = read_quoted(text.substr(1), name);
      append_underscored_name(name, out);
      text.remove_prefix(1 + bytes);
      if (text.starts_with(',')) text.remove_prefix(1);
    } else {
      const size_t bytes = text.find('{');
      out.append(text.substr(0, bytes));
      text.remove_prefix(bytes == std::string_view::npos ? text.size() : bytes + 1);
    }
    out += '{';
    while (!text.empty() && text[0] != '}') {
      if (text[0] == ',') {
        out += ',';
        text.remove_prefix(1);
      }
      if (text.starts_with('"')) {
        text.remove_prefix(read_quoted(text, name));
        append_underscored_name(name, out);
      } else {
        const size_t bytes = text.find('=');
        out.append(text.substr(0, bytes));
        text.remove_prefix(bytes == std::string_view::npos ? text.size() : bytes);
      }
      if (text.size() < 2) break;
      const size_t bytes = 1 + value_bytes(text.substr(1));
      out.append(text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
    const size_t line = text.find('\n');
    out.append(text.substr(0, line == std::string_view::npos ? line : line + 1));
    text.remove_prefix(line == std::string_view::npos ? text.size() : line + 1);
  }
}

}  // namespace sluice::render
