// What the fields of a head say about framing, and the verdict over them: the rules of Go's server, and a refusal
// wherever two servers could read a request differently.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"
#include "net/http/request_line.h"
#include "net/http/status.h"

namespace sluice::net::http {

// The verdict over a well-formed head.
struct Framing {
  uint64_t content_length = kNoLength;  // kNoLength: no body, or chunked
  bool chunked = false;
  bool keep_alive = true;        // the client wants to go on after the answer
  bool expect_continue = false;  // it waits for 100-continue and has a body to send
};

// Collects the fields that matter, one add() for each field of the head. Views must outlive judge().
class FieldRules {
 public:
  void add(std::string_view name, std::string_view value) noexcept;

  // In Go's order of complaints: Transfer-Encoding (501), Content-Length (400), version (505), Host (400), Expect
  // (417).
  [[nodiscard]] Result<Framing, Refusal> judge(const RequestLine& line) const noexcept;

  [[nodiscard]] std::string_view host() const noexcept { return host_; }

 private:
  [[nodiscard]] Result<uint64_t, Refusal> content_length() const noexcept;

  std::string_view host_;
  std::string_view length_;
  std::string_view encoding_;
  std::string_view expect_;
  uint32_t hosts_ = 0;
  uint32_t lengths_ = 0;
  uint32_t encodings_ = 0;
  bool lengths_differ_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

}  // namespace sluice::net::http
