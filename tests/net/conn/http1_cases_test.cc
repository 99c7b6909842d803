// The framing cases over connections: on the fake ring, kind and unkind, and on both real backends.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/net/conn/conn_fixture.h"
#include "tests/net/conn/real_server.h"
#include "tests/net/http/http1_cases.h"

namespace sluice::net::conn {
namespace {

using http::Http1Case;
using http::Reaction;

Reaction react_on_fake_ring(const Http1Case& wanted, uint64_t seed, const ring::FakeFaults& faults) {
  TestBed bench(seed, faults);
  const ring::ClientId id = bench.connect();
  for (const std::string& part : wanted.parts) {
    if (!wanted.byte_by_byte) {
      bench.send(id, part);
      continue;
    }
    for (const char c : part) bench.send(id, {&c, 1});
  }
  if (wanted.half_close) bench.fake_ring.client_finish(id);
  bench.settle();
  // The lingering read ends.
  bench.advance(limits::kLingerNs + 100'000'000);
  const bool head_first = wanted.parts[0].starts_with("HEAD ");
  const ReadResponses read = bench.responses(id, head_first);
  EXPECT_TRUE(read.rest.empty()) << wanted.id << ": " << read.rest;
  return {read.statuses(), bench.client(id).server_finished};
}

void check(const std::vector<Http1Case>& cases, const ring::FakeFaults& faults, uint64_t seeds) {
  for (const Http1Case& wanted : cases) {
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      ASSERT_EQ(judge(wanted, react_on_fake_ring(wanted, seed, faults)), "")
          << wanted.id << " with seed " << seed << "\n"
          << wanted.parts[0].substr(0, 400);
    }
  }
}

TEST(Http1CasesOnFakeRing, Own) { check(http::own_http1_cases(), {}, 1); }

TEST(Http1CasesOnFakeRing, OwnUnkind) { check(http::own_http1_cases(), ring::FakeFaults::unkind(), 5); }

TEST(Http1CasesOnFakeRing, Outside) {
  const auto cases = http::outside_http1_cases();
  if (!cases) GTEST_SKIP() << "NOT RUN: the outside collection is not here";
  check(*cases, {}, 1);
}

TEST(Http1CasesOnFakeRing, OutsideUnkind) {
  const auto cases = http::outside_http1_cases();
  if (!cases) GTEST_SKIP() << "NOT RUN: the outside collection is not here";
  check(*cases, ring::FakeFaults::unkind(), 1);
}

// No case depends on time: the client reads until it has what the case demands, then finishes, and reads to the end.
Reaction react_for_real(const Http1Case& wanted, uint16_t port) {
  Client client(port);
  const bool head_first = wanted.parts[0].starts_with("HEAD ");
  for (const std::string& part : wanted.parts) {
    if (!wanted.byte_by_byte) {
      client.send(part);
      continue;
    }
    for (const char c : part) client.send({&c, 1});
  }
  if (wanted.half_close) client.finish();
  Reaction reaction;
  const auto enough = [&] {
    const ReadResponses read = read_responses(client.received, head_first, false);
    const bool complete = read.rest.empty() && !read.responses.empty() && read.responses.back().complete;
    return complete && static_cast<int>(read.responses.size()) >= std::max(wanted.responses_min, 1);
  };
  if (wanted.half_close || wanted.close == Http1Case::Close::kMust) {
    EXPECT_TRUE(client.read_until([] { return false; })) << wanted.id << ": the server does not close";
    reaction.closed = client.ended;
  } else {
    EXPECT_TRUE(client.read_until(enough)) << wanted.id << ": no answer";
    reaction.closed = client.ended;
    client.finish();
    client.read_until([] { return false; });
  }
  EXPECT_FALSE(client.reset && client.received.empty()) << wanted.id << ": a reset instead of an answer";
  reaction.statuses = read_responses(client.received, head_first, true).statuses();
  return reaction;
}

class Http1CasesForReal : public OnBothBackends {
 protected:
  void check_for_real(const std::vector<Http1Case>& cases) {
    for (const Http1Case& wanted : cases) {
      ASSERT_EQ(judge(wanted, react_for_real(wanted, server_.port)), "") << wanted.id << "\n"
                                                                         << wanted.parts[0].substr(0, 400);
    }
    EXPECT_TRUE(server_.stop());
  }
};

TEST_P(Http1CasesForReal, Own) {
  start();
  if (!IsSkipped()) check_for_real(http::own_http1_cases());
}

TEST_P(Http1CasesForReal, Outside) {
  const auto cases = http::outside_http1_cases();
  if (!cases) GTEST_SKIP() << "NOT RUN: the outside collection is not here";
  start();
  if (!IsSkipped()) check_for_real(*cases);
}

INSTANTIATE_TEST_SUITE_P(Backends, Http1CasesForReal,
                         testing::Values(ring::BackendChoice::kIoUring, ring::BackendChoice::kEpoll), backend_name);

}  // namespace
}  // namespace sluice::net::conn
