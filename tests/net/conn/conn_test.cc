// Requests and answers of one connection over the fake ring: order, coalescing, bodies, 100-continue, slices, streams.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/net/conn/conn_fixture.h"

namespace sluice::net::conn {
namespace {

using Statuses = std::vector<int>;
using Finished = TestHandler::Finished;

TEST(Connection, AnswersInOrderInOneSend) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/metrics/job/h", "a 1\n") + get("/-/ready") + post("/metrics/job/h", "b 2\n") + get("/nothing"));
  const ReadResponses read = bed.responses(id);
  EXPECT_EQ(read.statuses(), (Statuses{200, 200, 200, 404}));
  EXPECT_EQ(read.responses[0].body, "");
  EXPECT_EQ(read.responses[1].body, "OK");
  EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{"a 1\n", "b 2\n"}));
  EXPECT_EQ(bed.connections.counters().sends, 1u);
  EXPECT_FALSE(bed.client(id).server_finished);
}

TEST(Connection, AnswerCarriesDateAndLength) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/metrics/job/h", "a 1\n"));
  const std::string head = bed.responses(id).responses.at(0).head;
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_NE(head.find("Date: "), std::string::npos);
  EXPECT_NE(head.find(" GMT\r\nContent-Length: 0\r\n"), std::string::npos) << head;
}

TEST(Connection, EverySplitGivesTheSameAnswers) {
  const std::string stream = post("/echo", "hello") +
                             "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                             "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n" + get("/-/ready");
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    TestBed bed;
    const auto id = bed.connect();
    bed.send(id, std::string_view(stream).substr(0, cut));
    bed.send(id, std::string_view(stream).substr(cut));
    const ReadResponses read = bed.responses(id);
    ASSERT_EQ(read.statuses(), (Statuses{200, 200, 200})) << cut;
    ASSERT_EQ(read.responses[0].body, "hello") << cut;
    ASSERT_EQ(read.responses[1].body, "abcde") << cut;
  }
}

