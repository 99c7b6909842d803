#include "tools/commands/parse_command.h"

#include <cstdio>

namespace sluice::tools {

std::optional<int> parse_command(CommandLine& line, const std::vector<std::string>& arguments) {
  const auto end = line.parse(arguments);
  if (!end) return std::nullopt;
  if (end->kind == CommandLineEnd::Kind::kHelp) {
    std::fputs(end->text.c_str(), stdout);
    return 0;
  }
  std::fprintf(stderr, "sluice: error: %s, try %s --help\n", end->text.c_str(), line.program().c_str());
  return 1;
}

int fail_command(const std::string& sentence) {
  std::fprintf(stderr, "sluice: error: %s\n", sentence.c_str());
  return 1;
}

}  // namespace sluice::tools
