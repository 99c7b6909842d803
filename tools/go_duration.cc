#include "tools/go_duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace sluice::tools {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr int64_t kSecond = 1'000'000'000;
// Both letters that look like a micro sign count.
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"\u00b5s", 1'000},
                           {"\u03bcs", 1'000},
                           {"ms", 1'000'000},
                           {"s", kSecond},
                           {"m", 60 * kSecond},
                           {"h", 3600 * kSecond},
                           {"d", 24 * 3600 * kSecond},
                           {"w", 168 * 3600 * kSecond}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front of `rest`, removed; nullopt when they overflow.
std::optional<int64_t> take_whole(std::string_view& rest) {
  int64_t value = 0;
  while (!rest.empty() && is_digit(rest.front())) {
    if (value > kMax / 10 || value * 10 > kMax - (rest.front() - '0')) return std::nullopt;
    value = value * 10 + (rest.front() - '0');
    rest.remove_prefix(1);
  }
  return value;
}

// The digits behind the point as a fraction; those that a double would not see are passed over.
double take_fraction(std::string_view& rest) {
  double value = 0;
  double scale = 1;
  for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1)) {
    if (scale >= 1e18) continue;
    value = value * 10 + (rest.front() - '0');
    scale *= 10;
  }
  return value / scale;
}

}  // namespace

Result<std::chrono::nanoseconds, std::string> parse_go_duration(std::string_view text) {
  const auto invalid = [&] { return std::unexpected(fmt::format("time: invalid duration \"{}\"", text)); };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return invalid();
  int64_t total = 0;
  while (!rest.empty()) {
    if (rest.front() != '.' && !is_digit(rest.front())) return invalid();
    const size_t before = rest.size();
    const auto whole = take_whole(rest);
    if (!whole) return invalid();
    bool digits = rest.size() != before;
    double fraction = 0;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      const size_t behind_point = rest.size();
      fraction = take_fraction(rest);
      digits = digits || rest.size() != behind_point;
    }
    if (!digits) return invalid();
    const auto end = std::ranges::find_if(rest, [](char c) { return c == '.' || is_digit(c); });
    const std::string_view name(rest.begin(), end);
    if (name.empty()) return std::unexpected(fmt::format("time: missing unit in duration \"{}\"", text));
    const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
    if (unit == std::end(kUnits)) {
      return std::unexpected(fmt::format("time: unknown unit \"{}\" in duration \"{}\"", name, text));
    }
    rest.remove_prefix(name.size());
    if (*whole > kMax / unit->ns) return invalid();
    const int64_t part = *whole * unit->ns;
    const auto extra = static_cast<int64_t>(fraction * static_cast<double>(unit->ns));
    if (extra > kMax - part || part + extra > kMax - total) return invalid();
    total += part + extra;
  }
  return std::chrono::nanoseconds(negative ? -total : total);
}

std::string format_go_duration(std::chrono::nanoseconds duration) {
  constexpr uint64_t kOneSecond = 1'000'000'000;
  const bool negative = duration.count() < 0;
  const auto given = static_cast<uint64_t>(duration.count());
  const uint64_t ns = negative ? 0 - given : given;
  // `value` over `unit` with as many decimals as it has.
  const auto decimal = [](uint64_t value, uint64_t unit) {
    std::string text = std::to_string(value / unit);
    if (value % unit == 0) return text;
    const std::string digits = std::to_string(unit + value % unit);  // a 1, then the decimals
    return text + '.' + digits.substr(1, digits.find_last_not_of('0'));
  };
  std::string out = negative ? "-" : "";
  if (ns == 0) return "0s";
  if (ns < 1'000) return out + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return out + decimal(ns, 1'000) + "\u00b5s";
  if (ns < kOneSecond) return out + decimal(ns, 1'000'000) + "ms";
  const uint64_t minutes = ns / kOneSecond / 60;
  if (minutes >= 60) out += std::to_string(minutes / 60) + 'h';
  if (minutes != 0) out += std::to_string(minutes % 60) + 'm';
  return out + decimal(ns % (60 * kOneSecond), kOneSecond) + 's';
}

}  // namespace sluice::tools
