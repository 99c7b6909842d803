#include "tests/net/http/stream_driver.h"

#include <algorithm>

#include "net/http/request_parser.h"

namespace sluice::net::http {
namespace {

class Driver {
 public:
  void receive(std::string_view piece) {
    // Its own block of memory, so that ASan sees a view that outlives its receive.
    std::vector<char> buffer(piece.begin(), piece.end());
    std::span<char> rest(buffer);
    while (!ended() && (!rest.empty())) {
      rest = rest.subspan(in_body_ ? read_body(rest) : read_head(rest));
    }
  }
  Transcript finish() {
    transcript_.in_body = transcript_.refused == 0 && in_body_;
    transcript_.in_head = transcript_.refused == 0 && parser_.in_head();
    return std::move(transcript_);
  }

 private:
  [[nodiscard]] bool ended() const { return transcript_.refused != 0 || closed_; }

  size_t read_head(std::span<char> bytes) {
    const auto result = parser_.parse_head({bytes.data(), bytes.size()}, request_, framing_);
    if (result.event == RequestParser::Event::kRefused) {
      refuse(result.refusal);
      return bytes.size();
    }
    if (result.event == RequestParser::Event::kNeedMore) return bytes.size();
    ParsedRequest& parsed = transcript_.requests.emplace_back();
    parsed.method = request_.method_text;
    parsed.target = request_.target;
    parsed.host = request_.host;
    parsed.version_minor = request_.version_minor;
    parsed.keep_alive = framing_.keep_alive;
    parsed.expect_continue = framing_.expect_continue;
    for (const Header& header : request_.headers) {
      parsed.fields.append(header.name).append(": ").append(header.value).append("\n");
    }
    left_ = framing_.content_length == kNoLength ? 0 : framing_.content_length;
    in_body_ = framing_.chunked || left_ != 0;
    if (!in_body_) end_of_message();
    return result.consumed;
  }

  size_t read_body(std::span<char> bytes) {
    std::string& body = transcript_.requests.back().body;
    if (!framing_.chunked) {
      const size_t count = std::min<uint64_t>(left_, bytes.size());
      body.append(bytes.data(), count);
      left_ -= count;
      if (left_ == 0) end_of_message();
      return count;
    }
    const auto result = parser_.read_chunked(bytes);
    if (result.event == RequestParser::ChunkEvent::kRefused) {
      transcript_.requests.pop_back();
      refuse(result.refusal);
      return bytes.size();
    }
    body.append(result.data.data(), result.data.size());
    if (result.event == RequestParser::ChunkEvent::kDone) end_of_message();
    return result.consumed;
  }

  void end_of_message() {
    in_body_ = false;
    if (!framing_.keep_alive) closed_ = true;
    parser_.trim();
  }
  void refuse(const Refusal& refusal) {
    transcript_.refused = refusal.status;
    transcript_.detail = refusal.detail;
  }

  RequestParser parser_;
  Request request_;
  Framing framing_;
  Transcript transcript_;
  uint64_t left_ = 0;
  bool in_body_ = false;
  bool closed_ = false;
};

}  // namespace

Transcript run_stream(std::string_view stream, const std::vector<size_t>& cuts) {
  Driver driver;
  size_t from = 0;
  for (const size_t cut : cuts) {
    driver.receive(stream.substr(from, cut - from));
    from = cut;
  }
  driver.receive(stream.substr(from));
  return driver.finish();
}

std::string describe(const Transcript& transcript) {
  std::string text;
  for (const ParsedRequest& request : transcript.requests) {
    text += request.method + " " + request.target + " HTTP/1." + std::to_string(request.version_minor) + " host '" +
            request.host + "' " + (request.keep_alive ? "keep" : "close") +
            (request.expect_continue ? " expects\n" : "\n") + request.fields + "body '" + request.body + "'\n";
  }
  if (transcript.refused != 0) text += "refused " + std::to_string(transcript.refused) + " " + transcript.detail + "\n";
  if (transcript.in_head) text += "head incomplete\n";
  if (transcript.in_body) text += "body incomplete\n";
  return text;
}

}  // namespace sluice::net::http
