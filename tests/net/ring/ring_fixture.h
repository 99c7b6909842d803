// What the tests of the real rings share: one parameter for each variant of a backend, sockets, a recording handler.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"

namespace sluice::net::ring {

// A backend, and features that the probe is told to do without.
struct Variant {
  const char* name;
  BackendChoice choice;
  const char* refused;
  friend std::ostream& operator<<(std::ostream& out, const Variant& v) { return out << v.name; }
};

inline constexpr std::array kVariants{
    Variant{"io_uring", BackendChoice::kIoUring, ""},
    Variant{"io_uring_without_defer_taskrun", BackendChoice::kIoUring, "defer_taskrun"},
    Variant{"io_uring_without_disabled_start", BackendChoice::kIoUring, "disabled_start"},
    Variant{"epoll", BackendChoice::kEpoll, ""},
};

// A step that takes this long is a failure; a loaded machine is not.
inline constexpr int64_t kTestPatienceNs = 20'000'000'000;

class RingTest : public testing::TestWithParam<Variant>, public CompletionHandler {
 protected:
  static constexpr RingOptions kOptions{.submissions = 64, .completions = 128, .buffers = 8, .buffer_bytes = 4096};

  void SetUp() override {
    auto refused = parse_features(GetParam().refused);
    ASSERT_TRUE(refused.has_value());
    auto probed = probe(GetParam().choice, *refused);
    if (!probed) GTEST_SKIP() << "NOT RUN: io_uring " << GetParam().name << ": " << probed.error();
    capabilities_ = *probed;
    make(kOptions);
  }
  void TearDown() override {
    if (ring_ != nullptr) {
      for (const Completion& c : seen_) {
        if (c.buffer != kNoBuffer && keep_buffers_) ring_->give_back(c.buffer);
      }
    }
    ring_.reset();
    for (const int descriptor : open_) ::close(descriptor);
  }
  void make(const RingOptions& options) {
    ring_.reset();
    auto made = make_ring(capabilities_, options);
    ASSERT_TRUE(made.has_value()) << made.error();
    ring_ = std::move(*made);
    ASSERT_EQ(ring_->enable(), 0);
  }

  void on_completion(const Completion& completion) override {
    if (completion.data != nullptr) {
      bytes_.append(completion.data, static_cast<size_t>(completion.result));
      if (!keep_buffers_) ring_->give_back(completion.buffer);
    }
    seen_.push_back(completion);
    if (hook_) hook_(completion);
  }
  // Those that were kept; from now on each at once.
  void give_all_back() {
    for (Completion& c : seen_) {
      if (c.buffer != kNoBuffer) ring_->give_back(c.buffer);
      c.buffer = kNoBuffer;
    }
    keep_buffers_ = false;
  }
  void before_wait() override { ++waits_begun_; }
  void after_wait() override { ++waits_ended_; }

  // Turns until the condition holds.
  testing::AssertionResult turn_until(const std::function<bool()>& condition) {
    const Deadline deadline = Deadline::in_ns(kTestPatienceNs);
    while (!condition()) {
      if (deadline.passed()) return testing::AssertionFailure() << "nothing came; seen so far: " << seen_.size();
      ring_->turn(20'000'000, *this);
    }
    return testing::AssertionSuccess();
  }
  testing::AssertionResult turn_until_seen(size_t count) {
    return turn_until([&] { return seen_.size() >= count; });
  }

  // A connected pair of TCP sockets over loopback: {ours, theirs}; theirs is an ordinary blocking socket.
  std::array<int, 2> tcp_pair() {
    const int listener = tcp_listener();
    const int theirs = tcp_connect(listener);
    const int ours = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(ours, 0);
    ring_->adopt(ours);
    open_.push_back(ours);
    return {ours, theirs};
  }
  int tcp_listener() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener, 64), 0);
    open_.push_back(listener);
    return listener;
  }
  int tcp_connect(int listener) {
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), length), 0);
    open_.push_back(client);
    return client;
  }
  // The test's own descriptors, closed at the end unless the ring closed them.
  void forget(int descriptor) { std::erase(open_, descriptor); }
  void close_now(int descriptor) {
    forget(descriptor);
    ::close(descriptor);
  }
  static void write_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  Capabilities capabilities_;
  std::unique_ptr<Ring> ring_;
  std::vector<Completion> seen_;
  std::string bytes_;          // everything that multishot receives delivered
  bool keep_buffers_ = false;  // buffers are given back at the end of the test only
  std::function<void(const Completion&)> hook_;
  int waits_begun_ = 0;
  int waits_ended_ = 0;
  std::vector<int> open_;
};

inline std::string variant_name(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

}  // namespace sluice::net::ring
