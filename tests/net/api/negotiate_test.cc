#include "net/api/negotiate.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/parser/case_files.h"

namespace sluice::net::api {
namespace {

using render::NameEscaping;

http::Request with_encoding(std::string_view value) {
  http::Request request;
  request.headers = {{"Host", "x"}, {"Accept-Encoding", value}};
  return request;
}

TEST(Negotiate, GzipOnlyWhenItBeatsIdentity) {
  for (const char* yes : {"gzip", "gzip, deflate, br", "deflate, gzip;q=1.0, *;q=0.5", "gzip;q=0.5, zstd;q=1"}) {
    EXPECT_TRUE(negotiate_gzip(with_encoding(yes))) << yes;
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "identity, gzip", "*", "x-gzip", "gzip;level=1", ";gzip"}) {
    EXPECT_FALSE(negotiate_gzip(with_encoding(no))) << no;
  }
  EXPECT_FALSE(negotiate_gzip({}));
}

TEST(Negotiate, EscapingIsEchoedFromTheBestRange) {
  const struct {
    const char* accept;
    NameEscaping wanted;
  } cases[] = {
      {"", NameEscaping::kUnderscores},
      {"*/*", NameEscaping::kUnderscores},
      {"text/plain;version=0.0.4;escaping=allow-utf-8", NameEscaping::kNone},
      {"text/plain; version=0.0.4; escaping=dots", NameEscaping::kDots},
      {"text/plain;version=0.0.4;escaping=values", NameEscaping::kValues},
      {"text/plain;version=0.0.4;escaping=nonsense", NameEscaping::kUnderscores},
      // Prometheus 3: 1.0.0 is not offered, its escaping is.
      {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.2",
       NameEscaping::kNone},
      // What stands behind the range that answers is not looked at.
      {"text/plain;q=0.9,text/html;escaping=dots;q=0.1", NameEscaping::kUnderscores},
      {"garbage", NameEscaping::kUnderscores},
  };
  for (const auto& [accept, wanted] : cases) {
    EXPECT_EQ(negotiate_format(accept), (ScrapeFormat{ScrapeFormat::Kind::kText, wanted})) << accept;
  }
}

// The reference's negotiate cases (expfmt/encode_test.go), those of the function that the gateway calls, and what its
// parser of Accept does besides.
TEST(Negotiate, FormatsAsTheReference) {
  const std::string protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=";
  const std::string text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const std::string ask = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=";
  const std::pair<std::string, std::string> cases[] = {
      {ask + "delimited", protobuf + "delimited; escaping=underscores"},
      {ask + "text", protobuf + "text; escaping=underscores"},
      {ask + "compact-text", protobuf + "compact-text; escaping=underscores"},
      {"text/plain;version=0.0.4", text + "underscores"},
      {ask + "delimited; escaping=allow-utf-8;", protobuf + "delimited; escaping=allow-utf-8"},
      {ask + "text; escaping=allow-utf-8;", protobuf + "text; escaping=allow-utf-8"},
      {ask + "compact-text; escaping=allow-utf-8;", protobuf + "compact-text; escaping=allow-utf-8"},
      {"text/plain;version=0.0.4;", text + "underscores"},
      {"text/plain;version=0.0.4; escaping=values;", text + "values"},
      {ask + "other", text + "underscores"},
      {"application/vnd.google.protobuf;encoding=delimited", text + "underscores"},
      {"Application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
       text + "underscores"},
      // By q, and a blank in front of its number makes it 0; numbers are float32.
      {ask + "delimited;q=0.5,text/plain;q=0.6", text + "underscores"},
      {"text/plain;q=0.5," + ask + "delimited;q=0.6", protobuf + "delimited; escaping=underscores"},
      {"text/plain;q=0.5," + ask + "delimited;q= 0.6", text + "underscores"},
      {"text/plain;q=0.60000000001," + ask + "delimited;q=0.6", text + "underscores"},
      {ask + "delimited;q=0.6,text/plain;q=0.60000000001", protobuf + "delimited; escaping=underscores"},
      // An exact type goes before a range whatever its q.
      {"*/*;q=1;escaping=dots,text/plain;q=0.1", text + "underscores"},
      {ask + "delimited;escaping=allow-utf-8,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.8," +
           "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       protobuf + "delimited; escaping=allow-utf-8"},
      {"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", text + "underscores"},
      // Parameters that it passes over, and one that ends in `=`.
      {"text/plain;version;version=;version=1=2;escaping=dots=", text + "dots"},
      {"text/plain/;escaping=dots", text + "dots"},
      {"text/plain/x;escaping=dots,text/;escaping=dots,text;escaping=dots", text + "underscores"},
      {"*;escaping=dots", text + "dots"},
  };
  for (const auto& [accept, wanted] : cases) EXPECT_EQ(content_type(negotiate_format(accept)), wanted) << accept;
}

TEST(Negotiate, ManyRangesTakeTheirOrderFromQ) {
  std::string accept;
  for (int i = 0; i < 10'000; ++i) accept += "text/html;q=0.5,";
  accept += "text/plain;escaping=dots;q=0.6";
  EXPECT_EQ(negotiate_format(accept), (ScrapeFormat{ScrapeFormat::Kind::kText, NameEscaping::kDots}));
}

TEST(Negotiate, RecordedCases) {
  simdjson::dom::parser parser;
  const auto cases = parser::test::load_cases(parser, "negotiate");
  if (!cases) GTEST_SKIP() << "NOT RUN: no recorded cases beside the repository";
  size_t compared = 0;
  for (const simdjson::dom::element entry : parser::test::array_of((*cases)["cases"])) {
    if (!std::string_view(entry["id"]).starts_with("negotiate_1")) continue;
    EXPECT_EQ(content_type(negotiate_format(std::string_view(entry["accept"]))), std::string_view(entry["expected"]));
    ++compared;
  }
  EXPECT_EQ(compared, 9u);
}

}  // namespace
}  // namespace sluice::net::api
