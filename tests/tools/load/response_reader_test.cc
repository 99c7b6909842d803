// Answers of every framing, cut at every byte.
#include "tools/load/response_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::tools::load {
namespace {

struct Answers {
  std::vector<int> statuses;
  std::string body;
  bool error = false;
  bool closes = false;
};

Answers read_in_pieces(std::string_view bytes, size_t piece) {
  Answers out;
  ResponseReader reader([&](std::string_view part) { out.body += part; });
  for (size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view part = bytes.substr(at, piece);
    while (!part.empty()) {
      const ResponseReader::Step step = reader.feed(part);
      if (step == ResponseReader::Step::kMore) break;
      if (step == ResponseReader::Step::kError) {
        out.error = true;
        return out;
      }
      out.statuses.push_back(reader.status());
      out.closes = reader.closes();
    }
  }
  const ResponseReader::Step step = reader.closed();
  if (step == ResponseReader::Step::kDone) out.statuses.push_back(reader.status());
  out.error = step == ResponseReader::Step::kError;
  return out;
}

TEST(ResponseReader, EveryFramingInPiecesOfEverySize) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\ncontent-length:  5 \r\nX: y\r\n\r\nhello"
      "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=1\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: "
      "1\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe rest";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    const Answers answers = read_in_pieces(text, piece);
    ASSERT_FALSE(answers.error) << piece;
    ASSERT_EQ(answers.statuses, (std::vector<int>{200, 400, 202, 204, 200})) << piece;
    ASSERT_EQ(answers.body, "helloabc0123456789abcdefthe rest") << piece;
  }
}

TEST(ResponseReader, WhatIsNotAnAnswer) {
  for (const char* const text :
       {"HTTP/2 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "HTTP/1.1 200 OK\r\nContent-Le"}) {
    EXPECT_TRUE(read_in_pieces(text, 1).error) << text;
    EXPECT_TRUE(read_in_pieces(text, 1000).error) << text;
  }
  EXPECT_TRUE(read_in_pieces(std::string(100'000, 'x'), 1000).error);
}

TEST(ResponseReader, SaysWhenTheConnectionEnds) {
  EXPECT_TRUE(read_in_pieces("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 1000).closes);
  EXPECT_TRUE(read_in_pieces("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 1000).closes);
  EXPECT_FALSE(read_in_pieces("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1000).closes);
}

}  // namespace
}  // namespace sluice::tools::load
