// The framing cases against the parser alone: what a server that routes like a Pushgateway would answer. The same cases
// run over real connections in tests/net/conn.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/limits.h"
#include "net/http/exchange.h"
#include "tests/net/http/http1_cases.h"
#include "tests/net/http/stream_driver.h"

namespace sluice::net::http {
namespace {

int route(const ParsedRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/metrics/job/h") return request.method == "POST" ? 200 : 405;
  if (path == "/-/ready" || path == "/-/healthy") return request.method == "GET" ? 200 : 405;
  return 404;
}

Reaction react(const Http1Case& wanted) {
  std::string stream;
  std::vector<size_t> cuts;
  for (const std::string& part : wanted.parts) {
    if (!stream.empty()) cuts.push_back(stream.size());
    stream += part;
  }
  if (wanted.byte_by_byte) {
    cuts.clear();
    for (size_t i = 1; i < stream.size(); ++i) cuts.push_back(i);
  }
  const Transcript transcript = run_stream(stream, cuts);
  Reaction reaction;
  for (const ParsedRequest& request : transcript.requests) {
    reaction.statuses.push_back(route(request));
    if (!request.keep_alive) reaction.closed = true;
    const size_t at = request.fields.find("Content-Length: ");
    if (at != std::string::npos &&
        std::strtoull(request.fields.c_str() + at + 16, nullptr, 10) > limits::kBodyBytesMax) {
      reaction.statuses.back() = 413;
      reaction.closed = true;
      return reaction;
    }
  }
  if (transcript.refused != 0) reaction.statuses.push_back(transcript.refused);
  if (transcript.in_head && wanted.half_close) reaction.statuses.push_back(400);
  // A route that wants the body complains; any other has answered when the head was there.
  if (transcript.in_body && wanted.half_close && reaction.statuses.back() == 200) reaction.statuses.back() = 400;
  if (transcript.refused != 0 || wanted.half_close) reaction.closed = true;
  return reaction;
}

void check(const std::vector<Http1Case>& cases) {
  for (const Http1Case& wanted : cases) {
    EXPECT_EQ(judge(wanted, react(wanted)), "") << wanted.id << "\n" << wanted.parts[0].substr(0, 400);
  }
}

TEST(FramingCases, Own) { check(own_http1_cases()); }

TEST(FramingCases, Outside) {
  const auto cases = outside_http1_cases();
  if (!cases) GTEST_SKIP() << "NOT RUN: the outside collection is not here";
  EXPECT_EQ(cases->size(), 491u);
  check(*cases);
}

}  // namespace
}  // namespace sluice::net::http