TEST(Connection, KeepsHttp10OnlyWhenAsked) {
  TestBed bed;
  const auto one = bed.connect();
  bed.send(one, "GET /-/ready HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(bed.client(one).server_closed);
  EXPECT_TRUE(bed.client(one).received.starts_with("HTTP/1.0 200 OK\r\n"));
  const auto two = bed.connect();
  bed.send(two, "GET /-/ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(bed.client(two).server_finished);
  EXPECT_NE(bed.client(two).received.find("Connection: keep-alive\r\n"), std::string::npos);
}

// Three connections with one push each, as a fleet sends them.
TEST(Connection, HeadsThatRepeatAreKnownToAllConnections) {
  TestBed bed;
  for (size_t push = 1; push <= 4; ++push) {
    const auto id = bed.connect();
    bed.send(id, post("/metrics/job/h", std::string(push * 50, 'b'), "Connection: close\r\nCookie: a\r\n"));
    EXPECT_EQ(bed.statuses(id), Statuses{200});
    EXPECT_TRUE(bed.client(id).server_closed);
    EXPECT_EQ(bed.handler.bodies.back(), std::string(push * 50, 'b'));
    EXPECT_EQ(bed.connections.counters().repeated, push <= 2 ? 0 : push - 2);
    EXPECT_EQ(bed.connections.counters().requests, push);
  }
  // The body of a known head may come later, in pieces, and be refused.
  const auto slow = bed.connect();
  const std::string late = post("/small", std::string(10, 'x'), "Connection: close\r\nCookie: bb\r\n");
  bed.send(slow, std::string_view(late).substr(0, late.size() - 7));
  EXPECT_EQ(bed.fake_ring.buffers_free(), bed.fake_ring.buffers_total());
  bed.send(slow, std::string_view(late).substr(late.size() - 7));
  EXPECT_EQ(bed.statuses(slow), Statuses{200});
  const auto large = bed.connect();
  bed.send(large, post("/small", std::string(11, 'x'), "Connection: close\r\nCookie: \r\n"));
  bed.send(large, "");
  EXPECT_EQ(bed.statuses(large), Statuses{413});
  EXPECT_EQ(bed.connections.counters().repeated, 3u);
}

// ---- Bodies ---------------------------------------------------------------------------------------------------------

TEST(Connection, BodyThatFitsIsNotCopied) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/metrics/job/h", std::string(500, 'b')));
  bed.send(id, "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n");
  EXPECT_EQ(bed.fake_ring.buffers_free(), bed.fake_ring.buffers_total()) << "a slow body holds a provided buffer";
  bed.send(id, std::string(600, 'c'));
  bed.send(
      id,
      "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n");
  EXPECT_EQ(bed.statuses(id), (Statuses{200, 200, 200}));
  EXPECT_EQ(bed.handler.bodies.back(), "xyz");
  EXPECT_EQ(bed.connections.counters().bodies_copied, 0u);
  EXPECT_EQ(bed.connections.counters().bodies_direct, 0u);
}

TEST(Connection, LargeBodyIsReceivedIntoItsOwnMemory) {
  TestBed bed;
  const auto id = bed.connect();
  const std::string body = stream_text(3'000'000);
  bed.send(id, post("/metrics/job/h", body) + get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (Statuses{200, 200}));
  ASSERT_EQ(bed.handler.bodies.size(), 1u);
  EXPECT_EQ(bed.handler.bodies[0], body);
  EXPECT_EQ(bed.connections.counters().bodies_direct, 1u);
}

TEST(Connection, LargeChunkedBodyAndWhatFollowsIt) {
  for (const size_t chunk : {700ul, 5'000ul, 300'000ul}) {
    TestBed bed;
    const auto id = bed.connect();
    const std::string body = stream_text(1'000'000);
    std::string stream = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    char size[16];
    for (size_t at = 0; at < body.size(); at += chunk) {
      const std::string piece = body.substr(at, chunk);
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      stream += size + piece + "\r\n";
    }
    stream += "0\r\n\r\n" + get("/-/ready") + post("/echo", "next");
    bed.send(id, stream);
    ASSERT_EQ(bed.statuses(id), (Statuses{200, 200, 200})) << chunk;
    ASSERT_EQ(bed.handler.bodies.at(0), body) << chunk;
    EXPECT_EQ(bed.handler.bodies.at(1), "next");
  }
}

TEST(Connection, AnnouncedLengthCostsNothing) {
  TestBed bed;
  const auto id = bed.connect();
  // Nothing is mapped for 200 MB that never come; the deadline ends it.
  bed.send(id, "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\nabc");
  EXPECT_TRUE(bed.statuses(id).empty());
  bed.advance(limits::kBodyGraceNs + 1'000'000'000);
  EXPECT_EQ(bed.statuses(id), (Statuses{408}));
  EXPECT_EQ(bed.handler.finished, (std::vector<Finished>{{408, true}}));
}

TEST(Connection, TooLargeIsRefusedBeforeTheBody) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(bed.statuses(id), (Statuses{413}));
  EXPECT_TRUE(bed.client(id).server_finished);
  const auto chunked = bed.connect();
  bed.send(chunked, "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello");
  EXPECT_TRUE(bed.statuses(chunked).empty());
  bed.send(chunked, "-world\r\n");
  EXPECT_EQ(bed.statuses(chunked), (Statuses{413}));
  // It does not matter whether what is wrong behind it has come already.
  const auto broken = bed.connect();
  bed.send(broken, "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello-world\r\nx");
  EXPECT_EQ(bed.statuses(broken), (Statuses{413}));
  const auto small = bed.connect();
  bed.send(small, "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx");
  EXPECT_EQ(bed.statuses(small), (Statuses{400}));
}

TEST(Connection, ExpectIsAnsweredAtOnce) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(bed.client(id).received, "HTTP/1.1 100 Continue\r\n\r\n");
  bed.send(id, "body");
  EXPECT_EQ(bed.statuses(id), (Statuses{100, 200}));
  bed.send(id, get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (Statuses{100, 200, 200}));
  // A body that has begun needs no permission.
  bed.send(id, post("/echo", "more", "Expect: 100-continue\r\n"));
  EXPECT_EQ(bed.statuses(id), (Statuses{100, 200, 200, 200}));
}

