// One request after another, waiting: for what is not load (looking whether the server is there, the scrape that
// verifies, removing what was pushed, an export).
//
// One owner, one thread. Connects anew when the server has closed the connection.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "tools/load/response_reader.h"
#include "tools/load/target.h"

namespace sluice::tools::load {

class HttpClient {
 public:
  // `target` outlives this. No single wait is longer than `timeout_ms`.
  HttpClient(const Target& target, int64_t timeout_ms) : target_(target), timeout_ms_(timeout_ms) {}
  ~HttpClient() { disconnect(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // What a request may have besides.
  struct Content {
    std::string_view fields;  // header lines, each with its "\r\n"
    std::string_view body;
  };

  // `path` behind the target's prefix. Returns the status; the body of the answer goes to `sink` as it comes. The error
  // is one sentence that names the host.
  [[nodiscard]] Result<int, std::string> request(std::string_view method, std::string_view path,
                                                 const ResponseReader::BodySink& sink, const Content& content);
  // The same without a body.
  [[nodiscard]] Result<int, std::string> request(std::string_view method, std::string_view path,
                                                 const ResponseReader::BodySink& sink = {}) {
    return request(method, path, sink, {});
  }

 private:
  void disconnect() noexcept;
  [[nodiscard]] Result<int, std::string> exchange(std::initializer_list<std::string_view> request,
                                                  const ResponseReader::BodySink& sink);
  [[nodiscard]] std::string problem(const char* what, int error) const;

  const Target& target_;
  int64_t timeout_ms_;
  int socket_ = -1;
};

}  // namespace sluice::tools::load
