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

constexpr uint64_t kDurationMax = uint64_t{1} << 63;  // of a negative one

uint64_t digit_at_front(std::string_view text) { return static_cast<uint64_t>(text.front() - '0'); }
bool has_digit_at_front(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0;
}

// A number and its unit, removed from the front of `rest`: nanoseconds up to kDurationMax. Whole numbers are exact, and
// digits behind the point that are too many for 64 bits do not count, as in Go.
std::optional<uint64_t> take_duration_part(std::string_view& rest) {
  constexpr std::array<std::pair<std::string_view, uint64_t>, 8> kUnits = {{{"ns", 1},
                                                                            {"us", 1'000},
                                                                            {"\u00b5s", 1'000},
                                                                            {"\u03bcs", 1'000},
                                                                            {"ms", 1'000'000},
                                                                            {"s", 1'000'000'000},
                                                                            {"m", 60'000'000'000},
                                                                            {"h", 3'600'000'000'000}}};
  bool any = false;
  uint64_t whole = 0;
  for (; has_digit_at_front(rest); rest.remove_prefix(1), any = true) {
    if (whole > (kDurationMax - digit_at_front(rest)) / 10) return std::nullopt;
    whole = whole * 10 + digit_at_front(rest);
  }
  uint64_t fraction = 0;
  double scale = 1;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    for (bool full = false; has_digit_at_front(rest); rest.remove_prefix(1), any = true) {
      full = full || fraction > (kDurationMax - digit_at_front(rest)) / 10;
      if (full) continue;
      fraction = fraction * 10 + digit_at_front(rest);
      scale *= 10;
    }
  }
  const std::string_view name = rest.substr(0, rest.find_first_of("0123456789."));
  const auto* const unit = std::ranges::find(kUnits, name, &std::pair<std::string_view, uint64_t>::first);
  if (!any || unit == kUnits.end() || whole > kDurationMax / unit->second) return std::nullopt;
  rest.remove_prefix(name.size());
  const auto extra = static_cast<uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit->second) / scale));
  const uint64_t value = whole * unit->second;
  if (extra > kDurationMax - value) return std::nullopt;
  return value + extra;
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
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  uint64_t total = 0;
  while (!text.empty()) {
    const auto part = take_duration_part(text);
    if (!part || *part > kDurationMax - total) return std::nullopt;
    total += *part;
  }
  if (negative) return static_cast<int64_t>(0 - total);
  if (total == kDurationMax) return std::nullopt;
  return static_cast<int64_t>(total);
}

}  // namespace sluice::net::web
