// What is written: heads of answers, refusals, the Date line.
#include <gtest/gtest.h>

#include "net/http/date.h"
#include "net/http/response_head.h"
#include "net/http/status.h"

namespace sluice::net::http {
namespace {

TEST(DateLine, AsRfc9110HasIt) {
  DateLine line;
  EXPECT_EQ(line.at(784'111'777'000'000'000), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.at(784'111'777'999'999'999), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(line.at(784'111'778'000'000'000), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  EXPECT_EQ(line.at(1'709'164'800'000'000'000), "Date: Thu, 29 Feb 2024 00:00:00 GMT\r\n");
}

TEST(ResponseHead, Framings) {
  std::string out;
  append_response_head(out, 200, "", "Date: d\r\n", {.body_bytes = 0});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 0\r\n\r\n");
  out.clear();
  append_response_head(out, 404, "A: b\r\n", "", {.body_bytes = 19, .close = true, .version_1_0 = true});
  EXPECT_EQ(out, "HTTP/1.0 404 Not Found\r\nA: b\r\nContent-Length: 19\r\nConnection: close\r\n\r\n");
  out.clear();
  append_response_head(out, 200, "", "", {.body = ResponseFraming::Body::kChunked, .keep_alive = true});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n");
  out.clear();
  append_response_head(out, 204, "", "", {.body = ResponseFraming::Body::kNone});
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(Refusal, ByteForByte) {
  std::string out;
  append_refusal(out, {431, {}});
  EXPECT_EQ(out,
            "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Connection: close\r\n\r\n431 Request Header Fields Too Large");
}

}  // namespace
}  // namespace sluice::net::http
