// The fake keeps the contract it lets others be tested against: an echo server over it, under every fault, with many
// seeds; and it aborts on what breaks the contract.
#include "tests/net/ring/fake_ring.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sluice::net::ring {
namespace {

enum Kind : uint8_t { kAcceptKind = 1, kReceiveKind = 2, kSendKind = 3 };

// The smallest correct owner of a ring: echoes, parks, re-arms, cancels before it closes.
class Echo final : public CompletionHandler {
 public:
  Echo(FakeRing& ring, int listener) : ring_(ring), listener_(listener) { accept(); }

  void on_completion(const Completion& c) override {
    if (c.op == Op::kAccept) return on_accept(c);
    Connection& connection = connections_.at(c.token.id());
    if (c.op == Op::kReceive) return on_receive(connection, c);
    connection.sending = false;
    if (c.result < 0) {
      connection.ending = true;
    } else {
      connection.pending.erase(0, static_cast<size_t>(c.result));
    }
    go_on(connection);
  }
  // As a worker does at the end of a turn.
  void rearm() {
    if (accept_parked_) accept();
    for (auto& [id, connection] : connections_) {
      if (connection.parked && ring_.buffers_free() > 0) receive(connection);
    }
  }
  [[nodiscard]] size_t open() const { return connections_.size(); }

 private:
  struct Connection {
    uint32_t id;
    int socket;
    std::string pending;
    bool receiving = false;
    bool parked = false;
    bool sending = false;
    bool ending = false;
    bool at_end = false;
  };

  void accept() {
    accept_parked_ = false;
    ring_.accept_multishot(listener_, Token::make(kAcceptKind, 0, 0));
  }
  void receive(Connection& c) {
    c.parked = false;
    c.receiving = true;
    ring_.receive_multishot(c.socket, Token::make(kReceiveKind, c.id, 1));
  }
  void on_accept(const Completion& c) {
    const Next next = next_of(c);
    if (c.result >= 0) {
      const uint32_t id = ++ids_;
      Connection& connection = connections_[id];
      connection.id = id;
      connection.socket = c.result;
      receive(connection);
    }
    if (next == Next::kRearm) accept();
    if (next == Next::kPark) accept_parked_ = true;
  }
  void on_receive(Connection& connection, const Completion& c) {
    if (c.buffer != kNoBuffer) {
      connection.pending.append(c.data, static_cast<size_t>(c.result));
      ring_.give_back(c.buffer);
    }
    const Next next = next_of(c);
    connection.receiving = next == Next::kKeep;
    if (next == Next::kRearm) receive(connection);
    if (next == Next::kPark) connection.parked = true;
    if (next == Next::kClosed) {
      connection.at_end = true;
      connection.ending = connection.ending || c.result < 0;
    }
    go_on(connection);
  }
  void go_on(Connection& c) {
    if (!c.sending && !c.pending.empty() && !c.ending) {
      c.sending = true;
      in_flight_[c.id] = c.pending;  // the memory must not change before the completion
      ring_.send(c.socket, in_flight_[c.id].data(), in_flight_[c.id].size(), Token::make(kSendKind, c.id, 1));
      return;
    }
    if (c.ending && c.receiving && !c.at_end) {
      ring_.cancel(c.socket, Op::kReceive, Token::make(kReceiveKind, c.id, 1));
      return;
    }
    const bool finished = c.ending || (c.at_end && c.pending.empty());
    if (finished && !c.sending && !c.receiving) {
      ring_.close(c.socket);
      connections_.erase(c.id);
    }
  }

  FakeRing& ring_;
  int listener_;
  std::map<uint32_t, Connection> connections_;
  std::map<uint32_t, std::string> in_flight_;
  uint32_t ids_ = 0;
  bool accept_parked_ = false;
};

TEST(FakeRing, AnEchoServerSurvivesEveryFault) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FakeFaults faults = FakeFaults::unkind();
    if (seed % 3 == 0) faults.reset = 2;
    FakeRing ring(seed, faults, {.buffers = 4, .buffer_bytes = 64});
    const int listener = ring.make_listener();
    Echo echo(ring, listener);
    std::map<ClientId, std::string> sent;
    for (int i = 0; i < 10; ++i) {
      const ClientId id = ring.client_connect_to(listener);
      for (int part = 0; part < 20; ++part) sent[id] += std::to_string(seed * 1000 + static_cast<uint64_t>(part)) + ";";
      ring.client_send(id, sent[id]);
      ring.client_finish(id);
    }
    for (int turn = 0; turn < 100'000 && (turn < 10 || !ring.quiet() || echo.open() > 0); ++turn) {
      ring.turn(-1, echo);
      echo.rearm();
    }
    EXPECT_EQ(echo.open(), 0u);
    for (const auto& [id, bytes] : sent) {
      const FakeRing::Client& client = ring.client(id);
      EXPECT_TRUE(client.server_closed);
      if (client.reset) {
        EXPECT_TRUE(bytes.starts_with(client.received));
      } else {
        EXPECT_EQ(client.received, bytes);
      }
    }
    ring.abandon();  // the accept is still armed; buffers are home all the same
    EXPECT_EQ(ring.buffers_free(), ring.buffers_total());
  }
}

TEST(FakeRingDeathTest, AbortsOnABrokenContract) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  FakeRing ring(1);
  const ClientId id = ring.client_connect();
  const int socket = ring.client(id).descriptor;
  ring.receive_multishot(socket, Token::make(1, 0, 0));
  EXPECT_DEATH(ring.close(socket), "in_flight_on");
  std::array<char, 10> memory{};
  EXPECT_DEATH(ring.receive_into(socket, memory.data(), memory.size(), Token::make(2, 0, 0)), "reads");
  class Nobody : public CompletionHandler {
    void on_completion(const Completion&) override {}
  } nobody;
  ring.send(socket, memory.data(), memory.size(), Token::make(3, 0, 0));
  memory[3] = 'x';
  EXPECT_DEATH(ring.turn(0, nobody), "checked");
  memory[3] = 0;
  ring.turn(0, nobody);
}

}  // namespace
}  // namespace sluice::net::ring
