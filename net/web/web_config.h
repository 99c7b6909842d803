// The web config file (`--web.config.file`) as exporter-toolkit defines it: TLS, headers, users and the rate limit.
//
// Three steps, as the toolkit takes them and with its sentences: the text is read strictly, hashes are looked at, and
// the files of tls_server_config are read into what a server needs. Pure but for the last, which reads files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "net/tls/settings.h"
#include "net/web/strict_yaml.h"

namespace sluice::net::web {

struct TlsConfig {
  std::string cert;  // inline; a file wins over it, here and below
  std::string key;
  std::string client_ca;
  std::string cert_file;  // absolute, or relative to the working directory
  std::string key_file;
  std::string client_ca_file;
  std::string client_auth_type;
  std::vector<std::string> cipher_suites;
  std::vector<std::string> curves;
  uint16_t version_min = 0x0303;
  uint16_t version_max = 0x0304;
  bool prefer_server_cipher_suites = true;  // read, and without effect, as in Go
  std::optional<std::vector<std::string>> client_allowed_sans;

  // Whether the server speaks TLS at all.
  [[nodiscard]] bool wanted() const noexcept;
  // The files that it names.
  [[nodiscard]] std::vector<std::string> files() const;
};

struct WebConfig {
  TlsConfig tls;
  bool http2 = true;                         // decides which protocols a client may offer; HTTP/1.1 is spoken
  std::string header_lines;                  // "Name: value\r\n" of each configured header
  std::map<std::string, std::string> users;  // name to bcrypt hash
  // Hashes that unknown users' passwords are compared with, so that the time does not tell who exists: the users', but
  // those that take longer than half a second, which would make a gift of every guessed name.
  std::vector<std::string> stand_ins;
  int64_t rate_interval_ns = 0;  // 0: no limit
  int64_t rate_burst = 0;
};

// `directory`: that of the file, to which its paths are relative.
[[nodiscard]] Result<WebConfig, std::string> parse_web_config(std::string_view text, const std::string& directory);

// Whether every user's hash is one; fills `stand_ins`.
[[nodiscard]] Result<void, std::string> judge_users(WebConfig& config);

// Reads the files. nullopt: the server is to speak plaintext.
[[nodiscard]] Result<std::optional<tls::Settings>, std::string> tls_settings(const WebConfig& config);

// The whole file at `path`, in Go's words where it cannot be read. Bounded to 4 MiB.
[[nodiscard]] Result<std::string, std::string> read_file(const std::string& path);

}  // namespace sluice::net::web
