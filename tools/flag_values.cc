#include "tools/flag_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/go_duration.h"
#include "tools/limit_flags.h"

namespace sluice::tools {
namespace {

std::string text_of(bool value) { return value ? "true" : "false"; }

std::string text_of(Backend backend) {
  switch (backend) {
    case Backend::kIoUring:
      return "io_uring";
    case Backend::kEpoll:
      return "epoll";
    case Backend::kAuto:
      break;
  }
  return "auto";
}

std::string text_of(Fsync fsync) {
  switch (fsync) {
    case Fsync::kAlways:
      return "always";
    case Fsync::kNever:
      return "never";
    case Fsync::kInterval:
      break;
  }
  return "interval";
}

std::string text_of(log::Level level) {
  switch (level) {
    case log::Level::kDebug:
      return "debug";
    case log::Level::kWarn:
      return "warn";
    case log::Level::kError:
      return "error";
    case log::Level::kInfo:
      break;
  }
  return "info";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> flag_values(const Flags& flags) {
  std::vector<std::pair<std::string, std::string>> values = {
      {"auth.file", flags.auth_file},
      {"log.format", flags.log_format == log::Format::kJson ? "json" : "logfmt"},
      {"log.level", text_of(flags.log_level)},
      {"net.backend", text_of(flags.backend)},
      {"persistence.file", flags.persistence_file},
      {"persistence.fsync", text_of(flags.persistence_fsync)},
      {"persistence.fsync-interval", format_go_duration(flags.persistence_fsync_interval)},
      {"persistence.interval", format_go_duration(flags.persistence_interval)},
      {"persistence.on-corruption", flags.persistence_salvage ? "salvage" : "refuse"},
      {"push.disable-consistency-check", text_of(flags.disable_consistency_check)},
      {"push.enable-utf8-names", text_of(flags.enable_utf8_names)},
      {"push.failure-details", fmt::to_string(flags.failure_details)},
      {"runtime.scrape-cache-mib", fmt::to_string(flags.scrape_cache_mib)},
      {"runtime.workers", fmt::to_string(flags.workers)},
      {"web.config.file", flags.config_file},
      {"web.enable-admin-api", text_of(flags.enable_admin_api)},
      {"web.enable-lifecycle", text_of(flags.enable_lifecycle)},
      {"web.external-url", flags.external_url},
      // kingpin joins the values of a repeated flag so.
      {"web.listen-address", fmt::format("{}", fmt::join(flags.listen_addresses, ","))},
      {"web.push-listen-address", fmt::format("{}", fmt::join(flags.push_listen_addresses, ","))},
      {"web.read-listen-address", fmt::format("{}", fmt::join(flags.read_listen_addresses, ","))},
      {"web.route-prefix", flags.route_prefix},
      {"web.systemd-socket", text_of(flags.systemd_socket)},
      {"web.telemetry-path", flags.telemetry_path},
      {"web.unix-socket-mode", fmt::format("{:04o}", flags.unix_socket_mode)},
  };
  for (const limits::Entry& entry : limits::kTable) {
    values.emplace_back(fmt::format("limits.{}", entry.name), format_limit(entry, flags.limits[entry.limit]));
  }
  return values;
}

}  // namespace sluice::tools
