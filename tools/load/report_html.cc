// The result as a page.
#include <fmt/format.h>

#include <cmath>

#include "tools/load/report.h"
#include "tools/load/svg_plot.h"

namespace sluice::tools::load {

namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60656c; --line: #d9dce0; --paper: #fff; --a: #2563b0;
  --b: #b4540a; --c: #7a3e9d; --warm: #0000000d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #9aa0a6; --line: #3a3f45; --paper: #17191c;
  --a: #7fb2f0; --b: #f0a35e; --c: #cda1e8; --warm: #ffffff12; --bad: #f2867d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } td { padding: .15rem .6rem .15rem 0; border-bottom: 1px solid var(--line); }
td.n { text-align: right; font-variant-numeric: tabular-nums; width: 10rem; } td.u { width: 4rem; color: var(--soft); }
.conclusion { font-weight: 600; } .bad { color: var(--bad); }
svg { width: 100%; height: auto; margin-top: 1rem; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg text.title { fill: var(--ink); font-weight: 600; } .grid { stroke: var(--line); } .warm { fill: var(--warm); }
polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
polyline.a { stroke: var(--a); } polyline.b { stroke: var(--b); } polyline.c { stroke: var(--c); }
svg text.a { fill: var(--a); } svg text.b { fill: var(--b); } svg text.c { fill: var(--c); }
)";

std::string plots(const Report& report) {
  Plot latency{"Latency over time",
               "seconds since the start (grey: warm-up)",
               "ms",
               true,
               {},
               report.warmup_seconds,
               {{"p50", "a", {}}, {"p99", "b", {}}, {"max", "c", {}}}};
  Plot throughput{"Throughput",          "seconds since the start (grey: warm-up)",    "per s", false, {},
                  report.warmup_seconds, {{"answers", "a", {}}, {"failures", "c", {}}}};
  const double width = report.timeline.size() > 1 ? report.timeline[1].at_seconds - report.timeline[0].at_seconds : 1;
  for (const TimePoint& point : report.timeline) {
    if (point.per_second > 0) {
      latency.lines[0].points.emplace_back(point.at_seconds, point.p50_ms);
      latency.lines[1].points.emplace_back(point.at_seconds, point.p99_ms);
      latency.lines[2].points.emplace_back(point.at_seconds, point.max_ms);
    }
    throughput.lines[0].points.emplace_back(point.at_seconds, point.per_second);
    throughput.lines[1].points.emplace_back(point.at_seconds, static_cast<double>(point.failed) / width);
  }
  Plot curve{"Latency by percentile", "percentile", "ms", true, {}, 0, {{"latency", "a", {}}}};
  // The axis counts nines: 0 is the minimum, 1 is p90, 2 is p99.
  for (const auto& [percent, ms] : report.percentiles) {
    curve.lines[0].points.emplace_back(-std::log10(1 - percent / 100), ms);
  }
  for (const auto& [percent, name] : {std::pair{0.0, "0"},
                                      {50.0, "p50"},
                                      {90.0, "p90"},
                                      {99.0, "p99"},
                                      {99.9, "p99.9"},
                                      {99.99, "p99.99"},
                                      {99.999, "p99.999"}}) {
    curve.x_ticks.emplace_back(-std::log10(1 - percent / 100), name);
  }
  return svg_plot(latency) + svg_plot(curve) + svg_plot(throughput);
}

}  // namespace

std::string report_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>sluice-load</title>\n<style>{}</style></head>\n"
      "<body>\n<h1>sluice-load</h1>\n<p class=\"conclusion{}\">{}</p>\n",
      kStyle, report.exit_code == 0 ? "" : " bad", html_escaped(report.conclusion));
  for (const std::string& note : report.notes) out += fmt::format("<p>{}</p>\n", html_escaped(note));
  for (const Violation& violation : report.violations) {
    out += fmt::format("<p class=\"bad\">{}: {}</p>\n", html_escaped(violation.group), html_escaped(violation.what));
  }
  out += plots(report);
  for (const Section& section : report.sections) {
    out += fmt::format("<h2>{}</h2>\n<table data-section=\"{}\">\n", html_escaped(section.title), section.key);
    for (const Row& row : section.rows) {
      out += row.number
                 ? fmt::format("<tr><td>{}</td><td class=\"n\" data-key=\"{}\">{}</td><td class=\"u\">{}</td></tr>\n",
                               html_escaped(row.label), row.key, html_escaped(row.shown), row.unit)
                 : fmt::format("<tr><td>{}</td><td data-key=\"{}\" colspan=\"2\">{}</td></tr>\n",
                               html_escaped(row.label), row.key, html_escaped(row.shown));
    }
    out += "</table>\n";
  }
  return out + "</body></html>\n";
}

}  // namespace sluice::tools::load
