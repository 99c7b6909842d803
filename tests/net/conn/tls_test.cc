// Connections that speak TLS, over the fake ring: the same answers as in plaintext, however the stream is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "tests/net/conn/tls_fixture.h"

namespace sluice::net::conn {
namespace {

using Statuses = std::vector<int>;

TEST(TlsConnection, AnswersInOrderInOneSend) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsBed bed;
    Peer peer(bed, version);
    peer.run();
    ASSERT_TRUE(peer.tls.connected());
    const uint64_t sends = bed.connections.counters().sends;
    peer.ask(post("/metrics/job/h", "a 1\n") + get("/-/ready") + get("/nothing"));
    EXPECT_EQ(peer.responses().statuses(), (Statuses{200, 200, 404}));
    EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{"a 1\n"}));
    EXPECT_EQ(bed.connections.counters().sends, sends + 1);
    EXPECT_FALSE(bed.client(peer.id).server_finished);
    // On the wire there is none of it.
    EXPECT_EQ(bed.client(peer.id).received.find("HTTP/1.1"), std::string::npos);
  }
}

TEST(TlsConnection, EverySplitGivesTheSameAnswers) {
  const std::string stream = post("/echo", "hello") + get("/-/ready");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const size_t piece : {1, 2, 3, 5, 6, 7, 64, 200}) {
      TlsBed bed;
      Peer peer(bed, version);
      peer.run(piece);
      peer.ask(stream, piece);
      ASSERT_EQ(peer.responses().statuses(), (Statuses{200, 200})) << piece;
      ASSERT_EQ(peer.responses().responses[0].body, "hello") << piece;
    }
  }
}

TEST(TlsConnection, LargeBodiesBothWaysOverAnUnkindRing) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    TlsBed bed(seed, ring::FakeFaults::unkind());
    Peer peer(bed, seed % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    peer.run();
    ASSERT_TRUE(peer.tls.connected()) << seed;
    exchange_large(peer, seed);
    EXPECT_EQ(bed.connections.counters().bodies_direct, 0u);  // ciphertext is never received into a body
  }
}

TEST(TlsConnection, TheLastAnswerIsFollowedByACloseNotify) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  peer.ask("GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
  EXPECT_TRUE(peer.tls.ended);
  EXPECT_TRUE(bed.client(peer.id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kAnswered), 1u);
}

TEST(TlsConnection, ABrokenStreamIsNotFollowedByOne) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  peer.ask(get("/broken/100"));
  EXPECT_FALSE(peer.tls.ended);
  EXPECT_TRUE(bed.client(peer.id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kBroken), 1u);
}

TEST(TlsConnection, AClientsCloseNotifyEndsIt) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  peer.tls.write(get("/-/ready"));
  peer.tls.close_notify();
  peer.run();
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
  EXPECT_TRUE(peer.tls.ended);
  EXPECT_EQ(bed.closed(CloseReason::kClient), 1u);
}

TEST(TlsConnection, HttpOnItIsAnsweredInPlaintext) {
  for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE /metrics/job/x HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    TlsBed bed;
    const auto id = bed.connect();
    bed.send(id, std::string_view(text).substr(0, 3));
    EXPECT_EQ(bed.client(id).received, "");
    bed.send(id, std::string_view(text).substr(3));
    EXPECT_EQ(bed.client(id).received,
              "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    EXPECT_EQ(bed.handler.refused, (std::vector<int>{400}));
    EXPECT_EQ(bed.handler.heads, 0u);
    bed.advance(limits::kLingerNs + 100'000'000);
    EXPECT_TRUE(bed.client(id).server_closed);
    EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
  }
}

TEST(TlsConnection, GarbageIsNotAnswered) {
  TlsBed bed;
  const auto id = bed.connect();
  bed.send(id, "this is neither TLS nor HTTP");
  EXPECT_EQ(bed.client(id).received, "");
  EXPECT_TRUE(bed.client(id).server_finished);
  bed.advance(limits::kLingerNs + 100'000'000);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
}

