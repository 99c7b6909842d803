// The committed cases: the families of malformed and ambiguous requests that matter most, smuggling above all.
#include "tests/net/http/http1_cases.h"

namespace sluice::net::http {
namespace {

const std::string kNext = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";  // 36 bytes
const std::string kPost = "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\n";

std::string get(const std::string& fields) { return "GET /-/ready HTTP/1.1\r\n" + fields + "\r\n"; }
std::string line(const std::string& text) { return text + "\r\nHost: x\r\n\r\n"; }

class Cases {
 public:
  // Refused with `status`, nothing after it is read.
  void refuse(const std::string& id, int status, const std::string& bytes) {
    add(id, bytes, {status}, 1, 1, Http1Case::Close::kMust);
  }
  // Cut by the client: no more than the complaint.
  void cut(const std::string& id, const std::string& bytes) {
    add(id, bytes, {400}, 0, 1, Http1Case::Close::kMust).half_close = true;
  }
  void serve(const std::string& id, int responses, const std::string& bytes) {
    add(id, bytes, {200}, responses, responses, Http1Case::Close::kMustNot);
  }
  Http1Case& add(const std::string& id, const std::string& bytes, std::vector<int> status, int least, int most,
                 Http1Case::Close close) {
    Http1Case& made = cases_.emplace_back();
    made.id = "own-" + id;
    made.parts = {bytes};
    made.status = std::move(status);
    made.responses_min = least;
    made.responses_max = most;
    made.close = close;
    return made;
  }
  std::vector<Http1Case> take() { return std::move(cases_); }

