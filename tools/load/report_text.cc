// The summary on the terminal.
#include <fmt/format.h>

#include "tools/load/report.h"

namespace sluice::tools::load {

std::string report_text(const Report& report) {
  std::string out;
  for (const Section& section : report.sections) {
    out += fmt::format("{}\n", section.title);
    for (const Row& row : section.rows) {
      out += row.number ? fmt::format("  {:<40} {:>16} {}", row.label, row.shown, row.unit)
                        : fmt::format("  {:<40} {}", row.label, row.shown);
      while (out.back() == ' ') out.pop_back();
      out += '\n';
    }
  }
  for (const Violation& violation : report.violations)
    out += fmt::format("VIOLATION {}: {}\n", violation.group, violation.what);
  for (const std::string& note : report.notes) out += fmt::format("NOTE {}\n", note);
  out += fmt::format("{}\n", report.conclusion);
  return out;
}

}  // namespace sluice::tools::load
