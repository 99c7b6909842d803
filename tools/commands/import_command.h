// `sluice import FILE [--dry-run]`: what the persistence file of a Pushgateway holds, and taking it over.
#pragma once

#include <string>
#include <vector>

namespace sluice::tools {

// `arguments` behind the command's name. Exit code: 0 when all of the file is kept, 2 when some of it cannot be, 1 when
// nothing was done, which one sentence on stderr explains.
[[nodiscard]] int import_command(const std::vector<std::string>& arguments);

}  // namespace sluice::tools
