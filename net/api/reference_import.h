// Moving in: the persistence file of a Pushgateway becomes the state of this gateway.
//
// The file itself is never changed. What the gateway keeps lies beside it, in FILE.sluice/: `state`, and `imported`,
// which says what was imported and when. It is written behind the state and means that FILE is not read again, whatever
// is deleted later; to import it anew, remove FILE.sluice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace sluice::net::api {

// What a file holds.
struct ImportSummary {
  uint64_t bytes = 0;
  int64_t changed_ns = 0;  // its modification time
  uint64_t groups = 0;
  uint64_t groups_failed = 0;  // of them, those that only failed pushes made
  uint64_t families = 0;       // of all groups, without the push times
  uint64_t series = 0;         // what is stored of them
  uint64_t samples = 0;        // lines of text
  int64_t oldest_push_ns = 0;  // of pushes that succeeded; 0 when there was none
  int64_t newest_push_ns = 0;
  uint64_t left_out = 0;  // what cannot be kept, and why: the first kReasonsShown of the reasons
  std::vector<std::string> reasons;
  static constexpr size_t kReasonsShown = 20;
};

// What `path` holds; it is read into a store that is thrown away, so what cannot be kept is known exactly. `check`: as
// for pushes. The error, one sentence, when it cannot be read or is no such file.
[[nodiscard]] Result<ImportSummary, std::string> examine_reference_file(const std::string& path, bool check);

// Imports `path` into FILE.sluice/. The error when that has been done before, too.
[[nodiscard]] Result<ImportSummary, std::string> import_reference_file(const std::string& path, bool check);

// The state file that a gateway with --persistence.file=`path` reads and writes: `path` itself, or FILE.sluice/state
// where `path` is, or was, the file of a Pushgateway, which is imported now if it has not been. Before the workers
// start. The error, one sentence, means that the gateway must not start.
[[nodiscard]] Result<std::string, std::string> state_file_for(const std::string& path, bool check);

}  // namespace sluice::net::api