TEST(Connection, FinalAnswerInsteadOf100) {
  for (const char* const line : {"POST /nothing", "PUT /metrics/job/h"}) {
    TestBed bed;
    const auto id = bed.connect();
    bed.send(id, std::string(line) + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    ASSERT_EQ(bed.statuses(id).size(), 1u);
    EXPECT_EQ(bed.statuses(id)[0], line[1] == 'O' ? 404 : 405);
    EXPECT_NE(bed.client(id).received.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(bed.client(id).server_finished);
  }
}

TEST(Connection, UnwantedBodyIsDrained) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_EQ(bed.statuses(id), (Statuses{404}));
  bed.send(id, std::string(100'000, 'x') + get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (Statuses{404, 200}));
  bed.send(id, "POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n" +
                   get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (Statuses{404, 200, 404, 200}));
  bed.send(id, "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n");
  EXPECT_EQ(bed.statuses(id), (Statuses{404, 200, 404, 200, 404}));
  EXPECT_TRUE(bed.client(id).server_finished);
}

// ---- Slices and streams ---------------------------------------------------------------------------------------------

TEST(Connection, OthersGoOnWhileOneWorksInSlices) {
  for (const char* const target : {"/slices/1000", "/parked/1000"}) {
    TestBed bed;
    const auto slow = bed.connect();
    bed.fake_ring.client_send(slow, post(target, "body") + get("/-/ready"));
    bed.worker.turn();
    bed.worker.turn();
    ASSERT_EQ(bed.handler.alive_states, 1);
    const auto quick = bed.connect();
    bed.fake_ring.client_send(quick, get("/-/healthy"));
    for (int i = 0; i < 5; ++i) bed.worker.turn();
    EXPECT_EQ(bed.statuses(quick), (Statuses{200}));
    EXPECT_TRUE(bed.statuses(slow).empty());
    bed.settle();
    EXPECT_EQ(bed.statuses(slow), (Statuses{200, 200}));
    EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{"body"}));
  }
}

TEST(Connection, TurnsThatAreFullGoOnInSlices) {
  Options options;
  options.inline_ns = 0;  // every request finds the turn full
  TestBed bed(1, {}, options);
  const auto id = bed.connect();
  std::string stream;
  for (int i = 0; i < 20; ++i) stream += post("/metrics/job/h", std::to_string(i));
  bed.send(id, stream);
  EXPECT_EQ(bed.statuses(id), Statuses(20, 200));
  EXPECT_EQ(bed.handler.bodies.back(), "19");
}

TEST(Connection, StreamIsChunkedAndLosesNothing) {
  for (const size_t bytes : {0ul, 1ul, 1'000ul, 131'072ul, 2'000'000ul}) {
    for (const size_t piece : {SIZE_MAX, size_t{777}}) {
      TestBed bed;
      bed.handler.stream_piece = piece;
      const auto id = bed.connect();
      bed.send(id, get("/stream/" + std::to_string(bytes)) + get("/-/ready"));
      const ReadResponses read = bed.responses(id);
      ASSERT_EQ(read.statuses(), (Statuses{200, 200})) << bytes;
      EXPECT_NE(read.responses[0].head.find("Transfer-Encoding: chunked"), std::string::npos);
      ASSERT_TRUE(read.responses[0].body == stream_text(bytes)) << bytes;
    }
  }
}

TEST(Connection, StreamToHttp10EndsWithTheConnection) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "GET /stream/300000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const ReadResponses read = bed.responses(id);
  ASSERT_EQ(read.responses.size(), 1u);
  EXPECT_TRUE(read.responses[0].until_close);
  EXPECT_TRUE(read.responses[0].body == stream_text(300'000));
  EXPECT_TRUE(bed.client(id).server_closed);
}

TEST(Connection, BrokenStreamIsCut) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, get("/broken/200000"));
  const ReadResponses read = bed.responses(id);
  ASSERT_EQ(read.responses.size(), 1u);
  EXPECT_FALSE(read.responses[0].complete);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kBroken), 1u);
  EXPECT_EQ(bed.handler.finished, (std::vector<Finished>{{200, false}}));
}

