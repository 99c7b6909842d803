// The gateway's main: flags, limits of the machine, listeners, workers, signals.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/sync/keyed_counts.h"
#include "net/api/durability.h"
#include "net/api/gateway.h"
#include "net/api/logged_service.h"
#include "net/api/reference_import.h"
#include "net/conn/connections.h"
#include "net/loop/service_manager.h"
#include "net/loop/sizing.h"
#include "net/loop/worker_group.h"
#include "parser/simd/kernel.h"
#include "tools/commands/check_config_command.h"
#include "tools/commands/export_command.h"
#include "tools/commands/import_command.h"
#include "tools/commands/wal_command.h"
#include "tools/flag_values.h"
#include "tools/flags.h"
#include "tools/limit_flags.h"
#include "tools/loop_metrics.h"
#include "tools/version.h"
#include "tools/web_front.h"

namespace sluice::tools {
namespace {

net::ring::BackendChoice choice_of(Backend backend) {
  switch (backend) {
    case Backend::kIoUring:
      return net::ring::BackendChoice::kIoUring;
    case Backend::kEpoll:
      return net::ring::BackendChoice::kEpoll;
    case Backend::kAuto:
      break;
  }
  return net::ring::BackendChoice::kAuto;
}

wal::Fsync fsync_of(Fsync fsync) {
  switch (fsync) {
    case Fsync::kAlways:
      return wal::Fsync::kAlways;
    case Fsync::kNever:
      return wal::Fsync::kNever;
    case Fsync::kInterval:
      break;
  }
  return wal::Fsync::kInterval;
}

// Why the process cannot serve: one sentence on stderr, exit code 1.
int fail(const std::string& sentence) {
  log::stop();
  std::fprintf(stderr, "sluice: error: %s\n", sentence.c_str());
  return 1;
}

// SIGINT and SIGTERM are waited for, not handled; blocked before any thread exists so that all inherit it. What a write
// can bring is an error of that write.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t waited{};
  sigemptyset(&waited);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  return waited;
}

// What listen_addresses() gives serve, in their order. Empty: everything everywhere.
std::vector<net::api::Serves> served_by_addresses(const Flags& flags) {
  using net::api::Serves;
  std::vector<Serves> serves;
  if (flags.push_listen_addresses.empty() && flags.read_listen_addresses.empty()) return serves;
  serves.insert(serves.end(), flags.listen_addresses.size(), Serves::kAll);
  serves.insert(serves.end(), flags.push_listen_addresses.size(), Serves::kPushes);
  serves.insert(serves.end(), flags.read_listen_addresses.size(), Serves::kReads);
  return serves;
}

// Where to listen: given by flags, or by whoever started us.
Result<std::vector<net::loop::ListenAddress>, std::string> listen_addresses(const Flags& flags) {
  if (flags.systemd_socket) {
    log::write(log::Level::kInfo, log::Reason::kAlways,
               "Listening on systemd activated listeners instead of port listeners.");
    return net::loop::inherited_addresses();
  }
  std::vector<net::loop::ListenAddress> addresses;
  for (const auto& [flag, texts] : {std::pair("--web.listen-address", &flags.listen_addresses),
                                    {"--web.push-listen-address", &flags.push_listen_addresses},
                                    {"--web.read-listen-address", &flags.read_listen_addresses}}) {
    for (const std::string& text : *texts) {
      auto address = net::loop::parse_listen_address(text, flag);
      if (!address) return std::unexpected(address.error());
      addresses.push_back(std::move(*address));
    }
  }
  return addresses;
}

Result<net::loop::Listeners, std::string> open_listeners(const std::vector<net::loop::ListenAddress>& addresses,
                                                         const Flags& flags, uint32_t workers) {
  net::loop::ListenOptions options;
  options.workers = workers;
  options.unix_mode = flags.unix_socket_mode;
  return net::loop::Listeners::open(addresses, options);
}

void log_start() {
  log::write(log::Level::kInfo, log::Reason::kAlways, "starting sluice",
             {{"version", std::string(kVersion)}, {"revision", std::string(kRevision)}});
}

void log_choice(const net::loop::Sizes& sizes, std::string_view kernel, const net::loop::Listeners& listeners,
                const std::vector<net::api::Serves>& serves) {
  constexpr std::array<std::string_view, 3> kNames = {"all", "pushes", "reads"};
  log::write(log::Level::kInfo, log::Reason::kAlways, "chosen for this machine",
             {{"sizes", sizes.sentence}, {"kernel", std::string(kernel)}});
  for (size_t i = 0; i < listeners.entries().size(); ++i) {
    const auto& entry = listeners.entries()[i];
    if (!serves.empty()) {
      log::write(log::Level::kInfo, log::Reason::kAlways, "Listening on",
                 {{"address", entry.bound},
                  {"serves", std::string(kNames[static_cast<size_t>(serves[i])])},
                  {"note", entry.note}});
    } else if (entry.note.empty()) {
      log::write(log::Level::kInfo, log::Reason::kAlways, "Listening on", {{"address", entry.bound}});
    } else {
      log::write(log::Level::kInfo, log::Reason::kAlways, "Listening on",
                 {{"address", entry.bound}, {"note", entry.note}});
    }
  }
}

// What the flags leave to the machine: nine tenths of its memory, or the cgroup's; and of that an eighth for bodies on
// their way, but room for some.
limits::Values limits_for(limits::Values values, const net::loop::SystemLimits& system, uint32_t workers) {
  using limits::Limit;
  constexpr uint64_t kBodiesMin = 4 * limits::kMiB;
  if (values[Limit::kMemory] == 0 && system.memory != net::loop::kNoLimit) {
    values.set(Limit::kMemory, system.memory / 10 * 9);
  }
  if (const uint64_t memory = values[Limit::kMemory]; memory != 0) {
    const uint64_t bodies = std::max(memory / 8 / workers, kBodiesMin);
    values.set(Limit::kBodyMemory, std::min(values[Limit::kBodyMemory], bodies));
  }
  return values;
}

bool has_front(const Flags& flags) { return !flags.config_file.empty() || !flags.auth_file.empty(); }

net::api::GatewayOptions gateway_options(const Flags& flags, const limits::Values& values, uint32_t workers,
                                         net::ring::Backend backend, std::string_view kernel) {
  net::api::GatewayOptions options;
  options.router = {flags.route_prefix, flags.telemetry_path, flags.enable_admin_api};
  options.listeners = served_by_addresses(flags);
  options.names = flags.enable_utf8_names ? parser::NameScheme::kUtf8 : parser::NameScheme::kLegacy;
  options.enable_lifecycle = flags.enable_lifecycle;
  options.consistency_check = !flags.disable_consistency_check;
  options.workers = workers;
  options.failure_details_max = flags.failure_details;
  options.limits = values;
  options.scrape_cache_bytes = size_t{flags.scrape_cache_mib} * 1024 * 1024;
  options.more_writers = flags.persistence_file.empty() ? 0 : net::api::Durability::more_writers();
  options.build = {std::string(kVersion), std::string(kRevision), std::string(kArchitecture)};
  options.flags = flag_values(flags);
  options.backend = backend == net::ring::Backend::kIoUring ? "io_uring" : "epoll";
  options.kernel = kernel;
  options.on_quit = [] {
    log::write(log::Level::kWarn, log::Reason::kAlways,
               "received termination request via web service, exiting gracefully...");
    kill(getpid(), SIGTERM);
  };
  options.extra_names = LoopMetrics::names();
  if (!flags.persistence_file.empty()) {
    const auto names = net::api::Durability::names();
    options.extra_names.insert(options.extra_names.end(), names.begin(), names.end());
  }
  if (has_front(flags)) {
    const auto names = WebFront::names();
    options.extra_names.insert(options.extra_names.end(), names.begin(), names.end());
  }
  return options;
}

net::api::DurabilityOptions durability_options(const Flags& flags, uint32_t workers) {
  net::api::DurabilityOptions options;
  options.directory = flags.persistence_file + ".sluice";
  options.state_file = flags.persistence_state;
  options.log.fsync = fsync_of(flags.persistence_fsync);
  options.log.interval_ns = flags.persistence_fsync_interval.count();
#ifdef SLUICE_LOG_SEGMENT_BYTES  // of a test program whose segments are soon full
  options.log.segment_bytes = SLUICE_LOG_SEGMENT_BYTES;
#endif
  options.snapshot_interval = flags.persistence_interval;
  options.salvage = flags.persistence_salvage;
  options.consistency_check = !flags.disable_consistency_check;
  options.workers = workers;
  options.on_fatal = [] { kill(getpid(), SIGTERM); };
  return options;
}

// 65,536 buckets, 4 MiB: half a million addresses that are connected at the same time.
constexpr unsigned kAddressBits = 16;

// Workers and what they serve, on one backend. Main thread; destroyed only after group.join() or a failed start.
struct Server {
  std::unique_ptr<WebFront> front;                            // none without has_front(); outlives the workers
  std::vector<std::unique_ptr<net::http::Handler>> handlers;  // likewise
  std::unique_ptr<sync::KeyedCounts> addresses;               // likewise; none without a limit for each
  net::loop::WorkerGroup group;
  LoopMetrics loop_metrics{group};
  std::unique_ptr<net::api::Gateway> gateway;
  std::unique_ptr<net::api::Durability> durability;  // none without --persistence.file

