#include "parser/names.h"

#include <simdjson.h>

#include <array>

namespace sluice::parser {
namespace {

enum Class : uint8_t { kLabelName = 1, kMetricName = 2 };  // where in such a name, but perhaps its front

consteval std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    if (is_name_continuation(static_cast<char>(c))) classes[c] = kLabelName | kMetricName;
  }
  classes[':'] = kMetricName;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

bool is_valid_legacy(std::string_view name, Class wanted) noexcept {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  for (const char c : name) {
    if ((kClasses[static_cast<unsigned char>(c)] & wanted) == 0) return false;
  }
  return true;
}

// The value of a hexadecimal digit, or -1.
int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes `HEX_` at `at` (behind the opening underscore) and moves `at` to the closing one. False when it is no escape.
bool append_code_point(std::string& out, std::string_view text, size_t& at) {
  uint32_t value = 0;
  for (int digits = 0; at < text.size() && digits < 6; ++digits, ++at) {
    if (text[at] == '_') {
      if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
      append_utf8(out, value);
      return true;
    }
    const int digit = hex_digit(text[at]);
    if (digit < 0) return false;
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  // The reference counts the closing underscore among its six characters: five digits are the most.
  return false;
}

}  // namespace

bool is_valid_metric_name(std::string_view name, NameScheme scheme) noexcept {
  if (scheme == NameScheme::kLegacy) return is_valid_legacy(name, kMetricName);
  return !name.empty() && is_valid_utf8(name);
}

bool is_valid_label_name(std::string_view name, NameScheme scheme) noexcept {
  if (scheme == NameScheme::kLegacy) return is_valid_legacy(name, kLabelName);
  return !name.empty() && is_valid_utf8(name);
}

bool is_valid_utf8(std::string_view text) noexcept { return simdjson::validate_utf8(text.data(), text.size()); }

std::string unescape_name(std::string_view name) {
  if (!is_escaped_name(name)) return std::string(name);
  const std::string_view escaped = name.substr(3);
  std::string out;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '_') {
      out.push_back(escaped[i]);
      continue;
    }
    if (++i >= escaped.size()) return std::string(name);
    if (escaped[i] == '_') {
      out.push_back('_');
    } else if (!append_code_point(out, escaped, i)) {
      return std::string(name);
    }
  }
  return out;
}

void append_utf8(std::string& out, uint32_t code_point) {
  if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) code_point = 0xfffd;
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
    return;
  }
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3f))); };
  if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xc0 | code_point >> 6));
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | code_point >> 12));
    tail(6);
  } else {
    out.push_back(static_cast<char>(0xf0 | code_point >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
}

}  // namespace sluice::parser
