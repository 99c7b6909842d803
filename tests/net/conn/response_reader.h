// Takes apart what a server sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::net::conn {

struct ReadResponse {
  int status = 0;
  std::string head;  // status line and fields
  std::string body;
  bool complete = false;
  bool until_close = false;  // the end of the connection ends it
};

struct ReadResponses {
  std::vector<ReadResponse> responses;
  std::string rest;  // of an incomplete head, or what is not HTTP
  [[nodiscard]] std::vector<int> statuses() const;
};

// `head_first`: the first request was a HEAD. `closed`: the server has ended the stream.
[[nodiscard]] ReadResponses read_responses(std::string_view bytes, bool head_first, bool closed);

}  // namespace sluice::net::conn