 private:
  std::vector<Http1Case> cases_;
};

// The request after the body must never be answered when the two readings of the body's length differ.
void add_smuggling(Cases& cases) {
  const std::string chunked = "\r\n0\r\n\r\n" + kNext;
  cases.refuse("cl-te", 400, kPost + "Content-Length: 41\r\nTransfer-Encoding: chunked\r\n" + chunked);
  cases.refuse("te-cl", 400, kPost + "Transfer-Encoding: chunked\r\nContent-Length: 41\r\n" + chunked);
  cases.refuse("te-1.0", 400, "POST /metrics/job/h HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + chunked);
  for (const char* const te : {"chunked, identity", "identity, chunked", "identity", "xchunked", "chunkedx", "",
                               "chunk", "\"chunked\"", "chunked,", ", chunked", "chunked;a=b",
                               "\xa0"
                               "chunked"}) {
    cases.refuse(std::string("te-value-") + te, 501, kPost + "Transfer-Encoding: " + te + "\r\n" + chunked);
  }
  cases.refuse("te-twice", 501, kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + chunked);
  cases.refuse("te-blank-name", 400, kPost + "Transfer-Encoding : chunked\r\n" + chunked);
  cases.refuse("te-folded", 400, kPost + "Transfer-Encoding:\r\n chunked\r\n" + chunked);
  cases.refuse("te-folded-lf", 400, kPost + "Transfer-Encoding:\n chunked\r\n" + chunked);
  cases.refuse("te-folded-away", 400, kPost + "Foo: bar\r\n Transfer-Encoding: chunked\r\n" + chunked);
  cases.refuse("te-bare-cr", 400, kPost + "Foo: bar\rTransfer-Encoding: chunked\r\n" + chunked);
  cases.refuse("te-bare-cr-empty", 400, kPost + "Foo:\rTransfer-Encoding: chunked\r\n" + chunked);
  cases.refuse("te-nul", 400, kPost + std::string("Transfer-Encoding: chunked\0\r\n", 29) + chunked);
  cases.refuse("te-vt", 400, kPost + "Transfer-Encoding: \vchunked\r\n" + chunked);
  cases.serve("te-case", 2, kPost + "tRANSFER-eNCODING: CHUNKED\r\n" + chunked);
  cases.serve("te-blanks", 2, kPost + "Transfer-Encoding: \t chunked \t\r\n" + chunked);

  cases.refuse("cl-differ", 400, kPost + "Content-Length: 4\r\nContent-Length: 5\r\n\r\na 1\n" + kNext);
  cases.refuse("cl-04", 400, kPost + "Content-Length: 4\r\nContent-Length: 04\r\n\r\na 1\n" + kNext);
  cases.refuse("cl-second-empty", 400, kPost + "Content-Length: 4\r\nContent-Length:\r\n\r\na 1\n" + kNext);
  cases.serve("cl-equal", 2, kPost + "Content-Length: 4\r\nContent-Length: 4\r\n\r\na 1\n" + kNext);
  for (const char* const cl : {"4, 4", "4,4", "+4", "-4", "0x4", "4.0", "4e0", "4 4", "", "\"4\"", "_4", "\v4", "a",
                               "9223372036854775808", "18446744073709551620", "99999999999999999999999999"}) {
    cases.refuse(std::string("cl-value-") + cl, 400, kPost + "Content-Length: " + cl + "\r\n\r\na 1\n" + kNext);
  }
  cases.refuse("cl-blank-name", 400, kPost + "Content-Length : 36\r\n\r\n" + kNext);
  cases.refuse("cl-huge", 413, kPost + "Content-Length: 9223372036854775807\r\n\r\na 1\n");
}

void add_chunks(Cases& cases) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  cases.serve("chunks", 2, head + "2\r\na \r\n2\r\n1\n\r\n0\r\n\r\n" + kNext);
  cases.serve("chunk-trailer", 2, head + "4\r\na 1\n\r\n0\r\nX: y\r\n\r\n" + kNext);
  cases.serve("chunk-extension", 2, head + "4;a=b\r\na 1\n\r\n0;c\r\n\r\n" + kNext);
  cases.serve("chunk-last-000", 2, head + "4\r\na 1\n\r\n000\r\n\r\n" + kNext);
  for (const char* const size :
       {"+4", "-4", "0x4", " 4", "4g", "4_", "", "4\n", "FFFFFFFFFFFFFFFF", "10000000000000004"}) {
    cases.refuse(std::string("chunk-size-") + size, 400, head + size + "\r\na 1\n\r\n0\r\n\r\n" + kNext);
  }
  cases.refuse("chunk-lf", 400, head + "4\na 1\n\r\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-data-lf", 400, head + "4\r\na 1\n\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-last-lf", 400, head + "4\r\na 1\n\r\n0\n\r\n" + kNext);
  cases.refuse("chunk-extension-lf", 400, head + "4;a\nb\r\na 1\n\r\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-cr-cr", 400, head + "5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-too-short", 400, head + "3\r\na 1\n\r\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-extension-20k", 400, head + "4;" + std::string(20'000, 'a') + "\r\na 1\n\r\n0\r\n\r\n" + kNext);
  cases.refuse("chunk-end-lf", 400, head + "4\r\na 1\n\r\n0\r\n\n" + kNext);
  cases.refuse("chunk-trailer-length", 400, head + "4\r\na 1\n\r\n0\r\nContent-Length: 36\r\n\r\n" + kNext);
  cases.refuse("chunk-trailer-encoding", 400, head + "4\r\na 1\n\r\n0\r\nTransfer-Encoding: x\r\n\r\n" + kNext);
  cases.refuse("chunk-trailer-nameless", 400, head + "4\r\na 1\n\r\n0\r\n: y\r\n\r\n" + kNext);
  cases.refuse("chunk-trailer-folded", 400, head + "4\r\na 1\n\r\n0\r\nX: y\r\n z\r\n\r\n" + kNext);
  cases.cut("chunk-cut", head + "4\r\na 1\n\r\n0\r\n");
}

void add_fields(Cases& cases) {
  cases.refuse("name-blank", 400, get("Bad Header: x\r\nHost: x\r\n") + kNext);
  cases.refuse("name-none", 400, get("Host: x\r\n: y\r\n"));
  cases.refuse("name-high", 400, get("Host: x\r\nA\x85: y\r\n"));
  cases.refuse("no-colon", 400, get("Host: x\r\nname\r\n"));
  cases.refuse("value-control", 400, get("Host: x\r\nA: b\x07\r\n"));
  cases.refuse("value-nul", 400, get("Host: x\r\n" + std::string("A: b\0c\r\n", 8)));
  cases.refuse("folded", 400, get("Host: x\r\nA: b\r\n\tc\r\n"));
  cases.refuse("folded-host", 400, get("Host: x\r\n y\r\n"));
  cases.refuse("folded-first", 400, get(" A: b\r\nHost: x\r\n"));
  cases.refuse("cr-cr-lf", 400, get("Host: x\r\r\nA: b\r\n"));
  cases.refuse("host-missing", 400, get(""));
  cases.refuse("host-twice", 400, get("Host: x\r\nHost: x\r\n"));
  cases.refuse("host-brace", 400, get("Host: {\r\n"));
  cases.refuse("host-high", 400, get("Host: x\xff\r\n"));
  cases.refuse("expect-else", 417, get("Host: x\r\nExpect: tea\r\n"));
  cases.refuse("fields-70k", 431, get("Host: x\r\nA: " + std::string(70'000, 'b') + "\r\n"));
  cases.serve("value-tab", 1, get("Host: x\r\nA: b\tc\r\nB:\r\nC: \t d \t\r\n"));
  cases.serve("value-high", 1, get("Host: x\r\nA: D\xc3\xbcsseldorf\r\n"));
  cases.serve("host-port", 1, get("Host: [::1]:80\r\n"));
  cases.serve("bare-lf", 2, "GET /-/ready HTTP/1.1\nHost: x\nA: b\n\n" + kNext);
  cases.serve("bare-lf-mixed", 2, get("Host: x\nA: b\r\n") + kNext);
  cases.refuse("bare-lf-end", 400, "POST /metrics/job/h HTTP/1.1\r\nHost: x\r\nContent-Length: 36\n\n" + kNext);
  cases.serve("upgrade", 2, get("Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n") + kNext);
  cases.add("close", get("Host: x\r\nConnection: keep-alive, close\r\n") + kNext, {200}, 1, 1, Http1Case::Close::kMust);
}

void add_lines(Cases& cases) {
  cases.refuse("version-0.9", 505, line("GET /-/ready HTTP/0.9"));
  cases.refuse("version-2.0", 505, line("GET /-/ready HTTP/2.0"));
  cases.refuse("version-3.0", 505, line("GET /-/ready HTTP/3.0"));
  for (const char* const version : {"HTTP/1.10", "HTTP/01.1", "HTTP/.1", "HTTP/1.1.1", "HTTP /1.1", "http/1.1",
                                    "HTTP/-1.1", "RTSP/1.0", "ICE/1.0", "IHTTP/1.1", ""}) {
    cases.refuse(std::string("version-") + version, 400, line(std::string("GET /-/ready ") + version));
  }
  cases.serve("version-1.2", 2, line("GET /-/ready HTTP/1.2") + kNext);
  cases.serve("version-1.9", 2, line("GET /-/ready HTTP/1.9") + kNext);
  cases.add("version-1.0", line("GET /-/ready HTTP/1.0") + kNext, {200}, 1, 1, Http1Case::Close::kMust);
  cases.serve("version-1.0-keep", 2, "GET /-/ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + kNext);
  cases.add("method-unknown", line("FOO /-/ready HTTP/1.1") + kNext, {405}, 2, 2, Http1Case::Close::kMustNot);
  cases.add("method-head", line("HEAD /-/ready HTTP/1.1") + kNext, {405}, 2, 2, Http1Case::Close::kMustNot);
  cases.refuse("method-bad", 400, line("G(T /-/ready HTTP/1.1"));
  cases.refuse("method-none", 400, line(" /-/ready HTTP/1.1"));
  cases.refuse("two-blanks", 400, line("GET  /-/ready HTTP/1.1"));
  cases.refuse("blank-at-end", 400, line("GET /-/ready HTTP/1.1 "));
  cases.refuse("target-blank", 400, line("GET /a b HTTP/1.1"));
  cases.refuse("target-control", 400,
               line("GET /a\x01"
                    "b HTTP/1.1"));
  cases.refuse("target-escape", 400, line("GET /a%zzb HTTP/1.1"));
  cases.refuse("target-escape-cut", 400, line("GET /a% HTTP/1.1"));
  cases.refuse("target-relative", 400, line("GET a HTTP/1.1"));
  cases.refuse("simple-request", 400, "GET /\r\n\r\n");
  cases.refuse("target-70k", 414, line("GET /" + std::string(70'000, 'a') + " HTTP/1.1"));
  cases.add("target-utf8", line("GET /gr\xc3\xbcn HTTP/1.1"), {404}, 1, 1, Http1Case::Close::kMustNot);
  cases.serve("absolute", 1, line("GET http://other/-/ready HTTP/1.1"));
  cases.serve("absolute-userinfo", 1, line("GET http://u:p@x/-/ready HTTP/1.1"));
  cases.refuse("leading-line", 400, "\r\n" + line("GET /-/ready HTTP/1.1"));
  cases.serve("line-after-post", 2, kPost + "Content-Length: 4\r\n\r\na 1\n\r\n" + kNext);
  cases.add("line-after-get", get("Host: x\r\n") + "\r\n" + kNext, {200}, 2, 2, Http1Case::Close::kMust);
  cases.refuse("lf-after-crlf", 400, kPost + "\n" + kNext);
  cases.refuse("http-2-preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  cases.refuse("not-http", 400, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  cases.cut("cut-line", "GET /-/re");
  cases.cut("cut-fields", "GET /-/ready HTTP/1.1\r\nHost: x\r\n");
  cases.serve("post-without-length", 2, kPost + "\r\n" + kNext);
  cases.serve("pipeline", 3,
              kPost + "Content-Length: 4\r\n\r\na 1\n" + kNext + kPost + "Content-Length: 4\r\n\r\nb 2\n");
}

}  // namespace

std::vector<Http1Case> own_http1_cases() {
  Cases cases;
  add_smuggling(cases);
  add_chunks(cases);
  add_fields(cases);
  add_lines(cases);
  return cases.take();
}

}  // namespace sluice::net::http
