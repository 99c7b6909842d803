// The life of a connection over the fake ring: deadlines by a clock that the test moves, early errors, ends of every
// kind, buffers, pressure, graceful stop.
#include <gtest/gtest.h>

#include "tests/net/conn/conn_fixture.h"

namespace sluice::net::conn {
namespace {

using Statuses = std::vector<int>;
using Finished = TestHandler::Finished;

TEST(ConnectionLife, EarlyErrorThenLinger) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bed.client(id).received,
            "HTTP/1.1 400 Bad Request: missing required Host header\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n\r\n400 Bad Request: missing required Host header");
  EXPECT_EQ(bed.handler.refused, (Statuses{400}));
  // The write side is shut, the rest is read and dropped, and only then the descriptor is closed.
  EXPECT_TRUE(bed.client(id).server_finished);
  EXPECT_FALSE(bed.client(id).server_closed);
  bed.send(id, std::string(50'000, 'x'));
  EXPECT_TRUE(bed.client(id).to_server.empty());
  EXPECT_FALSE(bed.client(id).server_closed);
  bed.advance(limits::kLingerNs + 100'000'000);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kRefused), 1u);
}

TEST(ConnectionLife, LingerEndsWithTheClient) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "nonsense\r\n\r\n");
  EXPECT_FALSE(bed.client(id).server_closed);
  bed.fake_ring.client_finish(id);
  bed.settle();
  EXPECT_TRUE(bed.client(id).server_closed);
}

std::string fields(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "a:\r\n";
  return text;
}

TEST(ConnectionLife, NothingLargeIsKeptBetweenRequests) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "GET /-/ready HTTP/1.1\r\nHost: x\r\n" + fields(500) + "\r\n");
  EXPECT_GE(bed.handler.kept_fields, 500u);
  bed.send(id, post("/echo", std::string(100'000, 'e')));
  EXPECT_LE(bed.handler.kept_fields, 64u);
  bed.send(id, get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (Statuses{200, 200, 200}));
  EXPECT_LE(bed.handler.kept_answer, 8u * 1024);
}

TEST(ConnectionLife, NothingLargeIsKeptForTheNextConnection) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "GET / HTTP/1.1\r\nHost: x\r\n" + fields(limits::kHeadFieldsMax) + "\r\n");
  EXPECT_EQ(bed.statuses(id), (Statuses{431}));
  EXPECT_EQ(bed.handler.at_limits, (std::vector{limits::Limit::kHeaderBytes}));
  bed.fake_ring.client_finish(id);
  bed.settle();
  ASSERT_TRUE(bed.client(id).server_closed);
  bed.send(bed.connect(), get("/-/ready"));
  EXPECT_LE(bed.handler.kept_fields, 64u);
}

TEST(Outbox, GivesBackWhatALargeAnswerTook) {
  Outbox outbox;
  outbox.pending().assign(100'000, 'x');
  outbox.trim();
  EXPECT_EQ(outbox.pending().size(), 100'000u);
  outbox.pending().clear();
  outbox.trim();
  EXPECT_LE(outbox.pending().capacity(), 8u * 1024);
}

TEST(ConnectionLife, HeadDeadline) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "GET /-/ready HT");
  // Drops of a head do not extend it.
  for (int i = 0; i < 9; ++i) {
    bed.advance(limits::kHeadDeadlineNs / 10);
    bed.send(id, "T");
  }
  EXPECT_TRUE(bed.statuses(id).empty());
  bed.advance(limits::kHeadDeadlineNs / 10 + 100'000'000);
  EXPECT_EQ(bed.statuses(id), (Statuses{408}));
  EXPECT_EQ(bed.handler.refused, (Statuses{408}));
}

