// kTLS with a kernel that is played: every byte that a client reads was sealed with the keys that OpenSSL handed over,
// in the order and as the kind of record that it meant.
#include <gtest/gtest.h>

#include <linux/tls.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/conn/tls_fixture.h"
#include "tests/net/tls/fake_kernel.h"

namespace sluice::net::conn {
namespace {

using Statuses = std::vector<int>;

// Must be there before the connections are.
struct WithKernel {
  tls::FakeKernel kernel;
};

class KernelBed : public WithKernel, public TlsBed {
 public:
  explicit KernelBed(uint64_t seed = 1, ring::FakeFaults faults = {}, Options options = patient_options())
      : TlsBed(seed, faults, options, &kernel) {
    kernel.begun = [this](int socket, std::shared_ptr<tls::RecordSealer> sealer) {
      fake_ring.client_of(socket).seal = [sealer](uint8_t type, std::string_view plaintext) {
        return sealer->seal(type, plaintext);
      };
    };
  }
};

constexpr std::array kVersions = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST(KernelTls, AnswersAndNotices) {
  for (const int version : kVersions) {
    KernelBed bed;
    Peer peer(bed, version);
    peer.run();
    ASSERT_TRUE(peer.tls.connected());
    ASSERT_EQ(bed.kernel.sockets, 1);
    const uint64_t sends = bed.connections.counters().sends;
    peer.ask(post("/metrics/job/h", "a 1\n") + get("/-/ready") + get("/nothing"));
    EXPECT_EQ(peer.responses().statuses(), (Statuses{200, 200, 404}));
    EXPECT_EQ(bed.connections.counters().sends, sends + 1);
    EXPECT_EQ(bed.client(peer.id).received.find("HTTP/1.1"), std::string::npos);
    peer.ask("GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(peer.tls.ended);  // by an alert, which is no data
    EXPECT_FALSE(peer.tls.failed);
    EXPECT_EQ(bed.closed(CloseReason::kAnswered), 1u);
  }
}

TEST(KernelTls, EveryCipher) {
  for (const int version : kVersions) {
    for (const char* const suites : {"AES128-GCM", "AES256-GCM", "CHACHA20"}) {
      KernelBed bed;
      Peer peer(bed, {.version = version, .suites = suites});
      peer.run();
      peer.ask(post("/echo", stream_text(40'000)));
      ASSERT_EQ(peer.responses().statuses(), (Statuses{200})) << version << suites;
      EXPECT_EQ(peer.responses().responses[0].body, stream_text(40'000));
      EXPECT_EQ(bed.kernel.sockets, 1) << version << suites;
    }
  }
}

TEST(KernelTls, WhatItDoesNotTakeOpensslSeals) {
  for (const int version : kVersions) {
    KernelBed bed;
    bed.kernel.ciphers = {TLS_CIPHER_AES_GCM_256};
    Peer peer(bed, {.version = version, .suites = "AES128-GCM"});
    peer.run();
    peer.ask(get("/-/ready"));
    EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
    EXPECT_EQ(bed.kernel.sockets, 0);
  }
}

TEST(KernelTls, LargeBodiesBothWaysOverAnUnkindRing) {
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    KernelBed bed(seed, ring::FakeFaults::unkind());
    Peer peer(bed, kVersions[seed % 2]);
    peer.run();
    ASSERT_TRUE(peer.tls.connected()) << seed;
    exchange_large(peer, seed);
    ASSERT_EQ(bed.kernel.sockets, 1) << seed;
    ASSERT_FALSE(peer.tls.failed) << seed;
  }
}

// Tickets are records of the handshake behind the key.
TEST(KernelTls, SessionsAreResumed) {
  for (const int version : kVersions) {
    KernelBed bed(3, ring::FakeFaults::unkind());
    Peer first(bed, version);
    first.run();
    first.ask(get("/-/ready"));
    Peer second(bed, {.version = version, .session = first.tls.session()});
    second.run();
    second.ask(get("/-/ready"));
    EXPECT_EQ(second.responses().statuses(), (Statuses{200}));
    EXPECT_TRUE(second.tls.resumed()) << version;
    EXPECT_EQ(bed.kernel.sockets, 2);
  }
}

TEST(KernelTls, WhoAsksForNewKeysIsCutOff) {
  KernelBed bed;
  Peer peer(bed);
  peer.run();
  peer.ask(get("/-/ready"));
  peer.tls.ask_for_keys();
  peer.run();
  EXPECT_TRUE(bed.client(peer.id).server_finished);
  bed.fake_ring.client_finish(peer.id);
  bed.settle();
  EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
}

TEST(KernelTls, ASocketThatTakesNoKeyIsSealedByOpenssl) {
  KernelBed bed;
  bed.kernel.attaches = false;
  Peer peer(bed);
  peer.run();
  peer.ask(get("/-/ready"));
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
  EXPECT_EQ(bed.kernel.sockets, 0);
}

// A client of TLS 1.2 may ask before it has seen the end of the handshake: its answers wait behind the key.
TEST(KernelTls, NothingIsSentAsItIsWhenTheKeyIsRefused) {
  tls::FakeKernel kernel;
  kernel.error = -ENOTCONN;
  tls::TicketKeys tickets;
  const auto session = tls::Session::make(*tls::Context::make(tls::server_settings(), tickets), &kernel);
  tls::TestClient client({.version = TLS1_2_VERSION});
  session->receive(client.take_output());
  session->handshake();
  client.receive(std::exchange(session->to_send(), {}));
  session->receive(client.take_output());
  session->handshake();
  ASSERT_EQ(session->state(), tls::Session::State::kOpen);
  const auto key = std::ranges::find(session->send_marks(), tls::SendMark::kKey, &tls::SendMark::record_type);
  ASSERT_NE(key, session->send_marks().end());
  const size_t before_key = key->at;

  ring::FakeRing fake(1);
  const int socket = fake.client(fake.client_connect()).descriptor;
  Outbox outbox;
  outbox.set_session(session.get());
  ASSERT_TRUE(outbox.flush(fake, socket, {}));
  ASSERT_EQ(fake.in_flight(), 1u);
  outbox.pending() = "HTTP/1.1 200 OK";
  EXPECT_FALSE(outbox.on_sent(before_key, fake, socket, {}));
  EXPECT_TRUE(outbox.broken());
  EXPECT_FALSE(outbox.flush(fake, socket, {}));
  EXPECT_EQ(fake.in_flight(), 1u);
  fake.abandon();
}

TEST(KernelTls, AKeyThatIsRefusedEndsTheConnection) {
  for (const int version : kVersions) {
    KernelBed bed;
    bed.kernel.error = -ENOMEM;
    Peer peer(bed, version);
    peer.run();
    EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
    EXPECT_EQ(bed.client(peer.id).received.find("HTTP/1.1"), std::string::npos);
    // The slot's next connection is as good as any.
    bed.kernel.error = 0;
    Peer next(bed, version);
    next.run();
    next.ask(get("/-/ready"));
    EXPECT_EQ(next.responses().statuses(), (Statuses{200}));
  }
}

TEST(KernelTls, ABrokenHandshakeGetsAnAlert) {
  KernelBed bed;
  Peer peer(bed, {.version = TLS1_3_VERSION, .protocols = {"h2"}});
  peer.run();
  EXPECT_TRUE(peer.tls.failed);
  EXPECT_FALSE(bed.client(peer.id).received.empty());
}

}  // namespace
}  // namespace sluice::net::conn
