// Workers as a whole, on both backends: serving, hand-over, limits, graceful stop.
#include "net/loop/worker_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "tests/net/loop/client.h"
#include "tests/net/loop/echo_service.h"

namespace sluice::net::loop {
namespace {

class WorkerGroupTest : public testing::TestWithParam<ring::BackendChoice> {
 protected:
  static constexpr int64_t kPatienceNs = 20'000'000'000;

  void SetUp() override {
    auto probed = ring::probe(GetParam());
    if (!probed) GTEST_SKIP() << "NOT RUN: io_uring: " << probed.error();
    capabilities_ = *probed;
    options_.ring = {.submissions = 128, .completions = 512, .buffers = 32, .buffer_bytes = 4096};
  }

  // Starts the group on 127.0.0.1:0, or on `address`.
  void start(uint32_t workers, const std::string& address = "127.0.0.1:0") {
    options_.workers = workers;
    figures_ = std::vector<EchoFigures>(workers);
    auto parsed = parse_listen_address(address);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    auto listeners = Listeners::open({*parsed}, {.workers = workers});
    ASSERT_TRUE(listeners.has_value()) << listeners.error();
    port_ = listeners->entries()[0].port;
    const auto started = group_.start(
        capabilities_, options_, std::move(*listeners),
        [this](uint32_t i) {
          auto service = std::make_unique<EchoService>(figures_[i]);
          service->ignore_abort = ignore_abort_;
          return service;
        },
        make_hooks_);
    ASSERT_TRUE(started.has_value()) << started.error();
  }
  Client connect() { return Client::tcp("127.0.0.1", port_); }
  [[nodiscard]] uint64_t total(sync::SingleWriter<uint64_t> EchoFigures::* figure) const {
    uint64_t sum = 0;
    for (const EchoFigures& f : figures_) sum += (f.*figure).get();
    return sum;
  }
  template <typename Condition>
  static bool wait_for(Condition condition) {
    const Deadline deadline = Deadline::in_ns(kPatienceNs);
    while (!condition()) {
      if (deadline.passed()) return false;
      usleep(500);
    }
    return true;
  }

  ring::Capabilities capabilities_;
  WorkerOptions options_;
  std::vector<EchoFigures> figures_;  // outlive the workers
  WorkerGroup group_;
  uint16_t port_ = 0;
  bool ignore_abort_ = false;
  WorkerGroup::MakeHooks make_hooks_;
};

TEST_P(WorkerGroupTest, Serves) {
  start(2);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect());
  for (int round = 0; round < 20; ++round) {
    for (const Client& c : clients)
      ASSERT_EQ(c.echo("hello " + std::to_string(round)), "hello " + std::to_string(round));
  }
  EXPECT_EQ(total(&EchoFigures::accepted), 20u);
  const TurnTimes::Reading times = group_.turn_times(0);
  EXPECT_GT(times.count, 0u);
  EXPECT_GT(times.max_ns, 0u);
  EXPECT_GE(times.sum_ns, times.max_ns);
  clients.clear();
  group_.request_stop();
  EXPECT_TRUE(group_.join());
  EXPECT_EQ(total(&EchoFigures::stops), 2u);
  EXPECT_EQ(total(&EchoFigures::ends), 2u);
  EXPECT_EQ(total(&EchoFigures::aborts), 0u);
}

// Worker 0 calls for help once when it is told to; a call is worth ten slices to whoever comes.
class HelpHooks final : public EpochHooks {
 public:
  static constexpr uint64_t kSlices = 10;
  HelpHooks(WorkerGroup& group, uint32_t index) : group_(group), index_(index) {}

  void quiescent(bool) override {
    if (index_ != 0 || calls_made_ == calls.get()) return;
    calls_made_ = calls.get();
    group_.call_help(0);
  }
  bool help(Deadline /*deadline*/) override {
    slices += 1;
    return slices.get() % kSlices != 0;
  }
  sync::SingleWriter<uint64_t> calls;   // written by the test
  sync::SingleWriter<uint64_t> slices;  // by the worker

 private:
  WorkerGroup& group_;
  const uint32_t index_;
  uint64_t calls_made_ = 0;
};

TEST_P(WorkerGroupTest, AWorkerThatWaitsHelpsUntilNothingIsLeft) {
  std::vector<HelpHooks*> hooks;
  make_hooks_ = [this, &hooks](uint32_t i) {
    auto made = std::make_unique<HelpHooks>(group_, i);
    hooks.push_back(made.get());
    return made;
  };
  start(2);
  // Worker 0 turns when one of its connections brings something; both have some.
  std::vector<Client> clients;
  clients.reserve(8);
  for (int i = 0; i < 8; ++i) clients.push_back(connect());
  for (uint64_t round = 1; round <= 5; ++round) {
    const bool helped = wait_for([&] {
      if (hooks[1]->slices.get() == round * HelpHooks::kSlices) return true;
      // Once more when worker 1 had no time.
      if (hooks[1]->slices.get() == (round - 1) * HelpHooks::kSlices) hooks[0]->calls += 1;
      for (const Client& c : clients) EXPECT_EQ(c.echo("turn"), "turn");
      return false;
    });
    ASSERT_TRUE(helped) << round << ": " << hooks[1]->slices.get();
  }
  EXPECT_EQ(hooks[0]->slices.get(), 0u);
  group_.request_stop();
  clients.clear();
  EXPECT_TRUE(group_.join());
}

TEST_P(WorkerGroupTest, SixteenConnectionsAreSpreadOverTheWorkers) {
  start(8);
  std::vector<Client> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(connect());
    ASSERT_EQ(clients.back().echo("x"), "x");
  }
  uint64_t most = 0;
  for (uint32_t i = 0; i < 8; ++i) most = std::max(most, group_.connections(i));
  EXPECT_LE(most, 3u);
}