TEST(ConnectionLife, BodyThatDripsHasADeadline) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  int seconds = 0;
  while (bed.statuses(id).empty() && seconds < 200) {
    bed.advance(1'000'000'000);
    bed.send(id, std::string(100, 'x'));  // a tenth of what is demanded
    ++seconds;
  }
  EXPECT_EQ(bed.statuses(id), (Statuses{408}));
  EXPECT_GE(seconds, 30);
  EXPECT_LE(seconds, 40);
  // Fast enough is never cut.
  const auto steady = bed.connect();
  bed.send(steady, "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n");
  for (int i = 0; i < 200; ++i) {
    bed.advance(1'000'000'000);
    bed.send(steady, std::string(2'000, 'x'));
  }
  EXPECT_EQ(bed.statuses(steady), (Statuses{200}));
}

TEST(ConnectionLife, IdleForAnHour) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, get("/-/ready"));
  bed.advance(limits::kIdleNs - 1'000'000'000);
  EXPECT_FALSE(bed.client(id).server_closed);
  bed.send(id, get("/-/ready"));
  bed.advance(limits::kIdleNs - 1'000'000'000);
  EXPECT_FALSE(bed.client(id).server_closed);
  bed.advance(2'000'000'000);
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kIdle), 1u);
}

TEST(ConnectionLife, OnlyPressureClosesIdleOnesTheOldestFirst) {
  TestBed bed;
  bed.worker.set_connections_max(4);
  std::vector<ring::ClientId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(bed.connect());
    bed.send(ids.back(), get("/-/ready"));
  }
  bed.send(ids[0], get("/-/ready"));  // now the second is the longest idle
  EXPECT_EQ(bed.closed(CloseReason::kPressure), 0u);
  ids.push_back(bed.connect());
  bed.settle();
  EXPECT_EQ(bed.closed(CloseReason::kPressure), 1u);
  EXPECT_TRUE(bed.client(ids[1]).server_closed);
  EXPECT_FALSE(bed.client(ids[0]).server_closed);
  EXPECT_FALSE(bed.client(ids[3]).server_closed);
}

TEST(ConnectionLife, ReceivesParkUntilBuffersComeBack) {
  TestBed bed(1, {}, patient_options(), {.buffers = 2, .buffer_bytes = 1024});
  // Both buffers are held by requests at work; the third waits, and is served when they are done.
  const auto one = bed.connect();
  const auto two = bed.connect();
  const auto three = bed.connect();
  bed.fake_ring.client_send(one, post("/parked/50", "a"));
  bed.fake_ring.client_send(two, post("/parked/50", "b"));
  for (int i = 0; i < 4; ++i) bed.worker.turn();
  EXPECT_EQ(bed.fake_ring.buffers_free(), 0u);
  bed.fake_ring.client_send(three, get("/-/ready"));
  for (int i = 0; i < 4; ++i) bed.worker.turn();
  EXPECT_TRUE(bed.statuses(three).empty());
  EXPECT_GE(bed.connections.counters().buffers_empty, 1u);
  bed.settle();
  EXPECT_EQ(bed.statuses(one), (Statuses{200}));
  EXPECT_EQ(bed.statuses(two), (Statuses{200}));
  EXPECT_EQ(bed.statuses(three), (Statuses{200}));
}

TEST(ConnectionLife, BodiesTogetherAreBounded) {
  Options options = patient_options();
  options.body_bytes_held_max = 600'000;
  TestBed bed(1, {}, options);
  const std::string head = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n";
  const auto one = bed.connect();
  const auto two = bed.connect();
  bed.send(one, head + std::string(299'999, 'x'));
  bed.send(two, head + std::string(299'999, 'x'));
  EXPECT_TRUE(bed.statuses(one).empty());
  EXPECT_EQ(bed.statuses(two), (Statuses{503}));
  bed.send(one, "x");
  EXPECT_EQ(bed.statuses(one), (Statuses{200}));
  const auto three = bed.connect();
  bed.send(three, head + std::string(300'000, 'x'));
  EXPECT_EQ(bed.statuses(three), (Statuses{200}));
}

TEST(ConnectionLife, HalfCloseIsAnsweredFirst) {
  TestBed bed;
  const auto id = bed.connect();
  bed.fake_ring.client_send(id, post("/slices/5", "x") + get("/-/ready"));
  bed.fake_ring.client_finish(id);
  bed.settle();
  EXPECT_EQ(bed.statuses(id), (Statuses{200, 200}));
  EXPECT_TRUE(bed.client(id).server_closed);
  EXPECT_EQ(bed.closed(CloseReason::kClient), 1u);
}

TEST(ConnectionLife, ResetAtEveryStage) {
  const std::string streams[] = {
      "GET /-/re",
      "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
      "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
      "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab",
      post("/parked/1000000", "x"),
      get("/stream/100000000"),
      "nonsense\r\n\r\n",
  };
  for (const std::string& stream : streams) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      TestBed bed(seed);
      const auto id = bed.connect();
      bed.client(id).window = 5'000;
      bed.fake_ring.client_send(id, stream);
      for (uint64_t i = 0; i < 2 + seed; ++i) bed.worker.turn();
      bed.fake_ring.client_reset(id);
      for (int i = 0; i < 20; ++i) bed.worker.turn();
      EXPECT_TRUE(bed.client(id).server_closed) << stream;
      EXPECT_EQ(bed.handler.alive_states, 0) << stream;
    }
  }
}

TEST(ConnectionLife, SlotsAreUsedAgain) {
  TestBed bed(3, ring::FakeFaults::unkind());
  for (int i = 0; i < 200; ++i) {
    const auto id = bed.connect();
    bed.send(id, "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_EQ(bed.statuses(id), (Statuses{200}));
    ASSERT_TRUE(bed.client(id).server_closed);
  }
  EXPECT_EQ(bed.closed(CloseReason::kAnswered), 200u);
  EXPECT_EQ(bed.connections.counters().open, 0u);
}

TEST(ConnectionLife, GracefulStop) {
  TestBed bed;
  const auto idle = bed.connect();
  const auto busy = bed.connect();
  const auto half = bed.connect();
  bed.send(idle, get("/-/ready"));
  bed.fake_ring.client_send(busy, post("/parked/20", "x"));
  bed.fake_ring.client_send(half, "GET /-/ready HTTP/1.1\r\n");
  for (int i = 0; i < 4; ++i) bed.worker.turn();
  bed.worker.stop();
  for (int i = 0; i < 4; ++i) bed.worker.turn();
  EXPECT_TRUE(bed.client(idle).server_closed);
  EXPECT_FALSE(bed.client(busy).server_closed);
  bed.send(half, "Host: x\r\n\r\n");
  for (const auto id : {busy, half}) {
    EXPECT_EQ(bed.statuses(id), (Statuses{200}));
    EXPECT_NE(bed.client(id).received.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(bed.client(id).server_closed);
  }
}

TEST(ConnectionLife, AbortWithEverythingInFlight) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestBed bed(seed, ring::FakeFaults::unkind());
    for (const std::string& stream :
         {get("/stream/100000000"), post("/parked/1000000", "x"), post("/metrics/job/h", stream_text(500'000)),
          std::string("GET /-/re"), std::string("nonsense\r\n\r\n")}) {
      const auto id = bed.connect();
      bed.client(id).window = 10'000;
      bed.fake_ring.client_send(id, stream);
    }
    for (uint64_t i = 0; i < seed; ++i) bed.worker.turn();
    bed.finish();
  }
}

// Many connections with everything at once, on a ring that is as unkind as it may be: every answer is right, and at the
// end everything is home.
TEST(ConnectionLife, SoakOnAnUnkindRing) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    TestBed bed(seed, ring::FakeFaults::unkind(), patient_options(), {.buffers = 8, .buffer_bytes = 512});
    std::vector<ring::ClientId> ids;
    const std::string large = stream_text(20'000);
    for (int i = 0; i < 12; ++i) {
      ids.push_back(bed.connect());
      bed.fake_ring.client_send(ids.back(), post("/echo", std::to_string(i)) + get("/stream/5000") +
                                                post("/slices/3", "") + post("/echo", large) + get("/nothing") +
                                                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n" +
                                                get("/-/ready"));
    }
    bed.settle();
    for (size_t i = 0; i < ids.size(); ++i) {
      const ReadResponses read = bed.responses(ids[i]);
      ASSERT_EQ(read.statuses(), (Statuses{200, 200, 200, 200, 404, 200, 200})) << "seed " << seed;
      ASSERT_EQ(read.responses[0].body, std::to_string(i));
      ASSERT_EQ(read.responses[1].body, stream_text(5000));
      ASSERT_TRUE(read.responses[3].body == large);
      ASSERT_EQ(read.responses[5].body, "abcdefg");
    }
  }
}

// Half of a body is none: nothing of it reaches the handler, in whatever memory it came.
TEST(ConnectionLife, ABodyThatIsCutShortIsRefused) {
  const std::string large(3 * kTestRing.buffer_bytes, 'x');
  const std::string head = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& sent :
       {head + "Content-Length: 10\r\n\r\nabc", head + "Content-Length: 10\r\n\r\n",
        head + "Content-Length: 9000\r\n\r\n" + large, head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        head + "Transfer-Encoding: chunked\r\n\r\n2000\r\n" + large}) {
    TestBed bed;
    const ring::ClientId id = bed.connect();
    bed.send(id, sent);
    bed.fake_ring.client_finish(id);
    bed.settle();
    EXPECT_EQ(bed.statuses(id), std::vector<int>{400}) << sent.substr(0, 100);
    EXPECT_TRUE(bed.handler.bodies.empty()) << sent.substr(0, 100);
  }
}

}  // namespace
}  // namespace sluice::net::conn
