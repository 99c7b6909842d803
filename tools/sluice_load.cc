// The load generator's main: flags, one run, its report.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "tools/load/load_flags.h"
#include "tools/load/report.h"
#include "tools/load/run.h"

namespace sluice::tools::load {
namespace {

std::atomic<bool> interrupted{false};

void on_signal(int) { interrupted.store(true, std::memory_order_relaxed); }

// The first Ctrl-C ends the load and reports; the second ends the program.
void catch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Many connections need many descriptors; as many as this user may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (stream) return true;
  fmt::print(stderr, "sluice-load: error: cannot write '{}': {}\n", path, std::strerror(errno));
  return false;
}

int verify_only(const Options& options) {
  const auto verdict = verify_ledger(options);
  if (!verdict) {
    fmt::print(stderr, "sluice-load: nothing could be verified: {}\n", verdict.error());
    return kExitFailed;
  }
  for (const Violation& violation : verdict->violations) fmt::print("{}: {}\n", violation.group, violation.what);
  fmt::print("{}: {} groups, {} series, {} violations\n",
             verdict->holds() ? "every acknowledged push is there, and nothing else" : "FAILED", verdict->groups,
             verdict->series, verdict->violations_total);
  return verdict->holds() ? kExitGood : kExitLie;
}

int run_main(const std::vector<std::string>& arguments) {
  const auto options = parse_load_flags(arguments);
  if (!options) {
    std::fputs(options.error().text.c_str(), options.error().code == 0 ? stdout : stderr);
    return options.error().code;
  }
  catch_signals();
  if (!options->verify_only.empty()) return verify_only(*options);
  raise_descriptor_limit();
  const auto outcome = run_load(*options, interrupted);
  if (!outcome) {
    fmt::print(stderr, "sluice-load: error: {}\n", outcome.error());
    return kExitUsage;
  }
  const Report report = make_report(*options, *outcome);
  std::fputs(report_text(report).c_str(), stdout);
  const bool json_written = write_file(options->json_file, report_json(report));
  const bool html_written = write_file(options->html_file, report_html(report));
  const bool ledger_written = write_file(options->ledger_file, outcome->ledger);
  const bool latencies_written =
      options->latencies_file.empty() || write_file(options->latencies_file, outcome->stats.rows.csv());
  if (report.exit_code != 0) fmt::print(stderr, "sluice-load: {}\n", report.conclusion);
  return json_written && html_written && ledger_written && latencies_written ? report.exit_code
                                                                             : static_cast<int>(kExitUsage);
}

}  // namespace
}  // namespace sluice::tools::load

int main(int count, char** values) {
  try {
    return sluice::tools::load::run_main({values + 1, values + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-load: error: %s\n", error.what());
    return sluice::tools::load::kExitUsage;
  }
}
