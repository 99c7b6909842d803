#include "tools/commands/check_config_command.h"

#include <cstdio>

#include "net/web/config_file.h"
#include "tools/commands/command_line.h"

namespace sluice::tools {

int check_config_command(const std::vector<std::string>& arguments) {
  CLI::App app("Reads a web config file and the certificates that it names as the gateway does at its start.",
               "sluice check-config");
  std::string path;
  app.add_option("FILE", path, "The file of --web.config.file")->required();
  if (const auto code = parse_command(app, arguments)) return *code;
  const auto file = net::web::ConfigFile::open(path);
  if (!file) return fail_command(file.error());
  net::web::ConfigFile::Reader reader(**file);
  const net::web::ConfigFile::Version& version = reader.current(false);
  std::printf("%s: good; %s, %zu users\n", path.c_str(), version.tls ? "TLS" : "plaintext",
              version.config.users.size());
  return 0;
}

}  // namespace sluice::tools
