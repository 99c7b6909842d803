// A server without a kernel for conn_fuzz: connections over the fake ring and the fake worker, with a handler behind
// them whose answers say all that it heard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/conn/options.h"
#include "tests/net/ring/fake_ring.h"

namespace sluice::net::conn {

// How the bytes come and what the ring does to them.
struct Plan {
  uint64_t seed = 1;
  ring::FakeFaults faults{};
  uint32_t buffer_bytes = 8192;
  Options options{};
  size_t piece_bytes_max = SIZE_MAX;  // the client sends so much at once, then some turns pass
  bool finish_at_once = false;        // the client's last byte and its end of stream come together
  bool slow_reader = false;           // the client takes nothing until the server waits, then everything
  unsigned clients = 1;               // so many send the same at the same time, and one more when one of them is gone
  std::vector<std::string> before;    // streams of clients that have come and gone, of which the outcome says nothing
};

// What the handler heard of one request.
struct Heard {
  std::string method, target, host;
  std::string fields;  // "name: value\n" each
  std::string body;
  int version_minor = 1;
  bool complete = false;  // head and body, as far as the handler wanted it
};

struct Outcome {
  std::vector<std::string> received;  // by each client, all bytes
  std::vector<Heard> heard;           // of all clients, in the order of the heads
  size_t refused = 0;                 // heads that never reached the handler
  bool broken = false;                // an answer was cut by the handler: bytes before it may be lost
};

// Serves `stream` to the end: all sent, the client's side finished, lingering over. Aborts when the connections do not
// end, or leave a buffer, an operation or a timer behind.
//
// Answers are 200 with everything heard as the body, but for targets that begin with /small (413 above 10 bytes of
// body), /gone (404 at the head), /close, /slices/N and /parked/N (N further steps), /stream/N and /broken/N (N bytes,
// streamed, then the end or a failure). `X-Method: HEAD` tells answers without a body.
[[nodiscard]] Outcome serve(std::string_view stream, const Plan& plan);

}  // namespace sluice::net::conn
