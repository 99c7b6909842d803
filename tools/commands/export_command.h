// `sluice export --to URL [--from URL]`: the way back, every group of a running gateway pushed to another.
#pragma once

#include <string>
#include <vector>

namespace sluice::tools {

// `arguments` behind the command's name. Exit code: 0 when the target shows the same but for push times, 2 when a group
// was refused or the source changed meanwhile, 1 when it could not be done, which one sentence on stderr explains.
[[nodiscard]] int export_command(const std::vector<std::string>& arguments);

}  // namespace sluice::tools
