// What one connection may get done before another is served. Counts, no times: the worker's clock stands still, so that
// one small request makes the worker contended for good.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/net/conn/conn_fixture.h"

namespace sluice::net::conn {
namespace {

using Statuses = std::vector<int>;

// A small request of its own connection, answered.
ring::ClientId small_request(TestBed& bed) {
  const auto id = bed.connect();
  bed.send(id, post("/metrics/job/h", "small"));
  EXPECT_EQ(bed.statuses(id), (Statuses{200}));
  EXPECT_TRUE(bed.worker.contended());
  return id;
}

TEST(Fairness, AloneNothingIsContended) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/slices/3", "x") + get("/stream/300000"));
  EXPECT_FALSE(bed.worker.contended());
  bed.send(id, get("/-/ready"));
  EXPECT_TRUE(bed.worker.contended());
  bed.worker.advance(limits::kContentionNs);
  EXPECT_FALSE(bed.worker.contended());
}

TEST(Fairness, APipelineGetsItsShareOfATurnAndOthersAreServedInBetween) {
  TestBed bed(1, {}, patient_options(), {.buffers = 64, .buffer_bytes = 8192});
  const auto other = small_request(bed);
  const auto deep = bed.connect();
  std::string stream;
  for (int i = 0; i < 1'000; ++i) stream += post("/metrics/job/h", "deep");
  bed.fake_ring.client_send(deep, stream);
  // The first turn has a share among completions and one slice; the others a slice.
  size_t share = size_t{2} * limits::kRequestsPerTurn;
  size_t deep_done = 0;
  size_t others_asked = 1;
  for (int turns = 0; deep_done < 1'000; ++turns) {
    ASSERT_LT(turns, 10'000);
    bed.fake_ring.client_send(other, post("/metrics/job/h", "other"));
    ++others_asked;
    bed.worker.turn();
    const auto done = static_cast<size_t>(std::count(bed.handler.bodies.begin(), bed.handler.bodies.end(), "deep"));
    EXPECT_LE(done - deep_done, share);
    if (done > 0) share = limits::kRequestsPerTurn;
    deep_done = done;
    // In the same turn, or in the next when the pipeline's receive came first.
    const size_t others = bed.handler.bodies.size() - deep_done;
    EXPECT_GE(others + 1, others_asked);
  }
  bed.settle();
  EXPECT_EQ(bed.statuses(deep), Statuses(1'000, 200));
  EXPECT_GE(bed.worker.surplus, 1'000u / limits::kRequestsPerTurn / 2);
}

TEST(Fairness, APipelineOfUsualDepthLeavesInOneSend) {
  TestBed bed(1, {}, patient_options(), {.buffers = 64, .buffer_bytes = 8192});
  small_request(bed);
  const auto id = bed.connect();
  const uint64_t before = bed.connections.counters().sends;
  std::string stream;
  for (uint32_t i = 0; i < limits::kRequestsPerTurn; ++i) stream += post("/metrics/job/h", "x");
  bed.send(id, stream);
  EXPECT_EQ(bed.statuses(id), Statuses(limits::kRequestsPerTurn, 200));
  EXPECT_EQ(bed.connections.counters().sends, before + 1);
}

TEST(Fairness, AStreamIsSentInSmallPieces) {
  TestBed bed;
  small_request(bed);
  const auto id = bed.connect();
  bed.fake_ring.client_send(id, get("/stream/1000000"));
  size_t received = 0;
  size_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    bed.worker.turn();
    most = std::max(most, bed.client(id).received.size() - received);
    received = bed.client(id).received.size();
  }
  EXPECT_EQ(most, limits::kContendedSendBytes);
  const ReadResponses read = bed.responses(id);
  ASSERT_EQ(read.statuses(), (Statuses{200}));
  EXPECT_TRUE(read.responses[0].body == stream_text(1'000'000));
}

// The most that was made of so many streams, asked for at once, in one turn.
uint64_t most_made_in_a_turn(int streams) {
  TestBed bed(1, {}, patient_options(), {.buffers = 64, .buffer_bytes = 8192});
  for (int i = 0; i < streams; ++i) bed.fake_ring.client_send(bed.connect(), get("/stream/1000000"));
  uint64_t most = 0;
  for (int turns = 0; bed.handler.streamed < static_cast<uint64_t>(streams) * 1'000'000 && turns < 10'000; ++turns) {
    const uint64_t before = bed.handler.streamed;
    bed.worker.turn();
    most = std::max(most, bed.handler.streamed - before);
  }
  EXPECT_EQ(bed.handler.streamed, static_cast<uint64_t>(streams) * 1'000'000);
  return most;
}

TEST(Fairness, StreamsThatBeginAtOnceAreMadeOneInATurn) { EXPECT_EQ(most_made_in_a_turn(8), most_made_in_a_turn(1)); }

TEST(Fairness, ALargeBodyHasAContendedSliceFromItsFirstStep) {
  TestBed bed;
  small_request(bed);
  const auto id = bed.connect();
  bed.send(id, post("/metrics/job/h", std::string(limits::kContendedReceiveBytes + 1, 'b')));
  EXPECT_EQ(bed.statuses(id), (Statuses{200}));
  EXPECT_LE(bed.handler.slice_ns, limits::kContendedSliceNs);
}

TEST(Fairness, ALargeBodyIsReceivedInSmallPieces) {
  TestBed bed;
  small_request(bed);
  const auto id = bed.connect();
  const std::string body(500'000, 'b');
  bed.fake_ring.client_send(id, post("/metrics/job/h", body));
  size_t left = bed.client(id).to_server.size();
  size_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    bed.worker.turn();
    most = std::max(most, left - bed.client(id).to_server.size());
    left = bed.client(id).to_server.size();
  }
  EXPECT_EQ(most, limits::kContendedReceiveBytes);
  EXPECT_EQ(bed.statuses(id), (Statuses{200}));
  EXPECT_TRUE(bed.handler.bodies.back() == body);
}

// Among completions a connection unwraps one buffer of small chunks; the rest is done in slices.
TEST(Fairness, SmallChunksAreUnwrappedInSlices) {
  for (const size_t bytes : {size_t{500}, size_t{2'000}, size_t{20'000}}) {
    TestBed bed;
    const auto other = small_request(bed);
    const auto id = bed.connect();
    std::string body;
    std::string wire = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t i = 0; i < bytes; ++i) {
      body += static_cast<char>('a' + i % 26);
      wire += "1\r\n" + body.substr(i) + "\r\n";
    }
    bed.fake_ring.client_send(id, wire + "0\r\n\r\n" + get("/-/ready"));
    bed.worker.turn();
    bed.worker.turn();
    EXPECT_EQ(bed.handler.bodies.size(), 1u);
    bed.send(other, post("/metrics/job/h", "other"));
    EXPECT_EQ(bed.statuses(other), (Statuses{200, 200}));
    EXPECT_EQ(bed.statuses(id), (Statuses{200, 200}));
    EXPECT_EQ(std::count(bed.handler.bodies.begin(), bed.handler.bodies.end(), body), 1) << bytes;
  }
}

TEST(Fairness, NothingIsLostOnAnUnkindRing) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Options options;  // the real limits: slices end by the clock
    TestBed bed(seed, ring::FakeFaults::unkind(), options);
    const auto small = bed.connect();
    const auto deep = bed.connect();
    const auto chunks = bed.connect();
    const auto reader = bed.connect();
    std::string stream;
    for (int i = 0; i < 100; ++i) stream += post("/metrics/job/h", "deep");
    std::string wire = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 3'000; ++i) wire += "1\r\nc\r\n";
    bed.fake_ring.client_send(deep, stream);
    bed.fake_ring.client_send(chunks, wire + "0\r\n\r\n");
    bed.fake_ring.client_send(reader, get("/stream/200000"));
    for (int i = 0; i < 20; ++i) {
      bed.fake_ring.client_send(small, get("/-/ready"));
      bed.worker.turn();
    }
    bed.settle();
    EXPECT_EQ(bed.statuses(small), Statuses(20, 200)) << seed;
    EXPECT_EQ(bed.statuses(deep), Statuses(100, 200)) << seed;
    EXPECT_EQ(bed.statuses(chunks), (Statuses{200})) << seed;
    ASSERT_EQ(bed.statuses(reader), (Statuses{200})) << seed;
    EXPECT_TRUE(bed.responses(reader).responses[0].body == stream_text(200'000)) << seed;
  }
}

}  // namespace
}  // namespace sluice::net::conn
