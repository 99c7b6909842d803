#include "net/web/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace sluice::net::web {
namespace {

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};

template <typename List>
bool among(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

// As Go's strconv.ParseInt with base 0, underscores taken out.
std::optional<int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative || text.starts_with('+') ? 1 : 0);
  int base = 10;
  const auto prefixed = [&](std::string_view lower, std::string_view upper) {
    if (!digits.starts_with(lower) && !digits.starts_with(upper)) return false;
    digits.remove_prefix(2);
    return true;
  };
  if (prefixed("0x", "0X")) {
    base = 16;
  } else if (prefixed("0b", "0B")) {
    base = 2;
  } else if (prefixed("0o", "0O")) {
    base = 8;
  } else if (digits.size() > 1 && digits.front() == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (status != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (value > kMost + (negative ? 1 : 0)) return std::nullopt;
  return negative ? static_cast<int64_t>(0 - value) : static_cast<int64_t>(value);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::string_view unsigned_text = text.starts_with('-') ? text.substr(1) : text;
  if (unsigned_text.empty() ||
      !(std::isdigit(static_cast<unsigned char>(unsigned_text[0])) != 0 || unsigned_text[0] == '.')) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Scalar resolve_plain(std::string_view text) {
  if (among(kNull, text)) return {.kind = Scalar::Kind::kNull};
  if (among(kTrue, text)) return {.kind = Scalar::Kind::kBool, .boolean = true};
  if (among(kFalse, text)) return {.kind = Scalar::Kind::kBool, .boolean = false};
  std::string plain(text);
  std::erase(plain, '_');
  if (const auto integer = parse_integer(plain)) return {.kind = Scalar::Kind::kInt, .integer = *integer};
  if (const auto number = parse_number(plain)) return {.kind = Scalar::Kind::kFloat, .number = *number};
  return {};
}

std::string_view tag_of(Scalar::Kind kind) noexcept {
  switch (kind) {
    case Scalar::Kind::kNull:
      return "!!null";
    case Scalar::Kind::kBool:
      return "!!bool";
    case Scalar::Kind::kInt:
      return "!!int";
    case Scalar::Kind::kFloat:
      return "!!float";
    case Scalar::Kind::kText:
      break;
  }
  return "!!str";
}

std::optional<int64_t> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{{"ns", 1},
                                                                          {"us", 1e3},
                                                                          {"\u00b5s", 1e3},
                                                                          {"\u03bcs", 1e3},
                                                                          {"ms", 1e6},
                                                                          {"s", 1e9},
                                                                          {"m", 60e9},
                                                                          {"h", 3600e9}}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    double count = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + digits, count, std::chars_format::fixed);
    if (digits == 0 || status != std::errc() || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    const std::string_view unit = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    const auto* const found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
    if (found == kUnits.end()) return std::nullopt;
    total += count * found->second;
    text.remove_prefix(unit.size());
  }
  if (total >= 9.2233720368547748e18) return std::nullopt;
  return static_cast<int64_t>(negative ? -total : total);
}

}  // namespace sluice::net::web
