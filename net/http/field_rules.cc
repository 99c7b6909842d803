#include "net/http/field_rules.h"

#include "net/http/ascii.h"

namespace sluice::net::http {
namespace {

constexpr Refusal kBadRequest{400, {}};

// Whether a comma-separated list has the token.
bool list_has(std::string_view list, std::string_view token) noexcept {
  while (true) {
    const size_t comma = list.find(',');
    if (equals_ignoring_case(ascii::trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

// Go's hasToken: the token between blanks, tabs, commas or the ends.
bool text_has(std::string_view text, std::string_view token) noexcept {
  const auto boundary = [](char c) { return c == ' ' || c == '\t' || c == ','; };
  for (size_t at = 0; at + token.size() <= text.size(); ++at) {
    if (!equals_ignoring_case(text.substr(at, token.size()), token)) continue;
    if (at != 0 && !boundary(text[at - 1])) continue;
    if (const size_t end = at + token.size(); end != text.size() && !boundary(text[end])) continue;
    return true;
  }
  return false;
}

}  // namespace

void FieldRules::add(std::string_view name, std::string_view value) noexcept {
  switch (name.size()) {
    case 4:
      if (equals_ignoring_case(name, "host")) {
        if (hosts_++ == 0) host_ = value;
      }
      return;
    case 6:
      if (equals_ignoring_case(name, "expect") && expect_.empty()) expect_ = value;
      return;
    case 10:
      if (equals_ignoring_case(name, "connection")) {
        close_ = close_ || list_has(value, "close");
        keep_alive_ = keep_alive_ || list_has(value, "keep-alive");
      }
      return;
    case 14:
      if (equals_ignoring_case(name, "content-length")) {
        if (lengths_++ == 0) {
          length_ = value;
        } else if (value != length_) {
          lengths_differ_ = true;
        }
      }
      return;
    case 17:
      if (equals_ignoring_case(name, "transfer-encoding")) {
        if (encodings_++ == 0) encoding_ = value;
      }
      return;
    default:
      return;
  }
}

Result<uint64_t, Refusal> FieldRules::content_length() const noexcept {
  if (lengths_ == 0) return kNoLength;
  if (lengths_differ_ || length_.empty()) return Unexpected(kBadRequest);
  uint64_t length = 0;
  for (const char c : length_) {
    if (c < '0' || c > '9') return Unexpected(kBadRequest);
    const auto digit = static_cast<uint64_t>(c - '0');
    // The largest length is 2^63 - 1, as in Go.
    if (length > (static_cast<uint64_t>(INT64_MAX) - digit) / 10) return Unexpected(kBadRequest);
    length = length * 10 + digit;
  }
  return length;
}

Result<Framing, Refusal> FieldRules::judge(const RequestLine& line) const noexcept {
  Framing framing;
  const bool version_1_1 = line.version_major == 1 && line.version_minor >= 1;
  if (encodings_ != 0) {
    if (encodings_ != 1 || !equals_ignoring_case(encoding_, "chunked")) {
      return Unexpected(Refusal{501, "Unsupported transfer encoding"});
    }
    // Go drops the length, and on HTTP/1.0 the encoding; another server on the way may do the opposite.
    if (lengths_ != 0 || !version_1_1) return Unexpected(kBadRequest);
    framing.chunked = true;
  }
  const auto length = content_length();
  if (!length) return Unexpected(length.error());
  framing.content_length = *length;

  if (line.version_major != 1) return Unexpected(Refusal{505, "unsupported protocol version"});
  if (hosts_ == 0 && version_1_1 && line.method != Method::kConnect) {
    return Unexpected(Refusal{400, "missing required Host header"});
  }
  if (hosts_ > 1) return Unexpected(Refusal{400, "too many Host headers"});
  if (!ascii::all(host_, ascii::kHost)) return Unexpected(Refusal{400, "malformed Host header"});

  framing.keep_alive = version_1_1 ? !close_ : keep_alive_ && !close_;
  if (text_has(expect_, "100-continue")) {
    framing.expect_continue = version_1_1 && (framing.chunked || (*length != kNoLength && *length != 0));
  } else if (!expect_.empty()) {
    return Unexpected(Refusal{417, {}});
  }
  return framing;
}

}  // namespace sluice::net::http