TEST_P(WorkerGroupTest, OneUnixSocketServesAllWorkers) {
  const std::string path = testing::TempDir() + "sluice_group_" + std::to_string(getpid()) + ".sock";
  start(4, "unix://" + path);
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(Client::unix_path(path));
    ASSERT_TRUE(clients.back().ok());
    ASSERT_EQ(clients.back().echo("through a file"), "through a file");
  }
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(group_.connections(i), 3u);
  EXPECT_EQ(group_.handed_on(0), 9u);
  clients.clear();
  group_.request_stop();
  EXPECT_TRUE(group_.join());
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket file is removed at the end";
}

TEST_P(WorkerGroupTest, ManyShortConnections) {
  start(2);
  for (int i = 0; i < 500; ++i) {
    const Client c = connect();
    ASSERT_TRUE(c.ok());
    ASSERT_EQ(c.echo("once"), "once");
  }
  EXPECT_EQ(total(&EchoFigures::accepted), 500u);
  EXPECT_TRUE(wait_for([&] { return group_.connections(0) + group_.connections(1) == 0; }));
}

TEST_P(WorkerGroupTest, StopsListeningAtItsLimitAndGoesOnBelowIt) {
  options_.connections_max = 5;
  start(1);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(connect());
    ASSERT_EQ(clients.back().echo("in"), "in");
  }
  // Those above the limit wait, in the kernel's queue or here, and are served when there is room.
  std::vector<Client> above;
  for (int i = 0; i < 3; ++i) above.push_back(connect());
  ASSERT_EQ(clients[0].echo("still served"), "still served");
  EXPECT_LE(group_.connections(0), 5u);
  clients.clear();
  for (Client& client : above) EXPECT_EQ(client.echo("served later"), "served later");
  EXPECT_EQ(group_.refused(0), 0u);
  above.clear();
  EXPECT_TRUE(wait_for([&] {
    const Client again = connect();
    return again.ok() && again.echo("again") == "again";
  }));
}

TEST_P(WorkerGroupTest, AGracefulStopFinishesWhatIsInFlight) {
  start(2);
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(connect());
    ASSERT_EQ(clients.back().echo("before"), "before");
  }
  group_.request_stop();
  ASSERT_TRUE(wait_for([&] { return total(&EchoFigures::stops) == 2; }));
  const Client late = connect();
  EXPECT_FALSE(late.ok());
  EXPECT_TRUE(late.error() == ECONNREFUSED || late.error() == ECONNRESET) << late.error();
  for (const Client& c : clients) EXPECT_EQ(c.echo("after"), "after");
  clients.clear();
  EXPECT_TRUE(group_.join());
  EXPECT_EQ(total(&EchoFigures::aborts), 0u);
}

TEST_P(WorkerGroupTest, ConnectionsInTheAcceptQueueAreServedBeforeTheEnd) {
  // A full worker does not accept: what connects now stays in the kernel's queue until the stop empties it.
  options_.connections_max = 3;
  start(1);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    ASSERT_EQ(clients.back().echo("in"), "in");
  }
  std::vector<Client> queued;
  for (int i = 0; i < 3; ++i) queued.push_back(connect());
  clients.clear();
  group_.request_stop();
  for (const Client& c : queued) {
    ASSERT_TRUE(c.ok());
    EXPECT_EQ(c.echo("queued"), "queued");
  }
  queued.clear();
  EXPECT_TRUE(group_.join());
}

TEST_P(WorkerGroupTest, AStopIsBounded) {
  options_.stop_bound_ns = 50'000'000;
  start(2);
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(connect());
    ASSERT_EQ(clients.back().echo("x"), "x");
  }
  group_.request_stop();
  group_.request_stop();  // no effect
  EXPECT_TRUE(group_.join()) << "cut connections end by themselves after on_abort";
  EXPECT_EQ(total(&EchoFigures::aborts), 2u);
  EXPECT_EQ(clients[0].receive(1), "");
}

TEST_P(WorkerGroupTest, AStopIsBoundedEvenWhenConnectionsHang) {
  options_.stop_bound_ns = 10'000'000;
  ignore_abort_ = true;
  start(1);
  const Client client = connect();
  ASSERT_EQ(client.echo("x"), "x");
  group_.request_stop();
  EXPECT_FALSE(group_.join());
}

TEST_P(WorkerGroupTest, StartsAllOrNothing) {
  options_.workers = 2;
  options_.ring.buffers = 32'768;
  options_.ring.buffer_bytes = 2'000'000'000;  // 65 TB each: more than the address space leaves for the second
  figures_ = std::vector<EchoFigures>(2);
  auto listeners = Listeners::open({*parse_listen_address("127.0.0.1:0")}, {.workers = 2});
  ASSERT_TRUE(listeners.has_value());
  port_ = listeners->entries()[0].port;
  const auto started = group_.start(capabilities_, options_, std::move(*listeners),
                                    [this](uint32_t i) { return std::make_unique<EchoService>(figures_[i]); });
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().find("receive buffers"), std::string::npos) << started.error();
  EXPECT_FALSE(connect().ok()) << "the listeners are closed again";
}

INSTANTIATE_TEST_SUITE_P(Backends, WorkerGroupTest,
                         testing::Values(ring::BackendChoice::kIoUring, ring::BackendChoice::kEpoll),
                         [](const testing::TestParamInfo<ring::BackendChoice>& choice) {
                           return choice.param == ring::BackendChoice::kEpoll ? "epoll" : "io_uring";
                         });

}  // namespace
}  // namespace sluice::net::loop
