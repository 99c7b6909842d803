// Connections over the fake ring and the fake worker, with TestHandler behind them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/base/limits.h"
#include "net/conn/connections.h"
#include "tests/net/conn/response_reader.h"
#include "tests/net/conn/test_handler.h"
#include "tests/net/loop/fake_worker.h"
#include "tests/net/ring/fake_ring.h"

namespace sluice::net::conn {

inline constexpr ring::RingOptions kTestRing{.buffers = 16, .buffer_bytes = 1024};

// A loaded machine must not push requests into slices where a test counts sends.
inline Options patient_options() {
  Options options;
  options.inline_ns = 3'600'000'000'000;
  return options;
}

// One server and its clients. Every buffer must be home and every slot free at the end.
class TestBed {
 public:
  explicit TestBed(uint64_t seed = 1, ring::FakeFaults faults = {}, Options options = patient_options(),
                   ring::RingOptions ring_options = kTestRing)
      : fake_ring(seed, faults, ring_options), worker(fake_ring), connections(handler, options) {
    worker.start(connections);
  }
  TestBed(const TestBed&) = delete;
  TestBed& operator=(const TestBed&) = delete;
  ~TestBed() { finish(); }

  // Ends everything that is left and checks that nothing is.
  void finish() {
    if (finished_) return;
    finished_ = true;
    connections.on_abort();
    for (int i = 0; i < 10'000 && worker.connections() > 0; ++i) worker.turn();
    EXPECT_EQ(worker.connections(), 0u);
    EXPECT_EQ(connections.counters().open, 0u);
    EXPECT_EQ(fake_ring.in_flight(), 0u);
    EXPECT_EQ(fake_ring.buffers_free(), fake_ring.buffers_total());
    EXPECT_EQ(worker.timers(), 0u);
    EXPECT_EQ(worker.runnables(), 0u);
    EXPECT_EQ(handler.alive_states, 0);
    // Every head that reached the handler has come to an end.
    EXPECT_EQ(handler.finished.size(), handler.heads);
    connections.on_end();
  }

  ring::ClientId connect() {
    const ring::ClientId id = fake_ring.client_connect();
    worker.connect({.socket = fake_ring.client(id).descriptor});
    return id;
  }
  // Turns until nothing happens any more.
  void settle() {
    for (int quiet = 0, turns = 0; quiet < 20; ++turns) {
      const uint32_t dispatched = worker.turn();
      quiet = dispatched == 0 && worker.runnables() == 0 && fake_ring.quiet() ? quiet + 1 : 0;
      ASSERT_LT(turns, 2'000'000);
    }
  }
  void send(ring::ClientId id, std::string_view bytes) {
    fake_ring.client_send(id, bytes);
    settle();
  }
  void advance(int64_t duration_ns) {
    worker.advance(duration_ns);
    settle();
  }
  [[nodiscard]] ring::FakeRing::Client& client(ring::ClientId id) { return fake_ring.client(id); }
  [[nodiscard]] ReadResponses responses(ring::ClientId id, bool head_first = false) {
    return read_responses(client(id).received, head_first, client(id).server_finished);
  }
  [[nodiscard]] std::vector<int> statuses(ring::ClientId id) { return responses(id).statuses(); }
  [[nodiscard]] uint64_t closed(CloseReason reason) const {
    return connections.counters().closed[static_cast<size_t>(reason)];
  }

  ring::FakeRing fake_ring;
  loop::FakeWorker worker;
  TestHandler handler;
  Connections connections;

 private:
  bool finished_ = false;
};

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
inline std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace sluice::net::conn
