// One run from end to end: fill, warm up, measure, drain, verify, clean up.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "tools/load/options.h"
#include "tools/load/side_load.h"
#include "tools/load/stats.h"
#include "tools/load/verifier.h"

namespace sluice::tools::load {

struct Outcome {
  LoadStats stats;  // of all threads
  SideStats side;
  std::string backend;  // of our own ring
  std::optional<Verdict> verdict;
  std::string verify_problem;                    // the scrape itself failed
  std::optional<int64_t> server_cpu_ns;          // while measuring
  std::optional<int64_t> server_resident_bytes;  // after it
  uint64_t left_behind = 0;                      // groups that could not be deleted afterwards
  std::string ledger;                            // when one was asked for
  bool interrupted = false;
};

// Blocks until all is done. `interrupted` may become true at any time: the load then ends at once and what was done is
// verified and reported. Progress goes to stderr when that is a terminal. The error is one sentence: the run could not
// begin.
[[nodiscard]] Result<Outcome, std::string> run_load(const Options& options, const std::atomic<bool>& interrupted);

// --verify-only: a scrape against a ledger that an earlier run wrote. The error is one sentence: it could not be read,
// or nothing could be scraped.
[[nodiscard]] Result<Verdict, std::string> verify_ledger(const Options& options);

}  // namespace sluice::tools::load
