// A handler that decides before anything of the body is received.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/net/conn/conn_fixture.h"

namespace sluice::net::conn {
namespace {

TEST(ConnectionStepFirst, TheBodyComesAfterTheDecision) {
  for (const std::string body : {"", "a", "0123456789"}) {
    TestBed bed;
    const auto id = bed.connect();
    bed.send(id, post("/asked/5", body) + get("/-/ready"));
    EXPECT_EQ(bed.statuses(id), (std::vector<int>{200, 200})) << body;
    EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{body}));
  }
}

TEST(ConnectionStepFirst, ChunksAndPiecesToo) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, "POST /asked/5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
  bed.send(id, "c\r\n0\r\n\r\nPOST /asked/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nde");
  bed.send(id, "fg");
  EXPECT_EQ(bed.statuses(id), (std::vector<int>{200, 200}));
  EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{"abc", "defg"}));
}

TEST(ConnectionStepFirst, ItsLimitHolds) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/asked/5", "0123456789a"));
  EXPECT_EQ(bed.statuses(id), (std::vector<int>{413}));
}

TEST(ConnectionStepFirst, NothingIsReceivedBefore) {
  TestBed bed;
  const auto id = bed.connect();
  const std::string body(100'000, 'b');
  bed.fake_ring.client_send(id, post("/denied/200", body));
  for (int i = 0; i < 100; ++i) bed.worker.turn();
  EXPECT_EQ(bed.handler.finished.size(), 0u);
  // It neither lies in memory nor keeps buffers of the ring from others.
  EXPECT_GT(bed.client(id).to_server.size(), body.size() / 2);
  EXPECT_EQ(bed.connections.counters().bodies_direct, 0u);
  EXPECT_EQ(bed.connections.counters().bodies_copied, 0u);
  EXPECT_EQ(bed.fake_ring.buffers_free(), bed.fake_ring.buffers_total());
  bed.settle();
  EXPECT_EQ(bed.statuses(id), (std::vector<int>{401}));
  EXPECT_EQ(bed.handler.bodies.size(), 0u);
}

TEST(ConnectionStepFirst, ThePermissionToSendComesWithTheDecision) {
  for (const bool denied : {true, false}) {
    TestBed bed;
    const auto id = bed.connect();
    const std::string target = denied ? "/denied/50" : "/asked/50";
    bed.send(id, "POST " + target + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    if (denied) {
      EXPECT_EQ(bed.client(id).received.find("100 Continue"), std::string::npos);
      EXPECT_EQ(bed.statuses(id), (std::vector<int>{401}));
      continue;
    }
    EXPECT_EQ(bed.client(id).received, "HTTP/1.1 100 Continue\r\n\r\n");
    bed.send(id, "body");
    EXPECT_EQ(bed.handler.bodies, (std::vector<std::string>{"body"}));
  }
}

TEST(ConnectionStepFirst, AfterARefusalTheBodyIsDropped) {
  TestBed bed;
  const auto id = bed.connect();
  bed.send(id, post("/denied/5", std::string(5000, 'b')) + get("/-/ready"));
  EXPECT_EQ(bed.statuses(id), (std::vector<int>{401, 200}));
}

}  // namespace
}  // namespace sluice::net::conn
