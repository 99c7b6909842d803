// A handler that routes like a Pushgateway as far as framing is concerned, with some routes more to work in slices, to
// stream and to fail. Writes down what it heard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/http/exchange.h"

namespace sluice::net::conn {

// The bytes of GET /stream/<count>.
[[nodiscard]] std::string stream_text(size_t count);

// Routes: POST /metrics/job/h; GET /-/ready, /-/healthy -> "OK"; POST /echo -> the body; POST /small -> at most 10
// bytes of body; POST /slices/<n>, /parked/<n> -> 200 after n steps more; GET /stream/<n>, /broken/<n> -> n bytes, then
// the end or a failure; POST /asked/<n>, /denied/<n> -> decides after n steps, before the body, and takes it (10 bytes
// at most) or answers 401. Else 404, or 405 for another method.
class TestHandler final : public http::Handler {
 public:
  HeadAction on_head(http::Exchange& exchange, uint64_t& body_bytes_max) override;
  StepAction step(http::Exchange& exchange, Deadline deadline) override;
  void on_refused(int status, std::string_view peer) override;
  void on_limit(limits::Limit limit) override { at_limits.push_back(limit); }
  bool readers_are_in_the_way() const noexcept override { return in_the_way; }
  void on_finished(const http::Exchange& exchange, bool sent) override;

  struct Finished {
    int status;
    bool sent;
    bool operator==(const Finished&) const = default;
  };
  std::vector<std::string> bodies;          // of pushes, in the order of their completion
  std::vector<const char*> body_addresses;  // where they lay
  std::vector<Finished> finished;
  std::vector<int> refused;
  std::vector<limits::Limit> at_limits;
  uint64_t heads = 0;
  uint64_t steps = 0;
  int64_t slice_ns = 0;  // what was left of the last one's slice
  int alive_states = 0;  // HandlerStates not yet destroyed
  // Bytes that a source writes in one call at most.
  size_t stream_piece = SIZE_MAX;
  bool in_the_way = false;
  uint64_t streamed = 0;  // bytes that sources have written
  // At the last head: room for fields, and for an answer, that the connection had kept.
  size_t kept_fields = 0;
  size_t kept_answer = 0;
};

}  // namespace sluice::net::conn
