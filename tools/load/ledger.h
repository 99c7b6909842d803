// What a run has done to its groups, as a file: so that a later process can verify a gateway that was killed under the
// load and started again (--ledger, --verify-only).
//
// Text, a line for each fact, so that a script can read it as well:
//
//     sluice-load ledger 1
//     job load_1
//     body s
//     format text
//     groups 1000
//     threads 2
//     group THREAD SLOT GENERATION SENT FLOOR LAST_DELETE
//
// FLOOR is the last acknowledged operation, SENT the last that was sent (groups.h). Slots that nothing was sent to have
// no line. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/load/body.h"
#include "tools/load/groups.h"

namespace sluice::tools::load {

struct Ledger {
  std::string job;
  std::string body_name;
  BodyFormat format = BodyFormat::kText;
  uint64_t groups = 0;
  uint32_t threads = 0;
  std::vector<Groups> of_threads;  // in the order of the threads
};

// `groups` are those of each thread, in the order of the threads.
[[nodiscard]] std::string ledger_text(const Ledger& head, const std::vector<const Groups*>& groups);
// The error is one sentence with the line.
[[nodiscard]] Result<Ledger, std::string> parse_ledger(std::string_view text);

}  // namespace sluice::tools::load
