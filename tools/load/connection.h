// One connection of a load thread: what is in flight on it, and which operations the ring still holds.
//
// Owned by its Loader, one thread. A connection that ends becomes a new one in the same place, under a new generation.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "tools/load/requests.h"
#include "tools/load/response_reader.h"

namespace sluice::tools::load {

struct Outstanding {
  Request request;
  int64_t planned_ns = 0;  // latency counts from here
  int64_t sent_ns = 0;
  bool measured = false;
};

struct Connection {
  int descriptor = -1;
  uint32_t generation = 0;
  bool receiving = false;  // a receive is armed
  bool sending = false;    // a send is in flight
  bool closing = false;    // no further requests; closed after the last completion
  bool queued = false;     // among those with room
  bool answered = false;   // this connection has brought an answer
  bool dirty = false;      // `out` waits for the end of the turn
  std::string out;         // to be sent next
  std::string in_send;     // the ring's until the send has completed
  size_t in_send_at = 0;
  std::deque<Outstanding> outstanding;  // in the order of their answers
  int64_t room_since_ns = 0;
  int64_t retry_at_ns = 0;  // after a connection that could not be made
  std::string answer;       // the first bytes of an answer's body
  ResponseReader reader{[this](std::string_view part) {
    if (answer.size() < kAnswerKept) answer.append(part.substr(0, kAnswerKept - answer.size()));
  }};

  static constexpr size_t kAnswerKept = 300;
  // After a connection that brought nothing, so that a server which is gone is not hammered.
  static constexpr int64_t kRetryNs = 100'000'000;

  Connection() = default;
  Connection(const Connection&) = delete;  // the reader points here
  Connection& operator=(const Connection&) = delete;
};

}  // namespace sluice::tools::load
