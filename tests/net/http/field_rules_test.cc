// The rules over the fields of a head by themselves: llhttp refuses many of the same heads before, and what it refuses
// is its version's affair.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <utility>

#include "net/http/field_rules.h"

namespace sluice::net::http {
namespace {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

Result<Framing, Refusal> judge(std::string_view line, const Fields& fields) {
  FieldRules rules;
  for (const auto& [name, value] : fields) rules.add(name, value);
  const auto parsed = parse_request_line(line);
  EXPECT_TRUE(parsed.has_value());
  return rules.judge(*parsed);
}

int status(std::string_view line, const Fields& fields) {
  const auto judged = judge(line, fields);
  return judged ? 200 : judged.error().status;
}

constexpr std::string_view kPost = "POST / HTTP/1.1";
constexpr std::string_view kOld = "POST / HTTP/1.0";

TEST(FieldRules, OneFraming) {
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Transfer-Encoding", "chunked"}}), 200);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "3"}}), 400);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Content-Length", "3"}, {"transfer-encoding", "Chunked"}}), 400);
  EXPECT_EQ(status(kOld, {{"Transfer-Encoding", "chunked"}}), 400);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}), 501);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Transfer-Encoding", "gzip, chunked"}}), 501);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Transfer-Encoding", ""}}), 501);
}

TEST(FieldRules, OneLengthOfDigits) {
  EXPECT_EQ(judge(kPost, {{"Host", "x"}, {"Content-Length", "3"}, {"content-length", "3"}})->content_length, 3u);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Content-Length", "3"}, {"Content-Length", "4"}}), 400);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Content-Length", "3"}, {"Content-Length", "03"}}), 400);
  for (const std::string_view bad : {"", "+3", "-3", "3,3", "0x3", "3 ", "9223372036854775808"}) {
    EXPECT_EQ(status(kPost, {{"Host", "x"}, {"Content-Length", bad}}), 400) << bad;
  }
  EXPECT_EQ(judge(kPost, {{"Host", "x"}, {"Content-Length", "9223372036854775807"}})->content_length,
            9223372036854775807u);
}

TEST(FieldRules, OneHost) {
  EXPECT_EQ(status(kPost, {{"Host", "x:1"}}), 200);
  EXPECT_EQ(status(kPost, {}), 400);
  EXPECT_EQ(status(kOld, {}), 200);
  EXPECT_EQ(status(kPost, {{"Host", "x"}, {"host", "x"}}), 400);
  EXPECT_EQ(status(kOld, {{"Host", "x"}, {"Host", "y"}}), 400);
  EXPECT_EQ(status(kPost, {{"Host", "x/y"}}), 400);
}

}  // namespace
}  // namespace sluice::net::http
