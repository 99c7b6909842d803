// What only a kernel shows: early errors against a client that is still sending, large bodies, many clients, stop.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/net/conn/conn_fixture.h"
#include "tests/net/conn/real_server.h"

namespace sluice::net::conn {
namespace {

class ConnectionForReal : public OnBothBackends {};

const auto kToTheEnd = [] { return false; };

TEST_P(ConnectionForReal, EarlyErrorsReachAClientThatIsStillSending) {
  start();
  if (IsSkipped()) return;
  const std::string ballast(2'000'000, 'x');
  const std::pair<std::string, int> cases[] = {
      {"nonsense\r\n\r\n" + ballast, 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + ballast, 431},
      {"GET /" + ballast, 414},
      {"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + ballast, 413},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + ballast, 400},
      {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + ballast, 404},
  };
  for (const auto& [stream, status] : cases) {
    Client client(server_.port);
    client.send(stream);
    EXPECT_TRUE(client.read_until(kToTheEnd));
    const ReadResponses read = read_responses(client.received, false, true);
    ASSERT_EQ(read.responses.size(), 1u) << status;
    EXPECT_EQ(read.responses[0].status, status);
    EXPECT_TRUE(read.responses[0].complete);
    EXPECT_FALSE(client.reset) << status << ": a reset may overtake the answer";
  }
  EXPECT_TRUE(server_.stop());
}

TEST_P(ConnectionForReal, LargeBodies) {
  start();
  if (IsSkipped()) return;
  const std::string body = stream_text(20'000'000);
  Client client(server_.port);
  client.send(post("/metrics/job/h", body));
  client.send("POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (size_t at = 0; at < body.size(); at += 0x10000) {
    const std::string piece = body.substr(at, 0x10000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    client.send(size + piece + "\r\n");
  }
  client.send("0\r\n\r\n" + get("/-/ready"));
  client.finish();
  EXPECT_TRUE(client.read_until(kToTheEnd));
  EXPECT_EQ(read_responses(client.received, false, true).statuses(), (std::vector<int>{200, 200, 200}));
  EXPECT_TRUE(server_.stop());
  ASSERT_EQ(server_.remains.handler.bodies.size(), 2u);
  EXPECT_TRUE(server_.remains.handler.bodies[0] == body);
  EXPECT_TRUE(server_.remains.handler.bodies[1] == body);
  EXPECT_EQ(server_.remains.bodies_direct, 2u);
}

TEST_P(ConnectionForReal, LargeStream) {
  start();
  if (IsSkipped()) return;
  Client client(server_.port);
  client.send(get("/stream/20000000"));
  client.finish();
  EXPECT_TRUE(client.read_until(kToTheEnd));
  const ReadResponses read = read_responses(client.received, false, true);
  ASSERT_EQ(read.statuses(), (std::vector<int>{200}));
  EXPECT_TRUE(read.responses[0].body == stream_text(20'000'000));
}

// More connections than provided buffers, each with pipelined requests of every kind.
TEST_P(ConnectionForReal, ManyClientsAtOnce) {
  start();
  if (IsSkipped()) return;
  constexpr int kThreads = 4;
  constexpr int kClientsEach = 32;
  std::vector<std::thread> threads;
  std::array<int, kThreads> good{};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<Client>> clients;
      for (int i = 0; i < kClientsEach; ++i) clients.push_back(std::make_unique<Client>(server_.port));
      const std::string large = stream_text(50'000);
      for (auto& client : clients) client->send(post("/echo", "a") + get("/stream/3000") + post("/slices/3", "b"));
      for (auto& client : clients) client->send(post("/echo", large) + get("/nothing"));
      for (auto& client : clients) {
        client->finish();
        if (!client->read_until(kToTheEnd)) continue;
        const ReadResponses read = read_responses(client->received, false, true);
        const bool right = read.statuses() == std::vector<int>{200, 200, 200, 200, 404} &&
                           read.responses[0].body == "a" && read.responses[3].body == large;
        good[static_cast<size_t>(t)] += right ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : good) EXPECT_EQ(count, kClientsEach);
  EXPECT_TRUE(server_.stop());
  EXPECT_EQ(server_.remains.accepted, uint64_t{kThreads * kClientsEach});
  EXPECT_EQ(server_.remains.handler.finished.size(), server_.remains.handler.heads);
}

TEST_P(ConnectionForReal, StopFinishesWhatIsInFlight) {
  start();
  if (IsSkipped()) return;
  Client idle(server_.port);
  idle.send(get("/-/ready"));
  EXPECT_TRUE(idle.read_until([&] { return idle.received.ends_with("OK"); }));
  Client busy(server_.port);
  busy.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_TRUE(busy.read_until([&] { return busy.received.ends_with("\r\n\r\n"); }));
  std::thread stopping([&] { EXPECT_TRUE(server_.stop()); });
  EXPECT_TRUE(idle.read_until(kToTheEnd));  // so the stop has begun
  busy.send("body");
  EXPECT_TRUE(busy.read_until(kToTheEnd));
  stopping.join();
  const ReadResponses read = read_responses(busy.received, false, true);
  EXPECT_EQ(read.statuses(), (std::vector<int>{100, 200}));
  EXPECT_NE(busy.received.find("Connection: close\r\n"), std::string::npos);
}

// A crowd that connects and says nothing: the last of it fills the table, and no event follows that would make room.
TEST_P(ConnectionForReal, SilentConnectionsMakeRoomForOthers) {
  start({}, 8);
  if (IsSkipped()) return;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Client>> silent;
    for (int i = 0; i < 25; ++i) silent.push_back(std::make_unique<Client>(server_.port));
    Client other(server_.port);
    other.send(get("/-/ready"));
    ASSERT_TRUE(other.read_until([&] { return other.received.ends_with("OK"); })) << "round " << round;
  }
  EXPECT_TRUE(server_.stop());
}

INSTANTIATE_TEST_SUITE_P(Backends, ConnectionForReal,
                         testing::Values(ring::BackendChoice::kIoUring, ring::BackendChoice::kEpoll), backend_name);

}  // namespace
}  // namespace sluice::net::conn
