// The gateway's main: flags, limits of the machine, listeners, workers, signals.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/log.h"
#include "net/api/gateway.h"
#include "net/conn/connections.h"
#include "net/loop/sizing.h"
#include "net/loop/worker_group.h"
#include "parser/simd/kernel.h"
#include "tools/flags.h"
#include "tools/loop_metrics.h"
#include "tools/version.h"

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

// Why the process cannot serve: one sentence on stderr, exit code 1.
int fail(const std::string& sentence) {
  log::stop();
  std::fprintf(stderr, "sluice: error: %s\n", sentence.c_str());
  return 1;
}

// SIGINT and SIGTERM are waited for, not handled; blocked before any thread exists so that all inherit it.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t waited{};
  sigemptyset(&waited);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  return waited;
}

Result<net::loop::Listeners, std::string> open_listeners(const Flags& flags, uint32_t workers) {
  std::vector<net::loop::ListenAddress> addresses;
  for (const std::string& text : flags.listen_addresses) {
    auto address = net::loop::parse_listen_address(text);
    if (!address) return std::unexpected(address.error());
    addresses.push_back(std::move(*address));
  }
  net::loop::ListenOptions options;
  options.workers = workers;
  options.unix_mode = flags.unix_socket_mode;
  return net::loop::Listeners::open(addresses, options);
}

void log_start() {
  log::write(log::Level::kInfo, log::Reason::kAlways, "starting sluice",
             {{"version", std::string(kVersion)}, {"revision", std::string(kRevision)}});
}

void log_choice(const net::loop::Sizes& sizes, std::string_view kernel, const net::loop::Listeners& listeners) {
  log::write(log::Level::kInfo, log::Reason::kAlways, "chosen for this machine",
             {{"sizes", sizes.sentence}, {"kernel", std::string(kernel)}});
  for (const auto& entry : listeners.entries()) {
    if (entry.note.empty()) {
      log::write(log::Level::kInfo, log::Reason::kAlways, "Listening on", {{"address", entry.bound}});
    } else {
      log::write(log::Level::kInfo, log::Reason::kAlways, "Listening on",
                 {{"address", entry.bound}, {"note", entry.note}});
    }
  }
}

net::api::GatewayOptions gateway_options(const Flags& flags, uint32_t workers, net::ring::Backend backend,
                                         std::string_view kernel, std::shared_ptr<LoopMetrics> loop) {
  net::api::GatewayOptions options;
  options.router = {flags.route_prefix, flags.telemetry_path, flags.enable_admin_api};
  options.names = flags.enable_utf8_names ? parser::NameScheme::kUtf8 : parser::NameScheme::kLegacy;
  options.enable_lifecycle = flags.enable_lifecycle;
  options.workers = workers;
  options.build = {std::string(kVersion), std::string(kRevision), std::string(kArchitecture)};
  options.backend = backend == net::ring::Backend::kIoUring ? "io_uring" : "epoll";
  options.kernel = kernel;
  options.on_quit = [] {
    log::write(log::Level::kWarn, log::Reason::kAlways,
               "received termination request via web service, exiting gracefully...");
    kill(getpid(), SIGTERM);
  };
  options.extra_names = LoopMetrics::names();
  options.extra = [loop = std::move(loop)](std::vector<render::OwnFamily>& families) { loop->append(families); };
  return options;
}

// Workers and what they serve, on one backend. Main thread; destroyed only after group.join() or a failed start.
struct Server {
  std::vector<std::unique_ptr<net::http::Handler>> handlers;  // outlive the workers
  net::loop::WorkerGroup group;
  std::shared_ptr<LoopMetrics> loop_metrics = std::make_shared<LoopMetrics>(group);
  std::unique_ptr<net::api::Gateway> gateway;

  Result<void, std::string> start(const Flags& flags, const net::ring::Capabilities& capabilities,
                                  const net::loop::Sizes& sizes, std::string_view kernel,
                                  net::loop::Listeners listeners) {
    gateway = std::make_unique<net::api::Gateway>(
        gateway_options(flags, sizes.workers, capabilities.backend, kernel, loop_metrics));
    net::loop::WorkerOptions options;
    options.workers = sizes.workers;
    options.connections_max = sizes.connections_max;
    options.ring = sizes.ring;
    options.stop_bound_ns = limits::kStopBoundNs;
    return group.start(
        capabilities, options, std::move(listeners),
        [this](uint32_t index) {
          auto service = std::make_unique<net::conn::Connections>(*handlers.emplace_back(gateway->make_handler(index)));
          gateway->context(index).bodies = &service->bodies();
          loop_metrics->add(service->counters());
          return service;
        },
        [this](uint32_t index) { return gateway->make_hooks(index); });
  }
};

// Serves from `flags`' addresses with what was probed; with epoll where the probe's small rings could be made and the
// workers' own cannot, as when a limit is shared with other processes. Logs what was chosen in the end.
Result<std::unique_ptr<Server>, std::string> start_server(const Flags& flags, net::ring::Capabilities capabilities,
                                                          std::string_view kernel) {
  const net::loop::SystemLimits system = net::loop::read_system();
  for (bool announced = false;; announced = true) {
    const net::loop::Sizes sizes = net::loop::size_for(system, capabilities, flags.workers);
    auto listeners = open_listeners(flags, sizes.workers);
    if (!listeners) return std::unexpected(listeners.error());
    if (!announced) log_start();
    auto server = std::make_unique<Server>();
    const auto started = server->start(flags, capabilities, sizes, kernel, std::move(*listeners));
    if (started) {
      log_choice(sizes, kernel, server->group.listeners());
      return server;
    }
    if (flags.backend != Backend::kAuto || capabilities.backend == net::ring::Backend::kEpoll) {
      return std::unexpected(started.error());
    }
    capabilities = net::ring::epoll_instead_of_io_uring(started.error());
  }
}

int serve(const Flags& flags, const sigset_t& waited) {
  const auto kernel = parser::simd::select_kernel_from_environment();
  if (!kernel) return fail(kernel.error());
  const auto refused = net::ring::refused_by_environment();
  if (!refused) return fail(refused.error());
  const auto capabilities = net::ring::probe(choice_of(flags.backend), *refused);
  if (!capabilities) return fail(capabilities.error());
  const auto server = start_server(flags, *capabilities, (*kernel)->name);
  if (!server) return fail(server.error());
  int signal_number = 0;
  sigwait(&waited, &signal_number);
  log::write(log::Level::kInfo, log::Reason::kAlways, "received SIGINT/SIGTERM; exiting gracefully...");
  (*server)->group.request_stop();
  const bool clean = (*server)->group.join();
  log::write(clean ? log::Level::kInfo : log::Level::kWarn, log::Reason::kAlways, "HTTP server stopped",
             {{"connections_cut", clean ? "false" : "true"}});
  return 0;
}

// The whole program; returns its exit code.
int run(int argc, char** argv) {
  const auto flags = parse_flags(std::vector<std::string>(argv + 1, argv + argc));
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
