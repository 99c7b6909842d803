// The flags of a subcommand, with the error texts and the exit codes of the gateway's own (tools/flags.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/command_line/command_line.h"

namespace sluice::tools {

// Parses `arguments` with what was added to `line`; the exit code when the program ends with that: a wrong flag, said
// on stderr, or --help, which goes to stdout.
[[nodiscard]] std::optional<int> parse_command(CommandLine& line, const std::vector<std::string>& arguments);

// `sluice: error: sentence` on stderr; returns the exit code 1.
[[nodiscard]] int fail_command(const std::string& sentence);

}  // namespace sluice::tools
