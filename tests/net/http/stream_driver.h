// Runs a byte stream through RequestParser as a connection would, cut where the test says, and writes down what came
// out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net::http {

struct ParsedRequest {
  std::string method;
  std::string target;
  std::string host;
  std::string fields;  // "name: value\n" each
  std::string body;
  int version_minor = 1;
  bool keep_alive = true;
  bool expect_continue = false;
  bool operator==(const ParsedRequest&) const = default;
};

struct Transcript {
  std::vector<ParsedRequest> requests;
  int refused = 0;  // status of the refusal that ended the stream
  std::string detail;
  bool in_head = false;  // the stream ended in the middle of a head
  bool in_body = false;  // or of a body
  bool operator==(const Transcript&) const = default;
};

// `cuts`: ascending positions at which the stream is split into separate receives.
[[nodiscard]] Transcript run_stream(std::string_view stream, const std::vector<size_t>& cuts);

[[nodiscard]] std::string describe(const Transcript& transcript);

}  // namespace sluice::net::http
