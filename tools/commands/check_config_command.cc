#include "tools/commands/check_config_command.h"

#include <cstdio>
#include <optional>

#include "net/auth/auth_file.h"
#include "net/web/config_file.h"
#include "tools/commands/parse_command.h"

namespace sluice::tools {

namespace {

// Whether the gateway would start with it; says so.
std::optional<int> check_web_config(const std::string& path) {
  const auto file = net::web::ConfigFile::open(path);
  if (!file) return fail_command(file.error());
  net::web::ConfigFile::Reader reader(**file);
  const net::web::ConfigFile::Version& version = reader.current(false);
  std::printf("%s: good; %s, %zu users\n", path.c_str(), version.tls ? "TLS" : "plaintext",
              version.config.users.size());
  return std::nullopt;
}

std::optional<int> check_auth_file(const std::string& path) {
  const auto file = net::auth::AuthFile::open(path);
  if (!file) return fail_command("the auth file " + path + ": " + file.error());
  const auto config = (*file)->current(nullptr)->config;
  std::printf("%s: good; %zu users, %zu tokens, %zu grants\n", path.c_str(), config->users.size(),
              config->tokens.size(), config->grants.size());
  return std::nullopt;
}

}  // namespace

int check_config_command(const std::vector<std::string>& arguments) {
  CommandLine line(
      "Reads a web config file, the certificates that it names, and an auth file as the gateway does at its start.",
      "sluice check-config");
  std::string web_config;
  std::string auth_file;
  line.text("FILE", web_config, {.text = "The file of --web.config.file"});
  line.text("--auth.file", auth_file, {.text = "The file of --auth.file"});
  if (const auto code = parse_command(line, arguments)) return *code;
  if (web_config.empty() && auth_file.empty()) return fail_command("check-config wants FILE, --auth.file, or both");
  if (!web_config.empty()) {
    if (const auto code = check_web_config(web_config)) return *code;
  }
  if (!auth_file.empty()) {
    if (const auto code = check_auth_file(auth_file)) return *code;
  }
  return 0;
}

}  // namespace sluice::tools
