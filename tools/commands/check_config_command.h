// `sluice check-config FILE`: whether a gateway would start with this web config.
#pragma once

#include <string>
#include <vector>

namespace sluice::tools {

// Exit code 0 and a line on stdout, or 1 and the gateway's sentence on stderr.
[[nodiscard]] int check_config_command(const std::vector<std::string>& arguments);

}  // namespace sluice::tools
