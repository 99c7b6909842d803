// What full work is compared with (P4 of the targets): the gateway's own loop, connections and HTTP, with a handler
// that takes each body and throws it away. Every request with a complete body is answered with an empty 200.
//
//   discard_server BACKEND PORT
//
// BACKEND is auto, io_uring or epoll; one worker. Ends on SIGINT or SIGTERM and prints how many requests there were.
#include <fmt/format.h>
#include <signal.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/conn/connections.h"
#include "net/http/exchange.h"
#include "net/loop/listeners.h"
#include "net/loop/sizing.h"
#include "net/loop/worker_group.h"

namespace sluice::net {
namespace {

class Discard final : public http::Handler {
 public:
  HeadAction on_head(http::Exchange& /*exchange*/, uint64_t& /*body_bytes_max*/) override {
    return HeadAction::kReadBody;
  }
  StepAction step(http::Exchange& exchange, Deadline /*deadline*/) override {
    bytes += exchange.request.body.size();
    return StepAction::kDone;
  }
  void on_refused(int /*status*/, std::string_view /*peer*/) override { ++refused; }
  void on_limit(limits::Limit /*limit*/) override {}
  void on_finished(const http::Exchange& /*exchange*/, bool sent) override { answered += sent ? 1 : 0; }

  uint64_t answered = 0;
  uint64_t refused = 0;
  uint64_t bytes = 0;
};

int fail(const std::string& sentence) {
  fmt::print(stderr, "discard_server: {}\n", sentence);
  return 1;
}

int run(std::string_view backend, std::string_view port) {
  const auto choice = backend == "epoll"      ? ring::BackendChoice::kEpoll
                      : backend == "io_uring" ? ring::BackendChoice::kIoUring
                                              : ring::BackendChoice::kAuto;
  const auto refused = ring::refused_by_environment();
  if (!refused) return fail(refused.error());
  const auto capabilities = ring::probe(choice, *refused);
  if (!capabilities) return fail(capabilities.error());
  const loop::Sizes sizes = loop::size_for(loop::read_system(), *capabilities, 1);
  const auto address = loop::parse_listen_address(fmt::format("127.0.0.1:{}", port));
  if (!address) return fail(address.error());
  auto listeners = loop::Listeners::open({*address}, {.workers = 1});
  if (!listeners) return fail(listeners.error());

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  Discard handler;
  loop::WorkerGroup group;
  const auto started = group.start(
      *capabilities,
      {.workers = 1, .connections_max = sizes.connections_max, .ring = sizes.ring, .stop_bound_ns = 200'000'000},
      std::move(*listeners), [&](uint32_t) { return std::make_unique<conn::Connections>(handler); });
  if (!started) return fail(started.error());
  int signal = 0;
  sigwait(&ends, &signal);
  group.request_stop();
  static_cast<void>(group.join());
  fmt::print("{} requests, {} bytes of bodies, {} refused\n", handler.answered, handler.bytes, handler.refused);
  return 0;
}

}  // namespace
}  // namespace sluice::net

int main(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr, "usage: discard_server auto|io_uring|epoll PORT\n");
    return 2;
  }
  return sluice::net::run(arguments[1], arguments[2]);
}
