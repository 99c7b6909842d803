#include "net/http/response_head.h"

#include <charconv>

#include "core/base/check.h"
#include "net/http/status.h"

namespace sluice::net::http {
namespace {

void append_number(std::string& out, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

}  // namespace

void append_response_head(std::string& out, int status, std::string_view fields, std::string_view date_line,
                          const ResponseFraming& framing) {
  SLUICE_DCHECK(status >= 100 && status <= 999);
  out += framing.version_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  append_number(out, static_cast<uint64_t>(status));
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
  out += fields;
  out += date_line;
  switch (framing.body) {
    case ResponseFraming::Body::kLength:
      out += "Content-Length: ";
      append_number(out, framing.body_bytes);
      out += "\r\n";
      break;
    case ResponseFraming::Body::kChunked:
      out += "Transfer-Encoding: chunked\r\n";
      break;
    case ResponseFraming::Body::kUntilClose:
    case ResponseFraming::Body::kNone:
      break;
  }
  if (framing.close) {
    out += "Connection: close\r\n";
  } else if (framing.keep_alive) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace sluice::net::http