TEST(TlsConnection, ABrokenHandshakeGetsAnAlert) {
  TlsBed bed;
  const auto id = bed.connect();
  bed.send(id, std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff", 10));  // a hello of one byte
  ASSERT_EQ(bed.client(id).received.size(), 7u);
  EXPECT_EQ(bed.client(id).received[0], 21);  // alert
  EXPECT_EQ(bed.client(id).received[5], 2);   // fatal
  bed.advance(limits::kLingerNs + 100'000'000);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
}

TEST(TlsConnection, AChangedRecordEndsItInTheMiddleOfABody) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  peer.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
  peer.tls.write("world");
  std::string record = peer.tls.take_output();
  record.back() ^= 1;
  bed.send(peer.id, record);
  peer.run();
  EXPECT_TRUE(peer.tls.failed);
  EXPECT_EQ(peer.responses().statuses(), Statuses{});
  EXPECT_EQ(bed.handler.finished, (std::vector<TestHandler::Finished>{{200, false}}));
  bed.advance(limits::kLingerNs + 100'000'000);
  EXPECT_EQ(bed.closed(CloseReason::kTls), 1u);
}

TEST(TlsConnection, AHandshakeHasTheTimeOfAHead) {
  TlsBed bed;
  const auto silent = bed.connect();
  Peer slow(bed);
  bed.send(slow.id, slow.tls.take_output().substr(0, 50));
  bed.advance(limits::kHeadDeadlineNs - 1'000'000'000);
  EXPECT_FALSE(bed.client(slow.id).server_closed);
  bed.send(slow.id, "x");  // a byte more is no more time
  bed.advance(2'000'000'000);
  EXPECT_TRUE(bed.client(slow.id).server_closed);
  EXPECT_TRUE(bed.client(silent).server_closed);
  EXPECT_EQ(bed.client(silent).received, "");
  EXPECT_EQ(bed.closed(CloseReason::kTimeout) + bed.closed(CloseReason::kTls), 2u);
}

TEST(TlsConnection, AnIdleOneStaysOpenAfterItsHandshake) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  bed.advance(limits::kHeadDeadlineNs * 3);
  EXPECT_FALSE(bed.client(peer.id).server_finished);
  peer.ask(get("/-/ready"));
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200}));
}

// Each question for new keys is answered at once. Who does not read the answers is not read any more either.
TEST(TlsConnection, AFloodOfKeyUpdatesIsBounded) {
  Options options = patient_options();
  options.pending_bytes_max = 4096;
  TlsBed bed(1, {}, options);
  Peer peer(bed);
  peer.run();
  peer.ask(get("/-/ready"));
  const size_t taken = bed.client(peer.id).received.size();
  bed.client(peer.id).window = 0;
  constexpr size_t kUpdates = 2'000;
  for (size_t i = 0; i < kUpdates; ++i) {
    peer.tls.ask_for_keys();
    if (i % 50 == 49) bed.send(peer.id, peer.tls.take_output());
  }
  EXPECT_GT(bed.client(peer.id).to_server.size(), kUpdates * 20 / 2);
  bed.client(peer.id).window = SIZE_MAX;
  bed.settle();
  EXPECT_EQ(bed.client(peer.id).to_server, "");
  EXPECT_GT(bed.client(peer.id).received.size(), taken + kUpdates * 20);  // each was answered
  peer.run();
  peer.ask(get("/-/ready"));
  EXPECT_EQ(peer.responses().statuses(), (Statuses{200, 200}));
}

TEST(TlsConnection, AStopSaysSo) {
  TlsBed bed;
  Peer peer(bed);
  peer.run();
  peer.ask(get("/-/ready"));
  bed.worker.stop();
  bed.settle();
  peer.run();
  EXPECT_TRUE(peer.tls.ended);
  EXPECT_EQ(bed.closed(CloseReason::kStop), 1u);
}

TEST(TlsConnection, WithoutMemoryItIsClosed) {
  TlsBed bed;
  bed.source.no_memory = true;
  const auto id = bed.connect();
  bed.settle();
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kError), 1u);
}

}  // namespace
}  // namespace sluice::net::conn
