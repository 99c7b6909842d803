#include "tools/load/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::tools::load {

namespace {

// Above this the load generator is likely to be what limits the rate.
constexpr double kBusyMax = 90;

std::string milliseconds(double ns) { return fmt::format("{:.3f}", ns / 1e6); }

Row row(const char* key, const char* label, std::string shown, const char* unit = "") {
  return {key, label, std::move(shown), unit, true};
}
Row count(const char* key, const char* label, uint64_t value) { return row(key, label, fmt::format("{}", value)); }
Row text(const char* key, const char* label, std::string shown) { return {key, label, std::move(shown), "", false}; }

double window_seconds(const Options& options, const LoadStats& stats) {
  if (stats.last_ns <= stats.first_ns) return 0;
  const double seen = static_cast<double>(stats.last_ns - stats.first_ns) / 1e9;
  // A run by time is as long as it was asked to be, or longer when the last answers came late.
  return options.count > 0 ? seen : std::max(seen, static_cast<double>(options.duration.count()) / 1e9);
}

double busy_percent(const LoadStats& stats) {
  return stats.wall_ns == 0 ? 0 : 100 * static_cast<double>(stats.cpu_ns) / static_cast<double>(stats.wall_ns);
}

Section run_section(const Options& options, const Outcome& outcome) {
  const char* const kind = options.arrivals == ArrivalKind::kPoisson ? "poisson" : "constant";
  Section section{"run", "Run", {}};
  section.rows = {
      text("url", "gateway", options.url),
      text("load", "load",
           options.rate > 0 ? fmt::format("open loop, {:g} requests/s, {}", options.rate, kind) : "closed loop"),
      count("connections", "connections", options.connections),
      count("threads", "threads", options.threads),
      count("pipeline", "pipeline", options.pipeline),
      text("connection_use", "each connection", options.connection_per_push ? "one request" : "kept"),
      text("backend", "backend of this program", outcome.backend),
      count("groups", "groups", options.groups),
      row("zipf", "Zipf exponent", fmt::format("{:g}", options.zipf)),
      row("churn_percent", "churn", fmt::format("{:g}", options.churn_percent), "%"),
      text("body", "body",
           fmt::format("{}, {}{}", options.body_name, options.format == BodyFormat::kText ? "text" : "protobuf",
                       options.gzip ? ", gzip" : "")),
      text("job", "job", options.job),
  };
  return section;
}

Section throughput_section(const Options& options, const LoadStats& stats) {
  const double seconds = window_seconds(options, stats);
  Section section{"throughput", "Throughput", {}};
  section.rows = {
      row("seconds", "measured", fmt::format("{:.3f}", seconds), "s"),
      count("requests", "requests answered", stats.measured),
      count("failed", "requests failed", stats.failed),
      row("per_second", "rate", fmt::format("{:.1f}", seconds > 0 ? static_cast<double>(stats.measured) / seconds : 0),
          "/s"),
      row("sent_mib", "sent", fmt::format("{:.1f}", static_cast<double>(stats.bytes_sent) / 1048576), "MiB"),
      row("received_mib", "received", fmt::format("{:.1f}", static_cast<double>(stats.bytes_received) / 1048576),
          "MiB"),
  };
  if (options.fill) {
    const double fill_seconds = static_cast<double>(stats.fill_ns) / 1e9;
    section.rows.push_back(row("fill_seconds", "filling before", fmt::format("{:.3f}", fill_seconds), "s"));
    section.rows.push_back(row(
        "fill_per_second", "rate of that",
        fmt::format("{:.1f}", fill_seconds > 0 ? static_cast<double>(stats.fill_requests) / fill_seconds : 0), "/s"));
  }
  return section;
}

Section latency_section(const Histogram& latency) {
  Section section{"latency_ms", "Latency", {}};
  const auto add = [&](const char* key, const char* label, double ns) {
    section.rows.push_back(row(key, label, milliseconds(ns), "ms"));
  };
  add("min", "minimum", static_cast<double>(latency.min_ns()));
  add("mean", "mean", latency.mean_ns());
  for (const auto& [key, percent] :
       {std::pair{"p50", 50.0}, {"p90", 90.0}, {"p95", 95.0}, {"p99", 99.0}, {"p99.9", 99.9}, {"p99.99", 99.99}}) {
    add(key, key, static_cast<double>(latency.percentile_ns(percent)));
  }
  add("max", "maximum", static_cast<double>(latency.max_ns()));
  return section;
}

Section answers_section(const LoadStats& stats) {
  Section section{"answers", "Answers in all", {}};
  section.rows = {
      count("sent", "requests sent", stats.sent),
      count("pushes_acknowledged", "pushes acknowledged", stats.pushes_acknowledged),
      count("deletes_acknowledged", "deletes acknowledged", stats.deletes_acknowledged),
      count("refused_as_expected", "bad pushes refused", stats.refused_as_expected),
      count("wrong_status", "wrong status", stats.wrong_status),
      count("broken", "connection broke", stats.broken),
      count("timed_out", "no answer in time", stats.timed_out),
      count("never_sent", "never sent, no free connection", stats.never_sent),
      count("connections_opened", "connections opened", stats.connections_opened),
  };
  for (size_t status = 0; status < stats.statuses.size(); ++status) {
    if (stats.statuses[status] == 0) continue;
    const std::string name = fmt::format("status_{}", status);
    section.rows.push_back(count(name.c_str(), fmt::format("status {}", status).c_str(), stats.statuses[status]));
  }
  return section;
}

Section own_section(const Options& options, const Outcome& outcome) {
  const LoadStats& stats = outcome.stats;
  Section section{"own", "This program, and the gateway's cost", {}};
  section.rows.push_back(
      row("busy_percent", "busy, of each thread's core", fmt::format("{:.1f}", busy_percent(stats)), "%"));
  if (options.rate > 0) {
    section.rows.push_back(row("lateness_p50_ms", "own lateness p50",
                               milliseconds(static_cast<double>(stats.lateness.percentile_ns(50))), "ms"));
    section.rows.push_back(row("lateness_p99_ms", "own lateness p99",
                               milliseconds(static_cast<double>(stats.lateness.percentile_ns(99))), "ms"));
    section.rows.push_back(row("lateness_max_ms", "own lateness maximum",
                               milliseconds(static_cast<double>(stats.lateness.max_ns())), "ms"));
    section.rows.push_back(count("waited", "times that no connection was free", stats.waited));
  }
  if (outcome.server_cpu_ns && stats.measured > 0) {
    const double cpu = static_cast<double>(*outcome.server_cpu_ns);
    section.rows.push_back(row("server_cpu_us_per_request", "gateway's CPU time per request",
                               fmt::format("{:.3f}", cpu / 1e3 / static_cast<double>(stats.measured)), "us"));
  }
  if (outcome.server_resident_bytes) {
    section.rows.push_back(row("server_resident_mib", "gateway's resident memory",
                               fmt::format("{:.1f}", static_cast<double>(*outcome.server_resident_bytes) / 1048576),
                               "MiB"));
  }
  return section;
}

Section side_section(const SideStats& side) {
  Section section{"beside", "Beside the load", {}};
  section.rows = {
      count("scrapes", "scrapes", side.scrapes),
      row("scrape_p50_ms", "scrape p50", milliseconds(static_cast<double>(side.scrape_latency.percentile_ns(50))),
          "ms"),
      row("scrape_max_ms", "scrape maximum", milliseconds(static_cast<double>(side.scrape_latency.max_ns())), "ms"),
      row("first_byte_p50_ms", "first byte p50", milliseconds(static_cast<double>(side.first_byte.percentile_ns(50))),
          "ms"),
      row("scrape_mib", "scraped", fmt::format("{:.1f}", static_cast<double>(side.scrape_bytes) / 1048576), "MiB"),
      count("slow_scrapes", "slow scrapes ended", side.slow_scrapes),
      count("slow_pushes", "slow pushes acknowledged", side.slow_pushes),
      count("idle_closed", "idle connections closed by the gateway", side.idle_closed),
      count("side_failed", "failed", side.failed),
  };
  return section;
}

Section verification_section(const Options& options, const Outcome& outcome) {
  Section section{"verification", "Verification", {}};
  const std::string result = !options.verify            ? "not asked for"
                             : !outcome.verdict         ? outcome.verify_problem
                             : outcome.verdict->holds() ? "every acknowledged push is there, and nothing else"
                                                        : "FAILED";
  section.rows.push_back(text("result", "result", result));
  if (!outcome.verdict) return section;
  section.rows.push_back(count("groups_seen", "groups of this run", outcome.verdict->groups));
  section.rows.push_back(count("series_seen", "series of this run", outcome.verdict->series));
  section.rows.push_back(count("other_series", "series of others", outcome.verdict->other_series));
  section.rows.push_back(count("violations", "violations", outcome.verdict->violations_total));
  return section;
}

void conclude(const Options& options, const Outcome& outcome, Report& report) {
  const LoadStats& stats = outcome.stats;
  const int64_t late = stats.lateness.percentile_ns(99);
  const auto is = [&](ExitCode code, std::string sentence) {
    report.exit_code = code;
    report.conclusion = std::move(sentence);
  };
  if (outcome.verdict && !outcome.verdict->holds()) {
    const Violation& first = outcome.verdict->violations[0];
    is(kExitLie, fmt::format("the gateway did not tell the truth: {}: {} ({} violations)", first.group, first.what,
                             outcome.verdict->violations_total));
  } else if (options.rate > 0 && late > options.lateness_max.count()) {
    is(kExitLate,
       fmt::format("refused: this program was itself late, 1 % of the requests left {} ms or more after they "
                   "could have; the figures mean nothing (a lower --rate, more --threads, a less busy machine)",
                   milliseconds(static_cast<double>(late))));
  } else if (options.verify && !outcome.verdict) {
    is(kExitFailed, fmt::format("nothing could be verified: {}", outcome.verify_problem));
  } else if (stats.all_failures() > 0) {
    is(kExitFailed, fmt::format("{} requests failed, the first: {}", stats.all_failures(), stats.first_failure));
  } else if (outcome.side.failed > 0) {
    is(kExitFailed, fmt::format("{} requests beside the load failed, the first: {}", outcome.side.failed,
                                outcome.side.first_failure));
  } else if (stats.measured == 0) {
    is(kExitFailed, "nothing was measured");
  } else {
    is(kExitGood, options.verify ? "all well, and verified" : "all well; not verified");
  }
}

void add_notes(const Options& options, const Outcome& outcome, Report& report) {
  if (outcome.interrupted)
    report.notes.emplace_back("The run was interrupted; what stands here is what was done until then.");
  if (outcome.left_behind > 0) {
    report.notes.push_back(fmt::format("{} groups could not be deleted and are still there.", outcome.left_behind));
  }
  if (const uint64_t left_out = outcome.stats.rows.left_out(); left_out > 0) {
    report.notes.push_back(fmt::format("{} requests are not in {}, which was full.", left_out, options.latencies_file));
  }
  const double busy = busy_percent(outcome.stats);
  if (busy <= kBusyMax) return;
  report.notes.push_back(fmt::format(
      "This program was {:.1f} % busy, more than {:g} %: it may be what limits the rate. {}", busy, kBusyMax,
      options.server_pid != 0
          ? "Compare the gateway's CPU time per request instead."
          : "With --server-pid the gateway's CPU time per request is given, which does not depend on it."));
}

}  // namespace

