// The head of an answer: status line, the handler's fields and the fields that are the connection's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::net::http {

struct ResponseFraming {
  enum class Body : uint8_t {
    kLength,      // Content-Length: body_bytes
    kChunked,     // Transfer-Encoding: chunked
    kUntilClose,  // neither: HTTP/1.0 and a body of unknown length
    kNone,        // neither: a status that has no body (1xx, 204, 304)
  };
  Body body = Body::kLength;
  uint64_t body_bytes = 0;
  bool close = false;        // Connection: close
  bool keep_alive = false;   // Connection: keep-alive, which a client with HTTP/1.0 has to be told
  bool version_1_0 = false;  // the request was HTTP/1.0: so is the status line, as Go has it
};

// Appends the head with its empty line to `out`. `fields`: complete lines; `date_line`: as DateLine gives it. Fields
// in the order status line, handler's, Date, framing.
void append_response_head(std::string& out, int status, std::string_view fields, std::string_view date_line,
                          const ResponseFraming& framing);

}  // namespace sluice::net::http
