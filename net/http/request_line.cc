#include "net/http/request_line.h"

#include <cstring>

#include "core/base/swar.h"
#include "net/http/ascii.h"

namespace sluice::net::http {
namespace {

constexpr Refusal kBadRequest{400, {}};

size_t find(std::string_view text, char c) noexcept {
  const void* at = text.empty() ? nullptr : std::memchr(text.data(), c, text.size());
  return at == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// True: no control, no blank and no '%' among the eight bytes at `at`. False may be wrong.
bool plain_word(const char* at) noexcept {
  const uint64_t word = load_u64(at);
  // 7f is the one byte that has no high bit and gets one when 1 is added; a byte above an ff may be marked falsely.
  const uint64_t deletes = (word + swar::kOnes) & ~word & swar::kHighs;
  return (swar::bytes_below(word, 0x21) | deletes | swar::bytes_equal_to(word, '%')) == 0;
}

// True: valid_target_bytes, and no blank is in it. False says nothing.
bool plain_target(std::string_view target) noexcept {
  if (target.size() < 8) return false;
  const char* const last = target.data() + target.size() - 8;
  for (const char* at = target.data(); at < last; at += 8) {
    if (!plain_word(at)) return false;
  }
  return plain_word(last);
}

// No controls and no blank; in the path, each '%' begins an escape. Bytes above 0x7f pass: curl sends them raw.
bool valid_target_bytes(std::string_view target) noexcept {
  bool in_query = false;
  for (size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return false;
    if (c == '?') in_query = true;
    if (c != '%' || in_query) continue;
    if (target.size() - i < 3) return false;
    if (!ascii::is(target[i + 1], ascii::kHexDigit) || !ascii::is(target[i + 2], ascii::kHexDigit)) return false;
  }
  return true;
}

bool valid_scheme(std::string_view scheme) noexcept {
  if (scheme.empty() || ascii::lower(scheme[0]) < 'a' || ascii::lower(scheme[0]) > 'z') return false;
  for (const char c : scheme) {
    const char l = ascii::lower(c);
    if (!((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')) return false;
  }
  return true;
}

// scheme://[userinfo@]host[:port][/path][?query] into target and authority.
bool reduce_absolute_form(RequestLine& line) noexcept {
  const std::string_view text = line.target_text;
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos || !valid_scheme(text.substr(0, colon))) return false;
  std::string_view rest = text.substr(colon + 3);
  const size_t end = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, end);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  if (!ascii::all(authority, ascii::kHost)) return false;
  line.authority = authority;
  // The query never matters to routing, so a target without a path loses it instead of being copied.
  line.target = end != std::string_view::npos && rest[end] == '/' ? rest.substr(end) : std::string_view("/");
  return true;
}

bool reduce_target(RequestLine& line) noexcept {
  const std::string_view text = line.target_text;
  if (text.empty() || !valid_target_bytes(text)) return false;
  if (text[0] == '/' || text == "*") {
    line.target = text;
    return true;
  }
  if (line.method != Method::kConnect) return reduce_absolute_form(line);
  if (!ascii::all(text, ascii::kHost)) return false;
  line.authority = text;
  line.target = "/";
  return true;
}

}  // namespace

namespace {

// Nearly every line: a method that is known, a path without escapes, a version. False says nothing about the line.
bool parse_plain_line(std::string_view text, RequestLine& line) noexcept {
  constexpr size_t kLongestMethod = 7;
  constexpr size_t kTailBytes = 9;  // " HTTP/1.1"
  size_t blank = 0;
  while (blank <= kLongestMethod && blank < text.size() && text[blank] != ' ') ++blank;
  if (text.size() < blank + 2 + kTailBytes || text[blank] != ' ') return false;
  line.method_text = text.substr(0, blank);
  line.method = method_of(line.method_text);
  const std::string_view target = text.substr(blank + 1, text.size() - kTailBytes - blank - 1);
  const std::string_view tail = text.substr(text.size() - kTailBytes);
  if (line.method == Method::kOther || target[0] != '/' || !plain_target(target)) return false;
  if (std::memcmp(tail.data(), " HTTP/", 6) != 0 || !is_digit(tail[6]) || tail[7] != '.' || !is_digit(tail[8])) {
    return false;
  }
  line.target_text = target;
  line.target = target;
  line.version_major = static_cast<uint8_t>(tail[6] - '0');
  line.version_minor = static_cast<uint8_t>(tail[8] - '0');
  return true;
}

}  // namespace

Method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::kGet;
      if (text == "PUT") return Method::kPut;
      return Method::kOther;
    case 4:
      if (text == "POST") return Method::kPost;
      if (text == "HEAD") return Method::kHead;
      return Method::kOther;
    case 5:
      if (text == "PATCH") return Method::kPatch;
      if (text == "TRACE") return Method::kTrace;
      return Method::kOther;
    case 6:
      return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      if (text == "OPTIONS") return Method::kOptions;
      if (text == "CONNECT") return Method::kConnect;
      return Method::kOther;
    default:
      return Method::kOther;
  }
}

namespace {

Result<RequestLine, Refusal> parse_any_line(std::string_view text) noexcept {
  RequestLine line;
  const size_t first = find(text, ' ');
  if (first == std::string_view::npos) return Unexpected(kBadRequest);
  line.method_text = text.substr(0, first);
  const std::string_view rest = text.substr(first + 1);
  const size_t second = find(rest, ' ');
  if (second == std::string_view::npos) return Unexpected(kBadRequest);
  line.target_text = rest.substr(0, second);
  const std::string_view version = rest.substr(second + 1);

  if (line.method_text.empty() || !ascii::all(line.method_text, ascii::kToken)) return Unexpected(kBadRequest);
  line.method = method_of(line.method_text);
  if (version.size() != 8 || std::memcmp(version.data(), "HTTP/", 5) != 0 || version[6] != '.' ||
      !is_digit(version[5]) || !is_digit(version[7])) {
    return Unexpected(kBadRequest);
  }
  line.version_major = static_cast<uint8_t>(version[5] - '0');
  line.version_minor = static_cast<uint8_t>(version[7] - '0');
  if (!reduce_target(line)) return Unexpected(kBadRequest);
  return line;
}

}  // namespace

Result<RequestLine, Refusal> parse_request_line(std::string_view text) noexcept {
  // In its place: a line is ten words.
  Result<RequestLine, Refusal> line;
  if (!parse_plain_line(text, *line)) line = parse_any_line(text);
  return line;
}

}  // namespace sluice::net::http
