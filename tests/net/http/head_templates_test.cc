// The table of head templates: when it makes one, of what, what it keeps and what it drops.
#include "net/http/head_templates.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/http/request_parser.h"

namespace sluice::net::http {
namespace {

// Whether a template knew it; the table learns as from a connection of its own.
bool repeats(HeadTemplates& table, const std::string& head) {
  RequestParser parser;
  parser.share_templates(table);
  Request request;
  Framing framing;
  const auto result = parser.parse_head(head, request, framing);
  EXPECT_EQ(result.event, RequestParser::Event::kHead) << head;
  return result.repeated;
}

bool repeats_at_the_third(const std::string& head) {
  HeadTemplates table;
  EXPECT_FALSE(repeats(table, head));
  EXPECT_FALSE(repeats(table, head));
  return repeats(table, head);
}

std::string push_of(const std::string& fields, int length = 7,
                    const std::string& line = "POST /metrics/job/a HTTP/1.1") {
  return line + "\r\nHost: push:9091\r\n" + fields + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

// One of many clients, all with as many bytes before the digits and the same first and last of them.
std::string client(int number) {
  return push_of("User-Agent: client-" + std::to_string(1000 + number) + "-of-many\r\n");
}
// One whose head resembles no other's.
std::string stranger(int number) {
  return "GET / HTTP/1.1\r\n" + std::string(1, static_cast<char>('a' + number % 26)) +
         std::string(static_cast<size_t>(number) + 8, 'x') + ": y\r\nHost: x\r\n\r\n";
}

TEST(HeadTemplates, LearnsTheSecondTime) {
  HeadTemplates table;
  EXPECT_FALSE(repeats(table, push_of("A: b\r\n", 1)));
  EXPECT_FALSE(repeats(table, push_of("A: b\r\n", 22, "PUT /metrics/job/other HTTP/1.1")));
  EXPECT_TRUE(repeats(table, push_of("A: b\r\n", 333, "POST /metrics/job/c/d/e?x HTTP/1.1")));
  EXPECT_FALSE(repeats(table, push_of("A: b\r\nC: d\r\n")));
  EXPECT_TRUE(repeats(table, push_of("A: b\r\n", 4)));
}

TEST(HeadTemplates, TakesHeadsOfManyKinds) {
  EXPECT_TRUE(repeats_at_the_third("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(repeats_at_the_third("GET /metrics HTTP/1.1\r\nHost: push:9091\r\nAccept: */*\r\n\r\n"));
  EXPECT_TRUE(repeats_at_the_third("DELETE /metrics/job/a HTTP/1.1\r\nHost: push:9091\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(repeats_at_the_third("PUT /a HTTP/1.1\r\nContent-Length: 0012\r\nHost: push:9091\r\n\r\n"));
  EXPECT_TRUE(repeats_at_the_third(push_of("A:\r\nB: \t c \t\r\nConnection: close\r\n")));
  EXPECT_TRUE(repeats_at_the_third(push_of(std::string("A: ") + std::string(970, 'a') + "\r\n")));
}

// What proxies in front add differs with each client or request.
TEST(HeadTemplates, KnowsWhatProxiesAdd) {
  HeadTemplates table;
  const auto head = [](int number) {
    const std::string text = std::to_string(1000 + number);
    return push_of("X-Real-IP: 10.0.0." + text + "\r\nX-Forwarded-For: 10.0.1." + text +
                   "\r\nX-Forwarded-Proto: https\r\n" + "X-Request-Id: " + text + "\r\ntraceparent: 00-" + text +
                   "\r\nAuthorization: Basic " + text + "\r\n");
  };
  for (int number = 0; number < 2; ++number) EXPECT_FALSE(repeats(table, head(number)));
  for (int number = 2; number < 100; ++number) EXPECT_TRUE(repeats(table, head(number))) << number;
}

// Heads with more of that than a template has holes for: seen often, and none learns from the others' delay.
TEST(HeadTemplates, HeadsThatAreNotFitKeepNobodyWaiting) {
  HeadTemplates table;
  std::string many;
  for (int field = 0; field < 9; ++field) many += "X-Trace-" + std::to_string(field) + ": 1\r\n";
  for (int number = 0; number < 3200; ++number) EXPECT_FALSE(repeats(table, push_of(many))) << number;
  int until = 0;
  while (!repeats(table, client(0)) && until < 100) ++until;
  EXPECT_LT(until, 5);
}

// Of these the verdict would depend on more than the fields, or the table would hold more than it should.
TEST(HeadTemplates, LeavesTheUnusual) {
  for (const std::string& head : {
           push_of("A: b\r\n", 7, "POST /a HTTP/1.0"),
           push_of("A: b\r\n", 7, "POST /a HTTP/1.2"),
           push_of("A: b\r\n", 7, "POST http://push/a HTTP/1.1"),
           push_of("A: b\r\n", 7, "OPTIONS * HTTP/1.1"),
           push_of("A: b\r\n", 7, "CONNECT push:1 HTTP/1.1"),
           push_of("A: b\r\n", 7, "FOO /a HTTP/1.1"),
           push_of("Expect: 100-continue\r\n"),
           push_of("Expect:\r\n"),
           push_of("Content-Length: 7\r\n"),
           push_of("A: b\n"),
           push_of(std::string("A: ") + std::string(1000, 'a') + "\r\n"),
           push_of("Cookie:\r\n"),
           push_of("Cookie: a\tb\r\n"),
           push_of("Cookie: \xc3\xbc\r\n"),
           push_of("Cookie: " + std::string(limits::kHeadTemplateValueBytesMax + 1, 'c') + "\r\n"),
           push_of("Cookie: a\r\nX-Api-Key: b\r\nAuthorization: c\r\nX-Request-Id: d\r\nTrace-1: e\r\nTrace-2: f\r\n"
                   "Trace-3: g\r\nTrace-4: h\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: push:9091\r\nContent-Length: 7 \r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: push:9091\r\nContent-Length: 0000000000000000007\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: push:9091\r\nTransfer-Encoding: chunked\r\n\r\n"),
           // A hole within the first eight bytes, by which templates are found.
           std::string("GET / HTTP/1.1\r\nToken: x\r\nHost: push:9091\r\n\r\n"),
       }) {
    EXPECT_FALSE(repeats_at_the_third(head)) << head;
  }
  std::string many;
  for (size_t i = 0; i < limits::kHeadTemplateFieldsMax; ++i) many += "a: b\r\n";
  EXPECT_FALSE(repeats_at_the_third(push_of(many)));
}

TEST(HeadTemplates, KeepsNoCredentials) {
  const std::string fields =
      "Host: push:9091\r\nAuthorization: Basic c2VjcmV0\r\nX-Api-Key: c2VjcmV0\r\nContent-Length: 7\r\nCookie: "
      "a=c2VjcmV0\r\n\r\n";
  const std::string head = "POST /a HTTP/1.1\r\n" + fields;
  RequestParser parser;
  Request request;
  Framing framing;
  const auto result = parser.parse_head(head, request, framing);
  ASSERT_EQ(result.event, RequestParser::Event::kHead);
  HeadTemplate made{};
  ASSERT_TRUE(made.make(std::string_view(head).substr(18), request, framing));
  const std::string_view memory(reinterpret_cast<const char*>(&made), sizeof made);
  EXPECT_NE(memory.find("Authorization: Basic"), memory.find("Authorization: "));
  EXPECT_NE(memory.find("Authorization: "), std::string_view::npos);
  EXPECT_EQ(memory.find("c2VjcmV0"), std::string_view::npos);
}

TEST(HeadTemplates, OpenNames) {
  for (const char* const name : {"Authorization", "proxy-authorization", "COOKIE", "X-Auth-Token", "X-Api-Key",
                                 "traceparent", "X-Request-ID", "X-Forwarded-For", "x-b3-spanid", "My-Password"}) {
    EXPECT_TRUE(HeadTemplate::is_open(name)) << name;
  }
  // Framing looks at these.
  for (const char* const name :
       {"Host", "Expect", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "TE", "Trailer", "Keep-Alive",
        "Proxy-Connection", "Content-Type", "User-Agent", "Accept", ""}) {
    EXPECT_FALSE(HeadTemplate::is_open(name)) << name;
  }
}

TEST(HeadTemplates, OtherCredentialsAreTheSameHead) {
  HeadTemplates table;
  const std::string front = "Authorization: ";
  EXPECT_FALSE(repeats(table, push_of(front + "Basic YTpi\r\nTraceparent: 00-1\r\n")));
  EXPECT_FALSE(repeats(table, push_of(front + "Basic YTpi\r\nTraceparent: 00-2\r\n")));
  EXPECT_TRUE(repeats(table, push_of(front + "Bearer another.longer-one\r\nTraceparent: 00-3333\r\n", 12)));
  EXPECT_FALSE(repeats(table, push_of(front + "\r\nTraceparent: 00-3333\r\n", 12)));
}

// Clients that cannot be told apart by a quick look, twice as many as are looked at: the one that pushes most is found.
TEST(HeadTemplates, TheUsualOnesComeFirst) {
  HeadTemplates table;
  for (int number = 0; number < 12; ++number) {
    repeats(table, client(number));
    repeats(table, client(number));
  }
  EXPECT_TRUE(repeats(table, client(11))) << "the newest is looked at";
  int found = 0;
  for (int push = 0; push < 100; ++push) found += repeats(table, client(0)) ? 1 : 0;
  EXPECT_GE(found, 98);
  for (int push = 0; push < 100; ++push) {
    EXPECT_TRUE(repeats(table, client(0)));
    repeats(table, client(push % 5 + 1));
  }
}

TEST(HeadTemplates, OneInUseOutlivesManyStrangers) {
  HeadTemplates table;
  repeats(table, client(0));
  repeats(table, client(0));
  for (int number = 0; number < 200; ++number) {
    repeats(table, stranger(number));
    repeats(table, stranger(number));
    ASSERT_TRUE(repeats(table, client(0))) << number;
  }
}

// Heads that come twice and never again: each template that they leave doubles the wait for the next one.
TEST(HeadTemplates, WaitsLongerWhenTemplatesAreOfNoUse) {
  HeadTemplates table;
  int made = 0;
  int last_made = 0;
  for (int number = 0; number < 1000; ++number) {
    repeats(table, stranger(number));
    repeats(table, stranger(number));
    // The table says so by knowing it; that is one match, too few to have paid.
    if (repeats(table, stranger(number))) {
      ++made;
      last_made = number;
    }
  }
  EXPECT_GE(made, 16);
  EXPECT_LE(made, 40);
  EXPECT_GT(last_made, 100);
  // And still there is one for who comes then and stays.
  int until = 0;
  while (!repeats(table, client(0)) && until < 5000) ++until;
  EXPECT_LT(until, 2 * static_cast<int>(limits::kHeadTemplateWaitMax));
}

// A template that is compared again and again without a match goes, and with it what the comparison costs.
TEST(HeadTemplates, DropsWhatIsLookedAtInVain) {
  HeadTemplates table;
  repeats(table, client(0));
  repeats(table, client(0));
  ASSERT_TRUE(repeats(table, client(0)));
  for (int number = 1; number < 100; ++number) {
    RequestParser parser;
    parser.share_templates(table);
    Request request;
    Framing framing;
    // Never well-formed, so that nothing is learned.
    std::string head = client(0);
    head.replace(head.find("client-"), 7, "client\x7f");
    EXPECT_EQ(parser.parse_head(head, request, framing).refusal.status, 400);
  }
  EXPECT_FALSE(repeats(table, client(0)));
}

}  // namespace
}  // namespace sluice::net::http
