#include "tools/commands/command_line.h"

#include <cstdio>

namespace sluice::tools {

std::optional<int> parse_command(CLI::App& app, const std::vector<std::string>& arguments) {
  app.set_help_flag("-h,--help", "Show this help.");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "sluice: error: %s, try %s --help\n", error.what(), app.get_name().c_str());
    return 1;
  }
  return std::nullopt;
}

int fail_command(const std::string& sentence) {
  std::fprintf(stderr, "sluice: error: %s\n", sentence.c_str());
  return 1;
}

}  // namespace sluice::tools
