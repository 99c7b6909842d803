// A server with TestHandler over a real backend, and a plain blocking client.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/conn/connections.h"
#include "net/loop/worker_group.h"
#include "net/ring/probe.h"
#include "tests/net/conn/test_handler.h"

namespace sluice::net::conn {

// What a service leaves behind: it goes with its worker.
struct Remains {
  TestHandler handler;
  uint64_t accepted = 0;
  uint64_t bodies_direct = 0;
};

class TestService final : public loop::Service {
 public:
  TestService(Remains& remains, const Options& options) : connections(remains.handler, options), remains_(remains) {}
  void on_start(loop::Worker& worker) override { connections.on_start(worker); }
  void on_connection(const loop::NewConnection& connection) override { connections.on_connection(connection); }
  void on_completion(const ring::Completion& completion) override { connections.on_completion(completion); }
  void on_turn(int64_t now_ns) override { connections.on_turn(now_ns); }
  void on_stop() override { connections.on_stop(); }
  void on_abort() override { connections.on_abort(); }
  void on_end() override {
    connections.on_end();
    remains_.accepted = connections.counters().accepted;
    remains_.bodies_direct = connections.counters().bodies_direct;
  }

  Connections connections;

 private:
  Remains& remains_;
};

class RealServer {
 public:
  RealServer() = default;
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;
  ~RealServer() {
    group_.request_stop();
    group_.join();
  }

  // Empty, or why this machine cannot.
  [[nodiscard]] std::string start(ring::BackendChoice backend, const Options& options = {},
                                  uint32_t connections_max = 1000) {
    auto capabilities = ring::probe(backend, {});
    if (!capabilities) return capabilities.error();
    auto address = loop::parse_listen_address("127.0.0.1:0");
    if (!address) return address.error();
    auto listeners = loop::Listeners::open({*address}, {.workers = 1});
    if (!listeners) return listeners.error();
    loop::WorkerOptions worker_options;
    worker_options.connections_max = connections_max;
    worker_options.ring = {.submissions = 64, .completions = 256, .buffers = 64, .buffer_bytes = 4096};
    auto started = group_.start(*capabilities, worker_options, std::move(*listeners),
                                [&](uint32_t) { return std::make_unique<TestService>(remains, options); });
    if (!started) return started.error();
    port = group_.listeners().entries()[0].port;
    return {};
  }
  // True when all connections ended by themselves.
  bool stop() {
    group_.request_stop();
    return group_.join();
  }

  uint16_t port = 0;
  Remains remains;  // to be looked at after stop()

 private:
  loop::WorkerGroup group_;
};

class Client {
 public:
  static constexpr int kPatienceMs = 20'000;

  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(socket_); }

  // Sends everything, reading meanwhile. A server that has closed ends it early.
  void send(std::string_view bytes) {
    while (!bytes.empty() && !ended) {
      pollfd events{socket_, POLLOUT | POLLIN, 0};
      if (::poll(&events, 1, kPatienceMs) <= 0) return;
      if ((events.revents & POLLIN) != 0 && !read_some()) continue;
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN) break;
    }
  }
  void finish() { ::shutdown(socket_, SHUT_WR); }
  // Reads until `done()` or the end of the stream. False when patience ended.
  template <typename Done>
  bool read_until(const Done& done) {
    while (!done() && !ended) {
      pollfd events{socket_, POLLIN, 0};
      if (::poll(&events, 1, kPatienceMs) <= 0) return false;
      read_some();
    }
    return true;
  }

  std::string received;
  bool ended = false;  // end of stream, or reset
  bool reset = false;

 private:
  bool read_some() {
    char buffer[65536];
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) {
      received.append(buffer, static_cast<size_t>(count));
    } else if (count == 0) {
      ended = true;
    } else if (errno != EAGAIN) {
      ended = reset = true;
    }
    return count > 0;
  }

  int socket_;
};

class OnBothBackends : public testing::TestWithParam<ring::BackendChoice> {
 protected:
  void start(const Options& options = {}, uint32_t connections_max = 1000) {
    const std::string problem = server_.start(GetParam(), options, connections_max);
    if (!problem.empty()) GTEST_SKIP() << "NOT RUN: io_uring: " << problem;
  }
  RealServer server_;
};

inline std::string backend_name(const testing::TestParamInfo<ring::BackendChoice>& info) {
  return info.param == ring::BackendChoice::kEpoll ? "epoll" : "io_uring";
}

}  // namespace sluice::net::conn
