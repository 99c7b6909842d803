// The command line of sluice-load.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "tools/load/options.h"

namespace sluice::tools::load {

// Why there is nothing to run: --help and --version (code 0, text for stdout) or a wrong flag (code 2, one line for
// stderr).
struct LoadFlagExit {
  int code = 0;
  std::string text;
};

// `arguments` without the program's name.
[[nodiscard]] Result<Options, LoadFlagExit> parse_load_flags(const std::vector<std::string>& arguments);

}  // namespace sluice::tools::load