TEST(Connection, SlowReaderHoldsTwoPieces) {
  TestBed bed;
  const auto id = bed.connect();
  bed.client(id).window = 1'000;
  bed.send(id, get("/stream/10000000"));
  // Nothing more is produced than two pieces and what is in the socket.
  EXPECT_EQ(bed.client(id).received.size(), 1'000u);
  const uint64_t sent = bed.connections.counters().bytes_out;
  EXPECT_LE(sent, 1'000u);
  EXPECT_EQ(bed.worker.runnables(), 0u);
  for (int i = 0; i < 50; ++i) {
    bed.client(id).window = 200'000;
    bed.advance(limits::kSendStallNs / 2);
  }
  bed.client(id).window = SIZE_MAX;
  bed.settle();
  ASSERT_EQ(bed.responses(id).responses.size(), 1u);
  EXPECT_TRUE(bed.responses(id).responses[0].body == stream_text(10'000'000));
}

TEST(Connection, ReaderThatTakesNothingIsCut) {
  TestBed bed;
  const auto id = bed.connect();
  bed.client(id).window = 1'000;
  bed.send(id, get("/stream/10000000"));
  bed.advance(limits::kSendStallNs + 1'000'000'000);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kSlowReader), 1u);
}

// Something every second, but less than it has to take.
TEST(Connection, ReaderThatTakesTooLittleIsCut) {
  Options options = patient_options();
  options.send_stall_ns = 10'000'000'000;
  options.sent_bytes_per_second_min = 10'000;
  for (const size_t bytes_per_second : {20'000, 5'000}) {
    TestBed bed(1, {}, options);
    const auto id = bed.connect();
    bed.client(id).window = 1'000;
    bed.send(id, get("/stream/1000000"));
    for (int second = 0; second < 120 && !bed.client(id).server_closed; ++second) {
      bed.client(id).window = bytes_per_second;
      bed.advance(1'000'000'000);
    }
    const bool cut = bytes_per_second < 10'000;
    EXPECT_EQ(bed.client(id).server_closed, cut);
    EXPECT_EQ(bed.handler.at_limits, cut ? std::vector{limits::Limit::kReaderRate} : std::vector<limits::Limit>());
  }
}

// However long the handler works or waits, and the body comes.
TEST(Connection, RequestThatTakesTooLongIsGivenUp) {
  Options options = patient_options();
  options.request_ns = 20'000'000'000;
  for (const char* const target : {"/parked/1000000", "/slices/1000000"}) {
    TestBed bed(1, {}, options);
    const auto id = bed.connect();
    bed.fake_ring.client_send(id, post(target, "x"));
    for (int second = 0; second < 19; ++second) {
      bed.worker.turn();
      bed.worker.advance(1'000'000'000);
    }
    bed.worker.turn();
    EXPECT_TRUE(bed.statuses(id).empty()) << target;
    EXPECT_EQ(bed.handler.alive_states, 1) << target;
    bed.advance(1'500'000'000);
    EXPECT_EQ(bed.statuses(id), (Statuses{408})) << target;
    EXPECT_EQ(bed.handler.alive_states, 0) << target;
    EXPECT_EQ(bed.handler.at_limits, (std::vector{limits::Limit::kRequestTime})) << target;
    EXPECT_EQ(bed.worker.runnables(), 0u) << target;
  }
}

TEST(Connection, PipelineThatNobodyReadsStops) {
  Options options = patient_options();
  options.pending_bytes_max = 2'000;
  TestBed bed(1, {}, options);
  const auto id = bed.connect();
  bed.client(id).window = 0;
  std::string stream;
  for (int i = 0; i < 2'000; ++i) stream += get("/-/ready");
  bed.send(id, stream);
  EXPECT_LT(bed.handler.heads, 200u);
  EXPECT_FALSE(bed.client(id).to_server.empty());
  bed.client(id).window = SIZE_MAX;
  bed.settle();
  EXPECT_EQ(bed.statuses(id), Statuses(2'000, 200));
}

// 64 readers that do not read, a ring of 16 buffers: the requests that came with theirs wait elsewhere.
TEST(ConnectionStreams, AReaderThatDoesNotReadHoldsNoReceiveBuffer) {
  TestBed bed;
  std::vector<ring::ClientId> ids;
  for (int i = 0; i < 64; ++i) {
    ids.push_back(bed.connect());
    bed.client(ids.back()).window = 0;
    bed.send(ids.back(), get("/stream/300000") + get("/stream/300001") + "GET /-/re");
    bed.send(ids.back(), "ady HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  EXPECT_EQ(bed.fake_ring.buffers_free(), bed.fake_ring.buffers_total());
  const auto other = bed.connect();
  bed.send(other, get("/-/ready"));
  EXPECT_EQ(bed.statuses(other), (Statuses{200}));
  for (const ring::ClientId id : ids) bed.client(id).window = SIZE_MAX;
  bed.settle();
  for (const ring::ClientId id : ids) ASSERT_EQ(bed.statuses(id), (Statuses{200, 200, 200}));
}

TEST(ConnectionStreams, APipelineThatNobodyReadsHoldsNoReceiveBuffer) {
  Options options = patient_options();
  options.pending_bytes_max = 2'000;
  TestBed bed(1, {}, options);
  std::string stream;
  for (int i = 0; i < 400; ++i) stream += get("/-/ready");
  std::vector<ring::ClientId> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(bed.connect());
    bed.client(ids.back()).window = 0;
    bed.send(ids.back(), stream);
    EXPECT_FALSE(bed.client(ids.back()).to_server.empty());
  }
  EXPECT_EQ(bed.fake_ring.buffers_free(), bed.fake_ring.buffers_total());
  const auto other = bed.connect();
  bed.send(other, get("/-/ready"));
  EXPECT_EQ(bed.statuses(other), (Statuses{200}));
  for (const ring::ClientId id : ids) bed.client(id).window = SIZE_MAX;
  bed.settle();
  for (const ring::ClientId id : ids) ASSERT_EQ(bed.statuses(id), Statuses(400, 200));
}

// What 100 readers that do not read hold, and what they get when they read after all.
TEST(ConnectionStreams, ManyThatAreNotReadHoldLittle) {
  Options options = patient_options();
  options.streams_bytes = 512 * 1024;
  TestBed bed(1, {}, options);
  std::vector<ring::ClientId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(bed.connect());
    bed.client(ids.back()).window = 0;
    bed.send(ids.back(), get("/stream/300000"));
  }
  // All could hold 25 MiB. Each holds 16 KiB at least; those that came when there were fewer of them hold more.
  EXPECT_GT(bed.handler.streamed, 100 * limits::kStreamBytesMin);
  EXPECT_LT(bed.handler.streamed, 100 * 2 * limits::kStreamBytesMin + 4 * options.streams_bytes);
  for (const ring::ClientId id : ids) bed.client(id).window = SIZE_MAX;
  bed.settle();
  for (const ring::ClientId id : ids) {
    ASSERT_EQ(bed.statuses(id), (Statuses{200}));
    ASSERT_TRUE(bed.responses(id).responses[0].body == stream_text(300'000));
  }
  // Cut ones do not count any more: each of these holds as much as one alone may.
  const uint64_t before = bed.handler.streamed;
  for (int i = 0; i < 20; ++i) {
    const ring::ClientId cut = bed.connect();
    bed.client(cut).window = 0;
    bed.send(cut, get("/stream/300000"));
    bed.fake_ring.client_reset(cut);
    bed.settle();
  }
  EXPECT_GT(bed.handler.streamed - before, 19 * limits::kStreamBytes);
}

// While others wait for what streams hold, those that stall are cut after seconds and not after minutes.
TEST(ConnectionStreams, AReaderInTheWayIsCutEarly) {
  TestBed bed;
  bed.handler.stream_piece = 1'000;
  const auto stalled = bed.connect();
  bed.client(stalled).window = 500;
  bed.send(stalled, get("/stream/1000000"));
  bed.advance(4 * limits::kContendedSendStallNs);
  EXPECT_FALSE(bed.client(stalled).server_closed) << "nobody is in the way of anybody";
  bed.handler.in_the_way = true;
  const auto slow = bed.connect();
  bed.client(slow).window = 500;
  bed.send(slow, get("/stream/1000000"));
  bed.advance(limits::kStreamLookNs + 100'000'000);
  EXPECT_TRUE(bed.client(stalled).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kSlowReader), 1u);
  EXPECT_EQ(bed.handler.at_limits, std::vector{limits::Limit::kContendedReaderStall});
  EXPECT_EQ(bed.handler.finished.back(), (Finished{200, false}));
  // One that takes something now and then is cut too, but much later.
  int64_t passed = limits::kStreamLookNs;
  for (; !bed.client(slow).server_closed && passed < 2 * limits::kContendedStreamNs; passed += limits::kStreamLookNs) {
    bed.client(slow).window = 500;
    bed.advance(limits::kStreamLookNs);
  }
  EXPECT_GE(passed, limits::kContendedStreamNs - 2 * limits::kStreamLookNs);
  EXPECT_LE(passed, limits::kContendedStreamNs + 3 * limits::kStreamLookNs);
  EXPECT_EQ(bed.closed(CloseReason::kSlowReader), 2u);
  EXPECT_EQ(bed.handler.at_limits.back(), limits::Limit::kContendedReaderTime);
}

}  // namespace
}  // namespace sluice::net::conn
