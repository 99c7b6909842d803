#include "net/api/negotiate.h"

#include <gtest/gtest.h>

namespace sluice::net::api {
namespace {

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
    Escaping wanted;
  } cases[] = {
      {"", Escaping::kUnderscores},
      {"*/*", Escaping::kUnderscores},
      {"text/plain;version=0.0.4;escaping=allow-utf-8", Escaping::kAllowUtf8},
      {"text/plain; version=0.0.4; escaping=dots", Escaping::kDots},
      {"text/plain;version=0.0.4;escaping=values", Escaping::kValues},
      {"text/plain;version=0.0.4;escaping=nonsense", Escaping::kUnderscores},
      // Prometheus 3: 1.0.0 is not offered, its escaping is.
      {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.2",
       Escaping::kAllowUtf8},
      // What stands behind the range that answers is not looked at.
      {"text/plain;q=0.9,text/html;escaping=dots;q=0.1", Escaping::kUnderscores},
      {"garbage", Escaping::kUnderscores},
  };
  for (const auto& [accept, wanted] : cases) {
    EXPECT_EQ(text_content_type(negotiate_escaping(accept)), text_content_type(wanted)) << accept;
  }
}

}  // namespace
}  // namespace sluice::net::api
