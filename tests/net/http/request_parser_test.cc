// RequestParser: every split of a stream gives what the whole stream gives, and the details of each rule.
#include "net/http/request_parser.h"

#include <gtest/gtest.h>

#include "core/base/limits.h"
#include "tests/net/http/http1_cases.h"
#include "tests/net/http/stream_driver.h"

namespace sluice::net::http {
namespace {

const std::string kStreams[] = {
    "POST /metrics/job/h HTTP/1.1\r\nHost: x:1\r\nContent-Length: 4\r\nA:\r\nB: \t c \r\n\r\na 1\nGET / "
    "HTTP/1.1\r\nHost: y\r\n\r\n",
    "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n3;e=f\r\nb 2\r\n0\r\nT: u\r\n\r\n"
    "DELETE /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /a HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 1\n\nz\r\nFOO http://h/p?q HTTP/1.7\r\nHost: "
    "x\r\n\r\n",
    "GET /gr\xc3\xbcn HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: "
    "close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n4x\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n",
};

TEST(RequestParser, EverySplitOfRepresentativeStreams) {
  for (const std::string& stream : kStreams) {
    const Transcript whole = run_stream(stream, {});
    EXPECT_FALSE(whole.requests.empty() && whole.refused == 0) << stream;
    for (size_t i = 1; i < stream.size(); ++i) {
      ASSERT_EQ(describe(run_stream(stream, {i})), describe(whole)) << stream << "\ncut at " << i;
      for (size_t j = i + 1; j < stream.size(); ++j) {
        ASSERT_EQ(run_stream(stream, {i, j}), whole) << stream << "\ncut at " << i << " and " << j;
      }
    }
  }
}

TEST(RequestParser, EverySplitOfTheCases) {
  for (const Http1Case& one : own_http1_cases()) {
    const std::string& stream = one.parts[0];
    if (stream.size() > 1000) continue;
    Transcript whole = run_stream(stream, {});
    std::vector<size_t> each;
    for (size_t i = 1; i < stream.size(); ++i) each.push_back(i);
    ASSERT_EQ(describe(run_stream(stream, each)), describe(whole)) << one.id;
    for (const size_t cut : each)
      ASSERT_EQ(describe(run_stream(stream, {cut})), describe(whole)) << one.id << " at " << cut;
  }
}

struct Parsed {
  RequestParser parser;
  Request request;
  Framing framing;
  RequestParser::HeadResult result;
};

void parse(Parsed& parsed, std::string_view bytes) {
  parsed.result = parsed.parser.parse_head(bytes, parsed.request, parsed.framing);
}

TEST(RequestParser, HeadInOnePieceIsNotCopied) {
  const std::string bytes = "POST /a?b HTTP/1.1\r\nHost: x\r\nX-A: \t b c\t\r\nContent-Length: 7\r\n\r\nbody";
  Parsed parsed;
  parse(parsed, bytes);
  ASSERT_EQ(parsed.result.event, RequestParser::Event::kHead);
  EXPECT_EQ(parsed.result.consumed, bytes.size() - 4);
  EXPECT_FALSE(parsed.parser.head_is_own());
  EXPECT_EQ(parsed.request.target.data(), bytes.data() + 5);
  EXPECT_EQ(parsed.request.target, "/a?b");
  EXPECT_EQ(parsed.request.method, Method::kPost);
  EXPECT_EQ(parsed.request.header("x-a"), "b c");
  EXPECT_EQ(parsed.request.header("x-b").data(), nullptr);
  EXPECT_EQ(parsed.request.host, "x");
  EXPECT_EQ(parsed.request.content_length, 7u);
  EXPECT_GE(parsed.request.header("X-A").data(), bytes.data());
  EXPECT_LT(parsed.request.header("X-A").data(), bytes.data() + bytes.size());
}

TEST(RequestParser, SplitHeadIsOwnAndLeavesTheRest) {
  const std::string first = "GET /a HTTP/1.1\r\nHo";
  const std::string second = "st: x\r\n\r\nGET";
  Parsed parsed;
  parse(parsed, first);
  ASSERT_EQ(parsed.result.event, RequestParser::Event::kNeedMore);
  EXPECT_EQ(parsed.result.consumed, first.size());
  EXPECT_TRUE(parsed.parser.in_head());
  parse(parsed, second);
  ASSERT_EQ(parsed.result.event, RequestParser::Event::kHead);
  EXPECT_EQ(parsed.result.consumed, second.size() - 3);
  EXPECT_TRUE(parsed.parser.head_is_own());
  EXPECT_FALSE(parsed.parser.in_head());
  EXPECT_EQ(parsed.request.target, "/a");
}

TEST(RequestParser, AbsoluteFormOverridesHost) {
  Parsed parsed;
  parse(parsed, "GET http://u:p@other:80/-/ready?x HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(parsed.result.event, RequestParser::Event::kHead);
  EXPECT_EQ(parsed.request.host, "other:80");
  EXPECT_EQ(parsed.request.target, "/-/ready?x");
}

TEST(RequestParser, LimitsOfTheHead) {
  const size_t limit = limits::kHeadBytesMax;
  const std::string line = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  for (const bool split : {false, true}) {
    for (const size_t head : {limit, limit + 1}) {
      const std::string bytes = line + std::string(head - line.size() - 4, 'a') + "\r\n\r\n";
      ASSERT_EQ(bytes.size(), head);
      Parsed parsed;
      parse(parsed, split ? std::string_view(bytes).substr(0, 30'000) : std::string_view(bytes));
      if (split) parse(parsed, std::string_view(bytes).substr(30'000));
      if (head <= limit) {
        EXPECT_EQ(parsed.result.event, RequestParser::Event::kHead) << split;
      } else {
        EXPECT_EQ(parsed.result.refusal, (Refusal{431, {}})) << split;
      }
    }
  }
  Parsed parsed;
  parse(parsed, "GET /" + std::string(limit, 'a'));
  EXPECT_EQ(parsed.result.refusal, (Refusal{414, {}}));
}

TEST(RequestParser, LimitOfTheFields) {
  for (const size_t fields : {limits::kHeadFieldsMax, limits::kHeadFieldsMax + 1}) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (size_t i = 1; i < fields; ++i) bytes += "a:\r\n";
    bytes += "\r\n";
    for (const size_t cut : {bytes.size(), bytes.size() - 1, size_t{100}}) {
      Parsed parsed;
      parse(parsed, std::string_view(bytes).substr(0, cut));
      if (cut != bytes.size()) parse(parsed, std::string_view(bytes).substr(cut));
      if (fields == limits::kHeadFieldsMax) {
        EXPECT_EQ(parsed.result.event, RequestParser::Event::kHead) << cut;
        EXPECT_EQ(parsed.request.headers.size(), fields) << cut;
      } else {
        EXPECT_EQ(parsed.result.refusal, (Refusal{431, {}})) << cut;
        EXPECT_EQ(parsed.request.headers.size(), limits::kHeadFieldsMax) << cut;
      }
    }
  }
}

TEST(RequestParser, Complaints) {
  const auto complaint = [](std::string_view bytes) {
    Parsed parsed;
    parse(parsed, bytes);
    std::string text;
    append_refusal(text, parsed.result.refusal);
    return text.substr(0, text.find("\r\n")) + "|" + text.substr(text.find("\r\n\r\n") + 4);
  };
  EXPECT_EQ(complaint("GET / HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: missing required Host header|400 Bad Request: missing required Host header");
  EXPECT_EQ(complaint("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: too many Host headers|400 Bad Request: too many Host headers");
  EXPECT_EQ(complaint("GET / HTTP/1.1\r\nHost: {\r\n\r\n"),
            "HTTP/1.1 400 Bad Request: malformed Host header|400 Bad Request: malformed Host header");
  EXPECT_EQ(complaint("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 505 HTTP Version Not Supported: unsupported protocol version|505 HTTP Version Not Supported: "
            "unsupported protocol version");
  EXPECT_EQ(complaint("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n"),
            "HTTP/1.1 501 Not Implemented|Unsupported transfer encoding");
  EXPECT_EQ(complaint("nonsense\r\n\r\n"), "HTTP/1.1 400 Bad Request|400 Bad Request");
}

TEST(RequestParser, ChunksAreMovedTogetherInPlace) {
  Parsed parsed;
  parse(parsed, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_EQ(parsed.result.event, RequestParser::Event::kHead);
  EXPECT_TRUE(parsed.request.chunked);
  std::string body = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET";
  const auto result = parsed.parser.read_chunked(body);
  EXPECT_EQ(result.event, RequestParser::ChunkEvent::kDone);
  EXPECT_EQ(result.consumed, body.size() - 3);
  EXPECT_EQ(result.data.data(), body.data() + 3);
  EXPECT_EQ(std::string_view(result.data.data(), result.data.size()), "abcde");
}

TEST(RequestParser, TrailersAndExtensionsAreBounded) {
  Parsed parsed;
  parse(parsed, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string start = "1\r\na\r\n0\r\n";
  ASSERT_EQ(parsed.parser.read_chunked(start).event, RequestParser::ChunkEvent::kNeedMore);
  RequestParser::ChunkResult result;
  size_t sent = 0;
  while (result.event == RequestParser::ChunkEvent::kNeedMore && sent < 100'000) {
    std::string field = "A: " + std::string(95, 'b') + "\r\n";
    result = parsed.parser.read_chunked(field);
    sent += field.size();
  }
  EXPECT_EQ(result.event, RequestParser::ChunkEvent::kRefused);
  EXPECT_LT(sent, 17'000u);
}

}  // namespace
}  // namespace sluice::net::http
