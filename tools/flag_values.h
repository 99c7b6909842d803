// Every flag with its value as the status shows it: names and values as the reference prints them, then ours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/flags.h"

namespace sluice::tools {

// In no particular order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> flag_values(const Flags& flags);

}  // namespace sluice::tools
