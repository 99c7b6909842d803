// A parser whose table knows the head before it, or one that is nearly the same, says of every head what a parser
// without a table says: event, bytes, refusal, every view, framing, and what it does with the bytes behind.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/head_templates.h"
#include "net/http/request_parser.h"

namespace sluice::net::http {
namespace {

// What is behind a head tells how many line ends are dropped there, or what llhttp knows of the chunks.
constexpr std::string_view kBehind = "\r\n\r\n\n\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kChunks = "2\r\nab\r\n0\r\n\r\n";

struct Said {
  std::string text;
  bool repeated = false;
};

// Where a view lies in the bytes; an empty one, and the "/" that stands for a path, lie nowhere.
void append_view(std::string& text, std::string_view bytes, std::string_view view) {
  const std::less_equal<> not_after;
  const bool inside = not_after(bytes.data(), view.data()) && not_after(view.data(), bytes.data() + bytes.size());
  if (!view.empty() && inside) text.append(std::to_string(view.data() - bytes.data())).append("+");
  text.append(view).append("|");
}

void append_result(std::string& text, const RequestParser::HeadResult& result) {
  text += std::to_string(static_cast<int>(result.event)) + " " + std::to_string(result.consumed) + " " +
          std::to_string(result.refusal.status) + " " + std::string(result.refusal.detail) + "\n";
}

Said said_of(std::string_view head, HeadTemplates* table, size_t bytes_max = limits::kHeadBytesMax) {
  const std::string bytes = std::string(head) + std::string(kBehind);
  RequestParser parser;
  parser.limit_heads(bytes_max);
  if (table != nullptr) parser.share_templates(*table);
  Request request;
  request.headers.resize(3);  // of an earlier request
  request.host = "earlier";
  request.content_length = 99;
  Framing framing{.content_length = 98, .chunked = true, .keep_alive = false, .expect_continue = true};
  Said said;
  const auto result = parser.parse_head(bytes, request, framing);
  append_result(said.text, result);
  said.repeated = result.repeated;
  if (result.event != RequestParser::Event::kHead) {
    said.text += parser.in_head() ? "in head\n" : "";
    return said;
  }
  for (const std::string_view view : {request.method_text, request.target, request.host}) {
    append_view(said.text, bytes, view);
  }
  for (const Header& header : request.headers) {
    append_view(said.text, bytes, header.name);
    append_view(said.text, bytes, header.value);
  }
  for (const uint64_t number : {static_cast<uint64_t>(request.method), static_cast<uint64_t>(request.version_minor),
                                static_cast<uint64_t>(request.chunked), request.content_length, framing.content_length,
                                static_cast<uint64_t>(framing.chunked), static_cast<uint64_t>(framing.keep_alive),
                                static_cast<uint64_t>(framing.expect_continue)}) {
    said.text += " " + std::to_string(number);
  }
  if (framing.chunked) {
    std::string chunks(kChunks);
    const auto read = parser.read_chunked(chunks);
    said.text += "\n" + std::to_string(static_cast<int>(read.event)) + std::string(read.data.begin(), read.data.end());
  }
  said.text += "\n";
  append_result(said.text, parser.parse_head(std::string_view(bytes).substr(result.consumed), request, framing));
  return said;
}

std::vector<std::string> bases() {
  const std::string post = "POST /metrics/job/a HTTP/1.1\r\n";
  return {
      post + "Host: 127.0.0.1:9091\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 1174\r\n\r\n",
      post +
          "Host: p:9\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 5\r\nContent-Type: t/p\r\nAccept: g\r\n\r\n",
      post + "Content-Length: 007\r\nA:\r\nHost:x\r\n\r\n",
      post + "Host: x\r\nA:\r\nContent-Length:12\r\nB: \t c\t \r\nC:\r\n\r\n",
      post +
          "Accept-Encoding: identity\r\nContent-Length: 3\r\nHost: p:9\r\nConnection: close\r\n"
          "Authorization: Basic YTpi\r\n\r\n",
      post +
          "Host: p:9\r\nCookie: a=b; c\r\nContent-Length: 0\r\nX-Request-Id: 7f\r\nconnection: Keep-Alive, x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: p:9091\r\nAccept: */*\r\nTraceparent: 00\r\n\r\n",
      "DELETE /m/j HTTP/1.1\r\nhost: p:9091\r\nuser-agent: u\xc3\xbc\r\n\r\n",
  };
}

// A base with a table that knows it.
class Warm {
 public:
  explicit Warm(std::string base) : base_(std::move(base)), wanted_(said_of(base_, nullptr).text) { heat(); }