Report make_report(const Options& options, const Outcome& outcome) {
  Report report;
  const LoadStats& stats = outcome.stats;
  report.sections.push_back(run_section(options, outcome));
  report.sections.push_back(throughput_section(options, stats));
  report.sections.push_back(latency_section(stats.latency));
  report.sections.push_back(answers_section(stats));
  report.sections.push_back(own_section(options, outcome));
  if (options.side.total() > 0) report.sections.push_back(side_section(outcome.side));
  report.sections.push_back(verification_section(options, outcome));
  if (outcome.verdict) report.violations = outcome.verdict->violations;
  report.warmup_seconds = static_cast<double>(options.warmup.count()) / 1e9;
  const double width = static_cast<double>(stats.timeline.interval_ns()) / 1e9;
  for (size_t i = 0; i < stats.timeline.intervals().size(); ++i) {
    const Interval& interval = stats.timeline.intervals()[i];
    report.timeline.push_back({static_cast<double>(i) * width, static_cast<double>(interval.latency.count()) / width,
                               static_cast<double>(interval.latency.percentile_ns(50)) / 1e6,
                               static_cast<double>(interval.latency.percentile_ns(99)) / 1e6,
                               static_cast<double>(interval.latency.max_ns()) / 1e6, interval.failed});
  }
  // Evenly over the nines, as far as the number of requests has any.
  for (double beyond = 1; beyond * static_cast<double>(stats.measured) >= 1 && beyond > 1e-6; beyond /= 1.2589254) {
    const double percent = 100 * (1 - beyond);
    report.percentiles.emplace_back(percent, static_cast<double>(stats.latency.percentile_ns(percent)) / 1e6);
  }
  add_notes(options, outcome, report);
  conclude(options, outcome, report);
  return report;
}

}  // namespace sluice::tools::load
