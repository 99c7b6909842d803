// The result for programs.
#include <fmt/format.h>

#include "parser/json_write.h"
#include "tools/load/report.h"

namespace sluice::tools::load {

namespace {

std::string json_quoted(std::string_view text) {
  std::string out;
  parser::append_json_string(out, text);
  return out;
}

// Items in brackets, each on a line of its own.
template <typename Items, typename Write>
std::string list(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) out += fmt::format("{}\n    {}", out.size() > 1 ? "," : "", write(item));
  return out + (out.size() > 1 ? "\n  ]" : "]");
}

}  // namespace

std::string report_json(const Report& report) {
  std::string out = fmt::format("{{\n  \"exit_code\": {},\n  \"conclusion\": {},\n", report.exit_code,
                                json_quoted(report.conclusion));
  out +=
      fmt::format("  \"notes\": {},\n", list(report.notes, [](const std::string& note) { return json_quoted(note); }));
  for (const Section& section : report.sections) {
    out += fmt::format("  {}: {{", json_quoted(section.key));
    bool first = true;
    for (const Row& row : section.rows) {
      out += fmt::format("{}\n    {}: {}", first ? "" : ",", json_quoted(row.key),
                         row.number ? row.shown : json_quoted(row.shown));
      first = false;
    }
    out += "\n  },\n";
  }
  out += fmt::format("  \"violations\": {},\n", list(report.violations, [](const Violation& violation) {
                       return fmt::format("{{\"group\": {}, \"what\": {}}}", json_quoted(violation.group),
                                          json_quoted(violation.what));
                     }));
  out +=
      fmt::format("  \"percentiles_ms\": {},\n", list(report.percentiles, [](const std::pair<double, double>& point) {
                    return fmt::format("[{:.6f}, {:.3f}]", point.first, point.second);
                  }));
  out += fmt::format("  \"timeline\": {}\n}}\n", list(report.timeline, [](const TimePoint& point) {
                       return fmt::format(
                           "{{\"at_s\": {:.3f}, \"per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
                           "\"max_ms\": {:.3f}, \"failed\": {}}}",
                           point.at_seconds, point.per_second, point.p50_ms, point.p99_ms, point.max_ms, point.failed);
                     }));
  return out;
}

}  // namespace sluice::tools::load
