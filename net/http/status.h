// Status codes: their reason phrases and the answers to requests that never become an exchange.
#pragma once

#include <string>
#include <string_view>

namespace sluice::net::http {

// The reason phrase as Go's net/http has it ("Request Entity Too Large", not RFC 9110's newer name). Empty for a code
// that this server never sends.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// Why a request is refused before it reaches a handler. `detail` is Go's explanation and has static storage; empty for
// the plain text of the status.
struct Refusal {
  int status = 0;
  std::string_view detail;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// Appends the whole answer to `out`, byte for byte what Go's server writes: the detail stands in the status line and in
// the text; there is no Date and no Content-Length, the end of the connection ends the body. A 503, which Go's never
// writes, asks to try again a second later.
void append_refusal(std::string& out, const Refusal& refusal);

}  // namespace sluice::net::http
