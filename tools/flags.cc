#include "tools/flags.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "tools/command_line/command_line.h"
#include "tools/external_url.h"
#include "tools/go_duration.h"
#include "tools/limit_flags.h"
#include "tools/version.h"

namespace sluice::tools {
namespace {

// What the command line said, before it is judged. Options are vectors so that a repeated one is seen.
struct Raw {
  using Values = std::vector<std::string>;
  Values listen_address, push_listen_address, read_listen_address, telemetry_path, external_url, route_prefix,
      unix_socket_mode, log_level, log_format, workers, scrape_cache, failure_details, backend, config_file, auth_file,
      persistence_file, persistence_interval, fsync, fsync_interval, on_corruption;
  std::array<Values, limits::kLimits> limits;
  bool kernel_tls = true;
  bool lifecycle = false, admin_api = false, utf8_names = false, unchecked = false, systemd_socket = false;
};

FlagExit wrong(std::string_view text) { return {1, fmt::format("sluice: error: {}, try --help\n", text)}; }

void add_options(CommandLine& line, Raw& raw) {
  const auto option = [&](const std::string& name, Raw::Values& into, const char* group, const std::string& help) {
    line.texts(name, into, {.text = help, .value = "VALUE", .group = group});
  };
  const auto boolean = [&](const std::string& name, bool& into, const char* group, const char* help) {
    line.on_or_off(name, into, {.text = help, .group = group});
  };
  option("--web.listen-address", raw.listen_address, "Web",
         "Address to serve on: `:9091`, `127.0.0.1:9091`, `[::1]:9091` or `unix:///path`. Repeatable. [:9091]");
  option("--web.push-listen-address", raw.push_listen_address, "Web",
         "Address that takes pushes and deletions of groups only. Repeatable. []");
  option("--web.read-listen-address", raw.read_listen_address, "Web",
         "Address that serves scrapes, the page and the API's reads only. Repeatable. []");
  boolean("web.systemd-socket", raw.systemd_socket, "Web",
          "Use systemd socket activation listeners instead of port listeners (Linux only).");
  option("--web.config.file", raw.config_file, "Web",
         "Path to configuration file that can enable TLS or authentication. []");
  option(
      "--auth.file", raw.auth_file, "Web",
      "Path to a file that says who may push, delete, scrape, administer and see the page, and for which groups. []");
  option("--web.telemetry-path", raw.telemetry_path, "Web", "Path under which to expose metrics. [/metrics]");
  option("--web.external-url", raw.external_url, "Web",
         "The URL under which the Pushgateway is externally reachable. []");
  option("--web.route-prefix", raw.route_prefix, "Web",
         "Prefix for the internal routes of web endpoints. Defaults to the path of --web.external-url. []");
  option("--web.unix-socket-mode", raw.unix_socket_mode, "Web", "Octal mode of Unix sockets. [0660]");
  boolean("web.enable-lifecycle", raw.lifecycle, "Web", "Enable shutdown via HTTP request.");
  boolean("web.enable-admin-api", raw.admin_api, "Web", "Enable API endpoints for admin control actions.");
  option(
      "--persistence.file", raw.persistence_file, "Persistence",
      "File to persist metrics: they are kept in the directory FILE.sluice, and FILE of a Pushgateway is imported. If "
      "empty, metrics are only kept in memory. []");
  option("--persistence.interval", raw.persistence_interval, "Persistence",
         "The minimum interval at which to write out a snapshot, beside the log of what changes. [5m]");
  option(
      "--persistence.fsync", raw.fsync, "Persistence",
      "When changes are on disk: before they are acknowledged, at most --persistence.fsync-interval later, or when the "
      "system sees fit. One of: [always, interval, never]. [interval]");
  option("--persistence.fsync-interval", raw.fsync_interval, "Persistence",
         "With --persistence.fsync=interval, how much a crash of the machine may lose. [1s]");
  option("--persistence.on-corruption", raw.on_corruption, "Persistence",
         "What to do with a damaged file: serve what verifies and set the file aside, or not start. One of: [salvage, "
         "refuse]. [salvage]");
  boolean("push.disable-consistency-check", raw.unchecked, "Push",
          "Do not check consistency of pushed metrics. DANGEROUS.");
  boolean("push.enable-utf8-names", raw.utf8_names, "Push", "Allow UTF-8 characters in metric and label names.");
  option(
      "--push.failure-details", raw.failure_details, "Push",
      "Groups whose last error, with its client and content type, is kept while they have failed; 0 for none. [10000]");
  option("--runtime.workers", raw.workers, "Runtime", "Worker threads; 0 for one per usable core. [0]");
  option("--runtime.scrape-cache-mib", raw.scrape_cache, "Runtime",
         "MiB of scrape bodies that are kept for further scrapes while nothing changes; 0 for none. [32]");
  option("--net.backend", raw.backend, "Runtime", "One of: [auto, io_uring, epoll]. [auto]");
  boolean("net.kernel-tls", raw.kernel_tls, "Runtime",
          "Let the kernel seal what is sent over TLS, where it has kTLS. [on]");
  for (size_t i = 0; i < limits::kLimits; ++i) {
    const limits::Entry& entry = limits::kTable[i];
    option(fmt::format("--limits.{}", entry.name), raw.limits[i], "Limits",
           fmt::format("{} [{}]", entry.meaning, format_limit(entry, entry.value)));
  }
  option("--log.level", raw.log_level, "Log",
         "Only log messages with the given severity or above. One of: [debug, info, warn, error]. [info]");
  option("--log.format", raw.log_format, "Log", "Output format of log messages. One of: [logfmt, json]. [logfmt]");
}

// The reference's words for an end that is not --help.
FlagExit explain(const CommandLineEnd& end) {
  using Kind = CommandLineEnd::Kind;
  const std::string& text = end.text;
  if (end.kind == Kind::kNoValue) return wrong(fmt::format("expected argument for flag '{}'", text));
  if (end.kind == Kind::kOther) return wrong(text);
  if (end.kind == Kind::kUnknown && text.starts_with("--") && text.size() > 2) {
    return wrong(fmt::format("unknown long flag '{}'", text.substr(0, text.find('='))));
  }
  if (end.kind == Kind::kUnknown && text.starts_with('-') && text.size() > 1) {
    return wrong(fmt::format("unknown short flag '{}'", text.substr(0, 2)));
  }
  return wrong(fmt::format("unexpected {}", text));
}

// The single value of an option that may not be repeated; nullopt when it was not given.
Result<std::optional<std::string>, FlagExit> single(const Raw::Values& values, std::string_view name) {
  if (values.size() > 1) return std::unexpected(wrong(fmt::format("flag '{}' cannot be repeated", name)));
  return values.empty() ? std::nullopt : std::optional(values.front());
}

std::optional<uint32_t> parse_unsigned(const std::string& text, int base, uint32_t max) {
  uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (status != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

// As the reference normalises it: a lone "/" is no prefix; else begins with a slash, does not end with one.
std::string normalise_prefix(std::string prefix) {
  if (prefix.empty() || prefix == "/") return "";
  if (prefix.front() != '/') prefix.insert(prefix.begin(), '/');
  if (prefix.back() == '/') prefix.pop_back();
  return prefix;
}

// Applies `values` by `apply(text)`, which returns false for a value that it refuses with `complaint`.
template <typename Apply>
std::optional<FlagExit> take(const Raw::Values& values, std::string_view name, std::string_view complaint,
                             Apply apply) {
  const auto value = single(values, name);
  if (!value) return value.error();
  if (*value && !apply(**value)) return wrong(fmt::format("{} {}", complaint, **value));
  return std::nullopt;
}

// The path under which clients reach us, normalised like a prefix.
std::optional<FlagExit> take_url(const Raw::Values& values, std::string& path) {
  const auto value = single(values, "web.external-url");
  if (!value) return value.error();
  if (!*value) return std::nullopt;
  const auto parsed = external_url_path(**value);
  if (!parsed) return wrong(parsed.error());
  path = normalise_prefix(*parsed);
  return std::nullopt;
}

std::optional<FlagExit> take_duration(const Raw::Values& values, std::string_view name, std::chrono::nanoseconds& out) {
  const auto value = single(values, name);
  if (!value) return value.error();
  if (!*value) return std::nullopt;
  const auto parsed = parse_go_duration(**value);
  if (!parsed) return wrong(parsed.error());
  out = *parsed;
  return std::nullopt;
}

bool parse_backend(const std::string& text, Backend& out) {
  if (text == "auto")
    out = Backend::kAuto;
  else if (text == "io_uring")
    out = Backend::kIoUring;
  else if (text == "epoll")
    out = Backend::kEpoll;
  else
    return false;
  return true;
}

bool parse_fsync(const std::string& text, Fsync& out) {
  if (text == "always")
    out = Fsync::kAlways;
  else if (text == "interval")
    out = Fsync::kInterval;
  else if (text == "never")
    out = Fsync::kNever;
  else
    return false;
  return true;
}

std::optional<FlagExit> take_limit(const Raw::Values& values, const limits::Entry& entry, limits::Values& out) {
  const auto complaint = fmt::format("--limits.{} takes {} to {}, not", entry.name, format_limit(entry, entry.least),
                                     format_limit(entry, entry.most));
  return take(values, fmt::format("limits.{}", entry.name), complaint, [&](const std::string& text) {
    const auto value = parse_limit(entry, text);
    if (value) out.set(entry.limit, *value);
    return value.has_value();
  });
}

// Where to listen for what. One of the two special kinds alone is a mistake, and an address for everything beside it,
// by default, would be a hole.
std::optional<FlagExit> take_addresses(const Raw& raw, Flags& flags) {
  flags.listen_addresses = raw.listen_address;
  flags.push_listen_addresses = raw.push_listen_address;
  flags.read_listen_addresses = raw.read_listen_address;
  const bool pushes = !flags.push_listen_addresses.empty();
  const bool reads = !flags.read_listen_addresses.empty();
  if (raw.systemd_socket && (pushes || reads)) {
    return wrong("--web.systemd-socket cannot be combined with --web.push-listen-address or --web.read-listen-address");
  }
  if (!flags.listen_addresses.empty() || (pushes && reads)) return std::nullopt;
  if (pushes) {
    return wrong(
        "--web.push-listen-address alone leaves nothing to scrape from: give --web.read-listen-address or "
        "--web.listen-address too");
  }
  if (reads) {
    return wrong(
        "--web.read-listen-address alone leaves nothing to push to: give --web.push-listen-address or "
        "--web.listen-address too");
  }
  flags.listen_addresses.emplace_back(":9091");
  return std::nullopt;
}

Result<Flags, FlagExit> judge(const Raw& raw) {
  Flags flags;
  flags.enable_lifecycle = raw.lifecycle;
  flags.enable_admin_api = raw.admin_api;
  flags.enable_utf8_names = raw.utf8_names;
  flags.disable_consistency_check = raw.unchecked;
  flags.systemd_socket = raw.systemd_socket;
  flags.kernel_tls = raw.kernel_tls;
  std::optional<FlagExit> bad;
  const auto check = [&](std::optional<FlagExit> result) {
    if (!bad) bad = std::move(result);
  };
  check(take(raw.telemetry_path, "web.telemetry-path",
             "the path under which to expose metrics must begin with a slash:", [&](const std::string& text) {
               flags.telemetry_path = text;
               return text.starts_with('/');
             }));
  check(take_addresses(raw, flags));
  std::string prefix;
  check(take(raw.route_prefix, "web.route-prefix", "", [&](const std::string& text) {
    prefix = text;
    return true;
  }));
  check(take_url(raw.external_url, flags.external_path));
  if (!raw.external_url.empty()) flags.external_url = raw.external_url.front();
  flags.route_prefix = prefix.empty() ? flags.external_path : normalise_prefix(prefix);
  check(take(raw.unix_socket_mode, "web.unix-socket-mode", "not an octal file mode:", [&](const std::string& text) {
    const auto mode = parse_unsigned(text, 8, 0777);
    flags.unix_socket_mode = mode.value_or(0);
    return mode.has_value();
  }));
  check(take(raw.config_file, "web.config.file", "", [&](const std::string& text) {
    flags.config_file = text;
    return true;
  }));
  check(take(raw.auth_file, "auth.file", "", [&](const std::string& text) {
    flags.auth_file = text;
    return true;
  }));
  check(take(raw.persistence_file, "persistence.file", "", [&](const std::string& text) {
    flags.persistence_file = text;
    return true;
  }));
  check(take_duration(raw.persistence_interval, "persistence.interval", flags.persistence_interval));
  check(take(raw.fsync, "persistence.fsync", "unrecognized fsync mode",
             [&](const std::string& text) { return parse_fsync(text, flags.persistence_fsync); }));
  check(take_duration(raw.fsync_interval, "persistence.fsync-interval", flags.persistence_fsync_interval));
  check(
      take(raw.on_corruption, "persistence.on-corruption", "neither salvage nor refuse:", [&](const std::string& text) {
        flags.persistence_salvage = text == "salvage";
        return text == "salvage" || text == "refuse";
      }));
  check(take(raw.workers, "runtime.workers", "not a number of workers from 0 to 1024:", [&](const std::string& text) {
    const auto workers = parse_unsigned(text, 10, 1024);
    flags.workers = workers.value_or(0);
    return workers.has_value();
  }));
  check(take(raw.scrape_cache, "runtime.scrape-cache-mib",
             "not a number of MiB from 0 to 65536:", [&](const std::string& text) {
               const auto mib = parse_unsigned(text, 10, 65536);
               flags.scrape_cache_mib = mib.value_or(0);
               return mib.has_value();
             }));
  check(take(raw.failure_details, "push.failure-details",
             "not a number of groups from 0 to 10000000:", [&](const std::string& text) {
               const auto groups = parse_unsigned(text, 10, 10'000'000);
               flags.failure_details = groups.value_or(0);
               return groups.has_value();
             }));
  check(take(raw.backend, "net.backend", "unrecognized backend",
             [&](const std::string& text) { return parse_backend(text, flags.backend); }));
  check(take(raw.log_level, "log.level", "unrecognized log level",
             [&](const std::string& text) { return log::parse_level(text, flags.log_level); }));
  check(take(raw.log_format, "log.format", "unrecognized log format",
             [&](const std::string& text) { return log::parse_format(text, flags.log_format); }));
  for (size_t i = 0; i < limits::kLimits; ++i) check(take_limit(raw.limits[i], limits::kTable[i], flags.limits));
  if (bad) return std::unexpected(*bad);
  return flags;
}

}  // namespace

std::string version_text() {
  return fmt::format("sluice, version {}\n  revision:   {}\n  compiler:   {}\n  platform:   {}\n", kVersion, kRevision,
                     kCompiler, kPlatform);
}

Result<Flags, FlagExit> parse_flags(const std::vector<std::string>& arguments) {
  Raw raw;
  bool version = false;
  CommandLine line("sluice: a drop-in Prometheus Pushgateway for fleets", "sluice", CommandLine::Manner::kReference);
  line.flag("--version", version, {.text = "Show the version."});
  add_options(line, raw);
  if (const auto end = line.parse(arguments)) {
    if (end->kind == CommandLineEnd::Kind::kHelp) return std::unexpected(FlagExit{0, end->text});
    return std::unexpected(explain(*end));
  }
  if (version) return std::unexpected(FlagExit{0, version_text()});
  return judge(raw);
}

}  // namespace sluice::tools
