// The result of a run, once: table, JSON and HTML print the same rows, so they cannot disagree.
//
// Pure functions of what was measured; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/load/options.h"
#include "tools/load/run.h"

namespace sluice::tools::load {

struct Row {
  std::string key;    // in JSON
  std::string label;  // in tables
  std::string shown;  // the value, as all three print it
  std::string unit;   // behind it in tables
  bool number = true;
};

struct Section {
  std::string key;
  std::string title;
  std::vector<Row> rows;
};

// A point of the plots.
struct TimePoint {
  double at_seconds = 0;  // begin of the stretch, since the start of the warm-up
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  uint64_t failed = 0;
};

struct Report {
  int exit_code = 0;
  std::string conclusion;          // one sentence: why this exit code
  std::vector<std::string> notes;  // sentences that a reader must not miss
  std::vector<Section> sections;
  std::vector<Violation> violations;
  std::vector<TimePoint> timeline;
  double warmup_seconds = 0;
  std::vector<std::pair<double, double>> percentiles;  // percent, milliseconds
};

enum ExitCode : int { kExitGood = 0, kExitLie = 1, kExitUsage = 2, kExitLate = 3, kExitFailed = 4 };

[[nodiscard]] Report make_report(const Options& options, const Outcome& outcome);

[[nodiscard]] std::string report_text(const Report& report);
[[nodiscard]] std::string report_json(const Report& report);
// One file that needs no other: styles and plots (inline SVG) are in it.
[[nodiscard]] std::string report_html(const Report& report);

}  // namespace sluice::tools::load
