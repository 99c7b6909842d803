// Connections that speak TLS, over the fake ring, and their clients.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls/source.h"
#include "tests/net/conn/conn_fixture.h"
#include "tests/net/tls/test_tls.h"

namespace sluice::net::conn {

class TestSource final : public tls::Source {
 public:
  std::unique_ptr<tls::Session> open(const tls::KernelTls* kernel) override {
    return no_memory ? nullptr : tls::Session::make(context_, kernel);
  }
  bool no_memory = false;

 private:
  tls::TicketKeys tickets_;
  std::shared_ptr<const tls::Context> context_ = *tls::Context::make(tls::server_settings(), tickets_);
};

class TlsBed : public TestBed {
 public:
  explicit TlsBed(uint64_t seed = 1, ring::FakeFaults faults = {}, Options options = patient_options(),
                  const tls::KernelTls* kernel = nullptr)
      : TestBed(seed, faults, options) {
    connections.set_tls(source, kernel);
  }
  ~TlsBed() { finish(); }
  TlsBed(const TlsBed&) = delete;
  TlsBed& operator=(const TlsBed&) = delete;

  TestSource source;
};

// A client and its connection.
class Peer {
 public:
  explicit Peer(TlsBed& bed, int version = TLS1_3_VERSION) : Peer(bed, tls::TestClientOptions{.version = version}) {}
  Peer(TlsBed& bed, const tls::TestClientOptions& options) : id(bed.connect()), tls(options), bed_(bed) {}

  // Everything that either has to say, in pieces of at most `piece` bytes.
  void run(size_t piece = SIZE_MAX) {
    for (;;) {
      const std::string out = tls.take_output();
      for (size_t at = 0; at < out.size(); at += piece) bed_.send(id, std::string_view(out).substr(at, piece));
      bed_.settle();
      const std::string& received = bed_.client(id).received;
      if (out.empty() && taken_ == received.size()) return;
      tls.receive(std::string_view(received).substr(taken_));
      taken_ = received.size();
    }
  }
  void ask(std::string_view plaintext, size_t piece = SIZE_MAX) {
    tls.write(plaintext);
    run(piece);
  }
  [[nodiscard]] ReadResponses responses() { return read_responses(tls.received, false, tls.ended); }

  const ring::ClientId id;
  tls::TestClient tls;

 private:
  TlsBed& bed_;
  size_t taken_ = 0;
};

// Bodies of many records both ways, and a small one behind them.
inline void exchange_large(Peer& peer, uint64_t seed) {
  const std::string body = stream_text(150'000);
  peer.ask(post("/echo", body) + get("/stream/200000") + get("/-/ready"));
  const ReadResponses read = peer.responses();
  ASSERT_EQ(read.statuses(), (std::vector<int>{200, 200, 200})) << seed;
  ASSERT_EQ(read.responses[0].body, body) << seed;
  ASSERT_EQ(read.responses[1].body, stream_text(200'000)) << seed;
}

}  // namespace sluice::net::conn