  // The head with this table is what it is without one, as often as it comes; so is the base thereafter.
  void check(const std::string& head, size_t bytes_max = limits::kHeadBytesMax) {
    const std::string wanted = said_of(head, nullptr, bytes_max).text;
    for (int time = 0; time < 3; ++time) {
      const Said said = said_of(head, &table_, bytes_max);
      repeated_ += said.repeated ? 1 : 0;
      ASSERT_EQ(said.text, wanted) << head << "\n--- after\n" << base_;
    }
    heat();
  }
  // The same of one that the template of the base fits.
  void check_repeated(const std::string& head) {
    ASSERT_TRUE(said_of(head, &table_).repeated) << head;
    check(head);
  }
  [[nodiscard]] const std::string& base() const noexcept { return base_; }
  // How many that were not the base had a template.
  [[nodiscard]] int repeated() const noexcept { return repeated_; }

 private:
  void heat() {
    for (uint32_t times = 0; times < 2 * limits::kHeadTemplateWaitMax; ++times) {
      const Said said = said_of(base_, &table_);
      ASSERT_EQ(said.text, wanted_) << base_;
      if (said.repeated) return;
    }
    FAIL() << "no template of " << base_;
  }

  std::string base_;
  std::string wanted_;
  HeadTemplates table_;
  int repeated_ = 0;
};

constexpr std::string_view kBytes("\0\t\n\r -059:,Aa[{\x7f\x80\xff", 18);

size_t digits_at(const std::string& head) {
  const size_t name = head.find("ontent-Length:");
  return name == std::string::npos ? name : head.find_first_of("0123456789", name);
}

TEST(RepeatedHeads, OneByteElsewhere) {
  for (const std::string& base : bases()) {
    Warm warm(base);
    for (size_t at = 0; at < base.size(); ++at) {
      std::string head = base;
      for (const char byte : kBytes) {
        head[at] = byte;
        warm.check(head);
        warm.check(std::string(base).insert(at, 1, byte));
      }
      head[at] = static_cast<char>(base[at] ^ 0x20);
      warm.check(head);
      warm.check(std::string(base).erase(at, 1));
      warm.check(base.substr(0, at));
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(warm.repeated(), 100) << base;
  }
}

TEST(RepeatedHeads, Lengths) {
  for (const std::string& base : bases()) {
    const size_t at = digits_at(base);
    if (at == std::string::npos) continue;
    const size_t count = base.find_first_not_of("0123456789", at) - at;
    Warm warm(base);
    for (const char* const digits : {"0", "00", "6", "0000", "123456", "999999999999999999", "000000000000000001"}) {
      warm.check_repeated(std::string(base).replace(at, count, digits));
    }
    for (const char* const value : {"",
                                    "+5",
                                    "-5",
                                    "5 5",
                                    " 5",
                                    "5 ",
                                    "5\t",
                                    "\t5",
                                    "0x5",
                                    "5,5",
                                    "5, 5",
                                    "5\r",
                                    "5\r\n 5",
                                    "5\r\n",
                                    "\r\n 5",
                                    "5a",
                                    "a",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "0000000000000000001",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "99999999999999999999999999"}) {
      warm.check(std::string(base).replace(at, count, value));
    }
    if (HasFatalFailure()) return;
  }
}

TEST(RepeatedHeads, RequestLines) {
  for (const std::string& base : bases()) {
    Warm warm(base);
    const std::string fields = base.substr(base.find('\n') + 1);
    for (const char* const line :
         {"PUT /b HTTP/1.1", "GET / HTTP/1.1", "HEAD /?x HTTP/1.1", "PATCH /gr\xc3\xbcn HTTP/1.1",
          "OPTIONS /a#b HTTP/1.1", "POST /a%20b HTTP/1.1", "TRACE /{}\"<> HTTP/1.1"}) {
      warm.check_repeated(std::string(line) + "\r\n" + fields);
    }
    for (const char* const line : {"POST /a HTTP/1.0",
                                   "POST /a HTTP/1.2",
                                   "POST /a HTTP/1.9",
                                   "POST /a HTTP/2.0",
                                   "POST /a HTTP/0.9",
                                   "POST /a http/1.1",
                                   "POST /a HTTP/1.1 ",
                                   "POST /a  HTTP/1.1",
                                   "POST  /a HTTP/1.1",
                                   " POST /a HTTP/1.1",
                                   "POST\t/a HTTP/1.1",
                                   "POST /a",
                                   "POST HTTP/1.1",
                                   "POST /a\x7f HTTP/1.1",
                                   "POST /%zz HTTP/1.1",
                                   "POST a HTTP/1.1",
                                   "POST * HTTP/1.1",
                                   "OPTIONS * HTTP/1.1",
                                   "CONNECT p:1 HTTP/1.1",
                                   "CONNECT /a HTTP/1.1",
                                   "GET http://other:1/a HTTP/1.1",
                                   "GET http://oth{er/a HTTP/1.1",
                                   "FOO /a HTTP/1.1",
                                   "PRI * HTTP/2.0",
                                   "PRI /a HTTP/1.1",
                                   "SOURCE /a ICE/1.0",
                                   "M-SEARCH /a HTTP/1.1",
                                   "P\xc3ST /a HTTP/1.1",
                                   "",
                                   "\r",
                                   "A: b",
                                   "POST /a HTTP/1.1\rX"}) {
      warm.check(std::string(line) + "\r\n" + fields);
      warm.check(std::string(line) + "\n" + fields);
      warm.check("\r\n" + std::string(line) + "\r\n" + fields);
    }
    warm.check("PUT /b HTTP/1.1\n" + fields);
    if (HasFatalFailure()) return;
  }
}

// Every line of the head twice, away, in another place, with an LF alone; and lines that change the verdict before
// each.
TEST(RepeatedHeads, Lines) {
  for (const std::string& base : bases()) {
    Warm warm(base);
    std::vector<std::string> lines;
    for (size_t from = 0; from < base.size(); from = base.find('\n', from) + 1) {
      lines.push_back(base.substr(from, base.find('\n', from) + 1 - from));
    }
    const auto check = [&](const std::vector<std::string>& of) {
      std::string head;
      for (const std::string& line : of) head += line;
      warm.check(head);
    };
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i);
      auto twice = lines;
      twice.insert(twice.begin() + at, lines[i]);
      check(twice);
      auto away = lines;
      away.erase(away.begin() + at);
      check(away);
      auto moved = lines;
      std::swap(moved[i], moved[moved.size() / 2]);
      check(moved);
      auto bare = lines;
      bare[i].erase(bare[i].size() - 2, 1);
      check(bare);
      for (const char* const line : {"Expect: 100-continue",
                                     "Expect: x",
                                     "Expect:",
                                     "Transfer-Encoding: chunked",
                                     "Transfer-Encoding: \tchunked",
                                     "Transfer-Encoding: gzip",
                                     "Transfer-Encoding:",
                                     "Host: y",
                                     "Host:",
                                     "Content-Length: 5",
                                     "content-length: 1174",
                                     "CONTENT-LENGTH: +5",
                                     "Connection: close",
                                     "Connection: keep-alive",
                                     "Connection: upgrade",
                                     "Upgrade: h2c",
                                     " folded",
                                     "\tfolded",
                                     ":",
                                     ": x",
                                     "A",
                                     "A : b",
                                     "A: b",
                                     "Authorization: Basic x",
                                     "Cookie: a\tb",
                                     "Cookie: ",
                                     "Cookie: \x80",
                                     "Cookie: a\r b",
                                     "Proxy-Connection: close"}) {
        auto more = lines;
        more.insert(more.begin() + at, std::string(line) + "\r\n");
        check(more);
      }
    }
    for (std::string& line : lines) line.erase(line.size() - 2, 1);
    check(lines);
    if (HasFatalFailure()) return;
  }
}

TEST(RepeatedHeads, LimitsOfTheHead) {
  for (const std::string& base : bases()) {
    Warm warm(base);
    for (size_t limit = base.size() - 20; limit < base.size() + 2; ++limit) warm.check(base, limit);
    if (HasFatalFailure()) return;
  }
}

// Values that are not compared: of any length that is allowed and beyond.
TEST(RepeatedHeads, OpenValues) {
  const auto head = [](std::string_view credentials) {
    std::string bytes = "POST / HTTP/1.1\r\nHost: p:9091\r\nAuthorization: ";
    return bytes.append(credentials).append("\r\nContent-Length: 5\r\nCookie: x\r\nA: b\r\n\r\n");
  };
  Warm warm(head("Basic YTpi"));
  const size_t most = limits::kHeadTemplateValueBytesMax;
  for (size_t bytes = 1; bytes < 40; ++bytes) warm.check_repeated(head(std::string(bytes, '~')));
  for (const size_t bytes : {most - 1, most}) warm.check_repeated(head(std::string(bytes, '~')));
  warm.check_repeated(head("Bearer a b"));
  for (const size_t bytes : {most + 1, 2 * most}) warm.check(head(std::string(bytes, 'a')));
  // Every byte at every place of a value that is looked at eight bytes at a time.
  std::string value(19, 'v');
  for (char& byte : value) {
    for (int other = 0; other < 256; ++other) {
      byte = static_cast<char>(other);
      warm.check(head(value));
    }
    byte = 'v';
  }
  for (const char* const text : {"", "a ", " a", "a\tb", "\x80", "a\x7f"}) warm.check(head(text));
}

TEST(RepeatedHeads, AHeadInTwoPieces) {
  for (const std::string& base : bases()) {
    Warm warm(base);
    HeadTemplates table;
    for (int time = 0; time < 3; ++time) EXPECT_EQ(said_of(base, &table).repeated, time == 2);
    for (size_t cut = 1; cut < base.size(); ++cut) {
      std::string texts[2];
      for (const bool with_table : {false, true}) {
        RequestParser parser;
        if (with_table) parser.share_templates(table);
        Request request;
        Framing framing;
        ASSERT_EQ(parser.parse_head(base.substr(0, cut), request, framing).event, RequestParser::Event::kNeedMore);
        const std::string rest = base.substr(cut) + "x";
        const auto result = parser.parse_head(rest, request, framing);
        EXPECT_EQ(result.repeated, with_table) << cut;
        EXPECT_TRUE(parser.head_is_own());
        append_result(texts[with_table ? 1 : 0], result);
        for (const Header& header : request.headers) {
          texts[with_table ? 1 : 0].append(header.name).append(": ").append(header.value).append("\n");
        }
      }
      ASSERT_EQ(texts[1], texts[0]) << base << cut;
    }
  }
}

// Several changes at once, also to what earlier changes have left in the table.
TEST(RepeatedHeads, ManyChanges) {
  const auto seed = static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed());
  std::mt19937_64 random(seed);
  SCOPED_TRACE(seed);
  for (const std::string& base : bases()) {
    Warm warm(base);
    std::string head = base;
    for (int change = 0; change < 1500; ++change) {
      if (change % 10 == 0) head = base;
      const size_t at = random() % head.size();
      switch (random() % 4) {
        case 0:
          head[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          head.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
        case 2:
          head.erase(at, 1);
          break;
        default: {
          const std::string piece = base.substr(random() % base.size(), 1 + random() % 30);
          head.insert(at, piece);
        }
      }
      if (head.empty()) head = base;
      warm.check(head);
    }
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::net::http
