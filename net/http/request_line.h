// The first line of a request, by the grammar of Go's server: exactly two blanks, a method that is a token, a target,
// and HTTP/x.y with one digit each.
//
// Pure functions of bytes: the views returned point into what was passed in.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"
#include "net/http/exchange.h"
#include "net/http/status.h"

namespace sluice::net::http {

struct RequestLine {
  std::string_view method_text;
  std::string_view target_text;  // as sent
  std::string_view target;       // origin-form, or "*"; "/" where absolute-form or CONNECT names no path
  std::string_view authority;    // of absolute-form and CONNECT; else empty
  Method method = Method::kOther;
  uint8_t version_major = 1;
  uint8_t version_minor = 1;
};

// `line` without its end. Versions other than 1.x are returned as they are: which complaint about a request comes first
// is the caller's affair. Everything else that Go's server refuses is a 400.
[[nodiscard]] Result<RequestLine, Refusal> parse_request_line(std::string_view line) noexcept;

[[nodiscard]] Method method_of(std::string_view text) noexcept;

}  // namespace sluice::net::http