  // What is served, with what the state will be kept in.
  Result<void, std::string> load(const Flags& flags, const limits::Values& values, uint32_t workers,
                                 net::ring::Backend backend, std::string_view kernel) {
    net::api::GatewayOptions options = gateway_options(flags, values, workers, backend, kernel);
    if (has_front(flags)) {
      auto opened = WebFront::open(
          {.config_file = flags.config_file, .auth_file = flags.auth_file, .kernel_tls = flags.kernel_tls});
      if (!opened) return std::unexpected(opened.error());
      front = std::move(*opened);
    }
    options.extra = [this](std::vector<render::OwnFamily>& families) {
      if (front) front->append(families);
      loop_metrics.append(families);
      if (durability) durability->append(families);
    };
    gateway = std::make_unique<net::api::Gateway>(std::move(options));
    if (flags.persistence_file.empty()) return {};
    durability = std::make_unique<net::api::Durability>(gateway->store(), durability_options(flags, workers));
    gateway->set_durability(*durability);
    return durability->open();
  }

  Result<void, std::string> start(const net::ring::Capabilities& capabilities, const net::loop::Sizes& sizes,
                                  net::loop::Listeners listeners) {
    net::loop::WorkerOptions options;
    options.workers = sizes.workers;
    options.connections_max = sizes.connections_max;
    options.ring = sizes.ring;
    options.stop_bound_ns = limits::kStopBoundNs;
    return group.start(
        capabilities, options, std::move(listeners),
        [this](uint32_t index) {
          auto service = make_service(*handlers.emplace_back(gateway->make_handler(index)));
          gateway->context(index).bodies = &service->bodies();
          if (front) gateway->context(index).access = front->access();
          if (group.workers() > 1) gateway->context(index).call_help = [this, index] { group.call_help(index); };
          loop_metrics.add(service->counters());
          return logged(std::move(service), index);
        },
        [this](uint32_t index) { return gateway->make_hooks(index); });
  }

