// What a client sends to say who it is, and what is sent on every answer.
#include "net/web/credentials.h"

#include <gtest/gtest.h>

#include "net/web/headers.h"

namespace sluice::net::web {
namespace {

TEST(Credentials, AsGoReadsThem) {
  const auto plain = parse_basic_auth("Basic dXNlcjpwYXNz");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->user, "user");
  EXPECT_EQ(plain->password, "pass");
  EXPECT_EQ(parse_basic_auth("bAsIc dXNlcjpwYXNz")->user, "user");
  EXPECT_EQ(parse_basic_auth("Basic dTphOmI=")->password, "a:b");  // the first colon ends the name
  EXPECT_EQ(parse_basic_auth("Basic Og==")->user, "");
  EXPECT_EQ(parse_basic_auth("Basic dTp4")->password, "x");
  EXPECT_EQ(parse_basic_auth("Basic dTp4AHk=")->password, std::string("x\0y", 3));
}

TEST(Credentials, BrokenOnesAreNone) {
  for (const char* text :
       {"", "Basic", "Basic ", "Basic dXNlcg==", "Bearer dXNlcjpwYXNz", "Basic dXNlcjpwYXNz=", "Basic dXNlcjpwYXN",
        "Basic dXNl jpwYXNz", "Basic dTp4=", "Basic ====", "Basicx dXNlcjpw", "Basic dXNlcjpwYX-_"}) {
    EXPECT_FALSE(parse_basic_auth(text)) << text;
  }
}

TEST(Credentials, BearerTokensStandBehindTheirScheme) {
  EXPECT_EQ(parse_bearer("Bearer abc"), "abc");
  EXPECT_EQ(parse_bearer("bEARER   a b"), "a b");
  EXPECT_EQ(parse_bearer("Bearer "), "");
  for (const char* text : {"", "Bearer", "Bearerabc", "Basic abc", " Bearer abc"})
    EXPECT_FALSE(parse_bearer(text)) << text;
}

TEST(Headers, FiveNamesInOneOrder) {
  const auto lines = header_lines({{"X-XSS-Protection", "1; mode=block"},
                                   {"X-Frame-Options", "deny"},
                                   {"Strict-Transport-Security", "max-age=1"},
                                   {"X-Content-Type-Options", "nosniff"},
                                   {"Content-Security-Policy", "default-src\r\nX-Evil: 1 "}});
  EXPECT_EQ(lines,
            "Content-Security-Policy: default-src  X-Evil: 1\r\nStrict-Transport-Security: max-age=1\r\n"
            "X-Content-Type-Options: nosniff\r\nX-Frame-Options: deny\r\nX-Xss-Protection: 1; mode=block\r\n");
  EXPECT_EQ(header_lines({{"Server", "x"}}).error(), "HTTP header \"Server\" can not be configured");
  EXPECT_EQ(header_lines({{"x-frame-options", "deny"}}).error(),
            "HTTP header \"x-frame-options\" can not be configured");
  EXPECT_EQ(header_lines({{"X-Frame-Options", "allow"}}).error(),
            "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"allow\"");
}

TEST(Headers, AnAnswersOwnFieldWins) {
  std::string head = "Content-Type: text/plain\r\nx-frame-options: mine\r\n";
  add_headers(head, "X-Content-Type-Options: nosniff\r\nX-Frame-Options: deny\r\n");
  EXPECT_EQ(head, "Content-Type: text/plain\r\nx-frame-options: mine\r\nX-Content-Type-Options: nosniff\r\n");
}

}  // namespace
}  // namespace sluice::net::web
