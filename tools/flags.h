// The command line: the reference's flags with its names, defaults and error texts, and ours in the same dotted style.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/result.h"

namespace sluice::tools {

enum class Backend : uint8_t { kAuto, kIoUring, kEpoll };
enum class Fsync : uint8_t { kAlways, kInterval, kNever };

struct Flags {
  std::vector<std::string> listen_addresses;       // --web.listen-address, default {":9091"} without the others
  std::vector<std::string> push_listen_addresses;  // --web.push-listen-address
  std::vector<std::string> read_listen_addresses;  // --web.read-listen-address
  std::string config_file;                         // --web.config.file; empty: plaintext for everybody
  std::string auth_file;                           // --auth.file; empty: nobody is asked for rights
  std::string telemetry_path = "/metrics";
  std::string external_url;   // --web.external-url as given
  std::string external_path;  // path of --web.external-url, normalised as route_prefix is
  std::string
      route_prefix;  // by default external_path; normalised: empty, or begins with '/' and does not end with one
  uint32_t unix_socket_mode = 0660;
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_utf8_names = false;
  bool disable_consistency_check = false;
  bool systemd_socket = false;    // --web.systemd-socket: the listen addresses are not used
  std::string persistence_file;   // empty: the state is kept in memory alone
  std::string persistence_state;  // no flag: where the state of persistence_file lies, found at start
  std::chrono::nanoseconds persistence_interval = std::chrono::minutes(5);
  Fsync persistence_fsync = Fsync::kInterval;
  std::chrono::nanoseconds persistence_fsync_interval = std::chrono::seconds(1);
  bool persistence_salvage = true;  // --persistence.on-corruption
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kLogfmt;
  uint32_t workers = 0;                                // --runtime.workers, 0: one for each usable core
  uint32_t failure_details = limits::kFailureDetails;  // groups
  uint32_t scrape_cache_mib = limits::kScrapeCacheBytes / (1024 * 1024);
  Backend backend = Backend::kAuto;
  bool kernel_tls = true;
  limits::Values limits;  // --limits.*
};

// Why the process ends before it serves: --help and --version (code 0, text for stdout) or a wrong flag (code 1, one
// line for stderr).
struct FlagExit {
  int code = 0;
  std::string text;
};

// `arguments` without the program's name. The rules are the reference's (kingpin's): `--flag=value` or `--flag value`,
// `--no-flag` for booleans, only the listen addresses may be repeated.
[[nodiscard]] Result<Flags, FlagExit> parse_flags(const std::vector<std::string>& arguments);

// What `sluice --version` prints.
[[nodiscard]] std::string version_text();

}  // namespace sluice::tools