  net::conn::Options connection_options() {
    net::conn::Options options = net::conn::options_for(gateway->options().limits);
    if (options.connections_per_address_max != 0) {
      if (!addresses) addresses = std::make_unique<sync::KeyedCounts>(kAddressBits);
      options.addresses = addresses.get();
    }
    return options;
  }

  // The connections of a worker, behind its guard if there is one.
  std::unique_ptr<net::conn::Connections> make_service(net::http::Handler& handler) {
    if (!front) return std::make_unique<net::conn::Connections>(handler, connection_options());
    net::web::Guard& guard = front->add(handler);
    auto service = std::make_unique<net::conn::Connections>(guard, connection_options());
    if (front->tls()) service->set_tls(guard, front->kernel_tls());
    return service;
  }

  std::unique_ptr<net::loop::Service> logged(std::unique_ptr<net::loop::Service> service, uint32_t worker) {
    if (!durability) return service;
    return std::make_unique<net::api::LoggedService>(std::move(service), durability->log(worker));
  }
};

// Serves from `flags`' addresses with what was probed; with epoll where the probe's small rings could be made and the
// workers' own cannot, as when a limit is shared with other processes. Logs what was chosen in the end.
Result<std::unique_ptr<Server>, std::string> start_server(const Flags& flags, net::ring::Capabilities capabilities,
                                                          std::string_view kernel) {
  const net::loop::SystemLimits system = net::loop::read_system();
  const auto addresses = listen_addresses(flags);
  if (!addresses) return std::unexpected(addresses.error());
  for (bool announced = false;; announced = true) {
    const net::loop::Sizes sizes =
        net::loop::size_for(system, capabilities, flags.workers, flags.limits[limits::Limit::kConnections]);
    auto listeners = open_listeners(*addresses, flags, sizes.workers);
    if (!listeners) return std::unexpected(listeners.error());
    if (!announced) log_start();
    auto server = std::make_unique<Server>();
    if (const auto loaded = server->load(flags, limits_for(flags.limits, system, sizes.workers), sizes.workers,
                                         capabilities.backend, kernel);
        !loaded) {
      return std::unexpected(loaded.error());
    }
    const auto started = server->start(capabilities, sizes, std::move(*listeners));
    if (started) {
      if (server->durability) server->durability->start();
      log_choice(sizes, kernel, server->group.listeners(), server->gateway->options().listeners);
      return server;
    }
    if (flags.backend != Backend::kAuto || capabilities.backend == net::ring::Backend::kEpoll) {
      return std::unexpected(started.error());
    }
    capabilities = net::ring::epoll_instead_of_io_uring(started.error());
  }
}

int serve(Flags flags, const sigset_t& waited) {
  const auto kernel = parser::simd::select_kernel_from_environment();
  if (!kernel) return fail(kernel.error());
  const auto refused = net::ring::refused_by_environment();
  if (!refused) return fail(refused.error());
  const auto capabilities = net::ring::probe(choice_of(flags.backend), *refused);
  if (!capabilities) return fail(capabilities.error());
  if (!flags.persistence_file.empty()) {
    auto state = net::api::state_file_for(flags.persistence_file, !flags.disable_consistency_check);
    if (!state) return fail(state.error());
    flags.persistence_state = std::move(*state);
  }
  const auto server = start_server(flags, *capabilities, (*kernel)->name);
  if (!server) return fail(server.error());
  int signal_number = 0;
  sigwait(&waited, &signal_number);
  log::write(log::Level::kInfo, log::Reason::kAlways, "received SIGINT/SIGTERM; exiting gracefully...");
  (*server)->group.request_stop();
  const bool clean = (*server)->group.join();
  log::write(clean ? log::Level::kInfo : log::Level::kWarn, log::Reason::kAlways, "HTTP server stopped",
             {{"connections_cut", clean ? "false" : "true"}});
  if (!(*server)->durability) return 0;
  const auto persisted = (*server)->durability->finish();
  return persisted ? 0 : fail(persisted.error());
}

// The whole program; returns its exit code.
int run(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty()) {
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (arguments.front() == "check-config") return check_config_command(rest);
    if (arguments.front() == "import") return import_command(rest);
    if (arguments.front() == "export") return export_command(rest);
    if (arguments.front() == "wal") return wal_command(rest);
    if (arguments.front() == "limits") {
      std::fputs(limits_page().c_str(), stdout);
      return 0;
    }
  }
  const auto flags = parse_flags(arguments);
  if (!flags) {
    std::fputs(flags.error().text.c_str(), flags.error().code == 0 ? stdout : stderr);
    return flags.error().code;
  }
  const sigset_t waited = block_signals();
  log::start(flags->log_level, flags->log_format);
  const int code = serve(*flags, waited);
  log::stop();
  return code;
}

}  // namespace
}  // namespace sluice::tools

int main(int argc, char** argv) { return sluice::tools::run(argc, argv); }
