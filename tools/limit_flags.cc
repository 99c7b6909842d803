#include "tools/limit_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <utility>

#include "tools/go_duration.h"

namespace sluice::tools {
namespace {

using limits::Entry;
using limits::Unit;

constexpr std::pair<std::string_view, uint64_t> kByteUnits[] = {
    {"TiB", UINT64_C(1) << 40}, {"GiB", UINT64_C(1) << 30}, {"MiB", UINT64_C(1) << 20}, {"KiB", UINT64_C(1) << 10}};

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  for (const auto& [unit, bytes] : kByteUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = parse_number(text.substr(0, text.size() - unit.size()));
    if (!number || *number > UINT64_MAX / bytes) return std::nullopt;
    return *number * bytes;
  }
  return parse_number(text);
}

std::string format_bytes(uint64_t value) {
  for (const auto& [unit, bytes] : kByteUnits) {
    if (value != 0 && value % bytes == 0) return fmt::format("{}{}", value / bytes, unit);
  }
  return fmt::to_string(value);
}

std::string status_text(int status) {
  switch (status) {
    case limits::kCloses:
      return "closed";
    case limits::kWaits:
      return "waits";
    default:
      return fmt::to_string(status);
  }
}

}  // namespace

std::optional<uint64_t> parse_limit(const Entry& entry, std::string_view text) {
  std::optional<uint64_t> value;
  switch (entry.unit) {
    case Unit::kNumber:
      value = parse_number(text);
      break;
    case Unit::kBytes:
      value = parse_bytes(text);
      break;
    case Unit::kNanoseconds:
      if (const auto duration = parse_go_duration(text); duration && duration->count() >= 0) {
        value = static_cast<uint64_t>(duration->count());
      }
      break;
  }
  if (value && (*value < entry.least || *value > entry.most)) return std::nullopt;
  return value;
}

std::string format_limit(const Entry& entry, uint64_t value) {
  switch (entry.unit) {
    case Unit::kNumber:
      break;
    case Unit::kBytes:
      return format_bytes(value);
    case Unit::kNanoseconds:
      return format_go_duration(std::chrono::nanoseconds(static_cast<int64_t>(value)));
  }
  return fmt::to_string(value);
}

std::string limits_page() {
  std::string page = "| flag, and label of the counter | limit | default | past it |\n|---|---|---|---|\n";
  for (const Entry& entry : limits::kTable) {
    page += fmt::format("| `--limits.{}` | {} | `{}` | {} |\n", entry.name, entry.meaning,
                        format_limit(entry, entry.value), status_text(entry.status));
  }
  return page;
}

}  // namespace sluice::tools
