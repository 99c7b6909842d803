// `sluice wal dump DIR` and `sluice wal verify DIR`: what a directory of --persistence.file holds, without changing it.
#pragma once

#include <string>
#include <vector>

namespace sluice::tools {

// `arguments` behind the command's name. Exit code: 1 when something is damaged (verify) or could not be read, which
// one sentence on stderr explains. A directory that a gateway is using may be read; what it has half written shows as
// torn.
[[nodiscard]] int wal_command(const std::vector<std::string>& arguments);

}  // namespace sluice::tools
