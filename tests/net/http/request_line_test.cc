// The request line: what the short way for plain lines takes is what the rules say, byte by byte.
#include "net/http/request_line.h"

#include <gtest/gtest.h>

#include <cctype>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::http {
namespace {

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// Origin-form: nothing below '!' and no DEL; in front of the query each '%' has two digits.
bool is_target(std::string_view target) {
  if (!target.starts_with('/')) return false;
  for (size_t i = 0; i < target.size(); ++i) {
    const auto byte = static_cast<unsigned char>(target[i]);
    if (byte <= ' ' || byte == 0x7f) return false;
    if (byte != '%' || target.substr(0, i).find('?') != std::string_view::npos) continue;
    if (i + 2 >= target.size() || !is_hex(target[i + 1]) || !is_hex(target[i + 2])) return false;
  }
  return true;
}

// The target of a line in origin-form that is good, read without haste.
std::optional<std::string_view> target_of(std::string_view line) {
  const size_t first = line.find(' ');
  if (first == 0 || first == std::string_view::npos) return std::nullopt;
  const size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view version = line.substr(second + 1);
  const bool good = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' &&
                    version[6] == '.' && version[7] >= '0' && version[7] <= '9';
  const std::string_view target = line.substr(first + 1, second - first - 1);
  return good && is_target(target) ? std::optional(target) : std::nullopt;
}

void check(std::string_view line, std::string_view method) {
  const auto wanted = target_of(line);
  const auto got = parse_request_line(line);
  ASSERT_EQ(got.has_value(), wanted.has_value()) << line;
  if (!wanted) {
    EXPECT_EQ(got.error().status, 400) << line;
    return;
  }
  // Views of the line itself, not only equal bytes.
  EXPECT_EQ(got->target.data(), wanted->data()) << line;
  EXPECT_EQ(got->target, *wanted) << line;
  EXPECT_EQ(got->target_text, *wanted) << line;
  EXPECT_EQ(got->authority, "") << line;
  EXPECT_EQ(got->method_text, method) << line;
  EXPECT_EQ(got->method, method_of(method)) << line;
  EXPECT_EQ(got->version_major, line[line.size() - 3] - '0') << line;
  EXPECT_EQ(got->version_minor, line[line.size() - 1] - '0') << line;
}

TEST(RequestLine, EveryByteAtEveryPlaceOfTheTarget) {
  for (const size_t bytes : {1, 2, 7, 8, 9, 15, 16, 17, 24, 31}) {
    for (size_t at = 1; at <= bytes; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string target = "/" + std::string(bytes, 'a');
        target[at] = static_cast<char>(byte);
        check("PUT " + target + " HTTP/1.1", "PUT");
        if (at > 1) {
          target[at - 1] = '%';
          check("PUT " + target + " HTTP/1.1", "PUT");
          target[1] = '?';
          check("PUT " + target + " HTTP/1.1", "PUT");
        }
      }
    }
  }
}

TEST(RequestLine, EveryMethodAndEveryVersion) {
  for (const char* method : {"GET", "PUT", "POST", "HEAD", "PATCH", "TRACE", "DELETE", "OPTIONS", "G", "GETS", "Post",
                             "PROPFIND", "A-LONG-ONE", "!#$%&'*+-.^_`|~"}) {
    for (const char* target : {"/", "/m", "/metrics/job/t", "/metrics/job/t/instance/host-1?a=b", "/%zz", "/%41"}) {
      for (const char* version : {"HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.12", "HTTP/1.", "HTTP/a.1",
                                  "HTTP/1,1", "http/1.1", "HTTP/1.1 ", " HTTP/1.1", ""}) {
        check(std::string(method) + " " + target + " " + version, method);
      }
    }
  }
}

TEST(RequestLine, CutAnywhere) {
  const std::string line = "DELETE /metrics/job/t/a/b HTTP/1.1";
  for (size_t at = 0; at <= line.size(); ++at) {
    check(line.substr(0, at), "DELETE");
    check(line.substr(0, at) + " " + line.substr(at), "DELETE");
  }
}

TEST(RequestLine, OtherForms) {
  EXPECT_EQ(parse_request_line("OPTIONS * HTTP/1.1")->target, "*");
  EXPECT_EQ(parse_request_line("POST http://u@h:1/metrics/job/t HTTP/1.1")->target, "/metrics/job/t");
  EXPECT_EQ(parse_request_line("POST http://u@h:1/metrics/job/t HTTP/1.1")->authority, "h:1");
  EXPECT_EQ(parse_request_line("CONNECT h:1 HTTP/1.1")->target, "/");
  EXPECT_EQ(parse_request_line("CONNECT h:1 HTTP/1.1")->authority, "h:1");
  EXPECT_FALSE(parse_request_line("POST metrics/job/t HTTP/1.1").has_value());
  EXPECT_FALSE(parse_request_line("PO ST /metrics/job/t HTTP/1.1").has_value());
  EXPECT_FALSE(parse_request_line("PO\x80 /metrics/job/t HTTP/1.1").has_value());
}

}  // namespace
}  // namespace sluice::net::http
