// One request and its answer, and the interface between the connection (net/conn), which moves bytes, and the handler
// (net/api), which knows what they mean. Neither includes the other.
//
// Thread: everything here belongs to one worker. Lifetime: an Exchange lives from the complete head of a request to the
// last byte of its answer or the death of the connection; the views in Request are valid for just as long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "net/http/ascii.h"

namespace sluice::net::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kConnect, kTrace, kOther };

struct Header {
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding blanks
};

inline constexpr uint64_t kNoLength = UINT64_MAX;

struct Request {
  Method method = Method::kGet;
  std::string_view method_text;
  std::string_view target;      // origin-form, raw (percent-encoded, with query); absolute-form already reduced
  std::string_view host;        // of the request target if absolute-form, else of the Host field; may be empty (1.0)
  std::vector<Header> headers;  // in order
  uint8_t version_minor = 1;    // HTTP/1.x; 1.2 and up count as 1
  bool chunked = false;
  uint64_t content_length = kNoLength;             // announced; kNoLength with chunked or without a body
  std::string_view peer;                           // "IP:PORT" of the other end, "@" for a Unix socket
  uint16_t listener = 0;                           // index of the address that the connection came to
  std::span<const std::string> certificate_names;  // of a client's certificate that was verified; else none
  std::string_view body;                           // complete and contiguous; empty until Handler::step is first called

  // First field of that name, compared without case; a view with nullptr data when absent. Inline, because of a name
  // that the compiler knows little is left to compare.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept {
    for (const Header& field : headers) {
      if (equals_ignoring_case(field.name, name)) return field.value.data() ? field.value : std::string_view("");
    }
    return {};
  }
};

// Where a BodySource writes. Wraps a fixed buffer of the connection.
struct OutBuffer {
  char* data = nullptr;
  size_t capacity = 0;
  size_t used = 0;
  [[nodiscard]] size_t free_bytes() const noexcept { return capacity - used; }
  // As much of `bytes` as there is room for; how much that was.
  size_t put(std::string_view bytes) noexcept {
    const size_t size = std::min(free_bytes(), bytes.size());
    if (size != 0) std::memcpy(data + used, bytes.data(), size);
    used += size;
    return size;
  }
};

// A body that is produced piece by piece while earlier pieces are being sent.
class BodySource {
 public:
  enum class State : uint8_t {
    kMore,    // call again, when the buffer has gone or in the next turn
    kDone,    // nothing follows
    kFailed,  // cannot go on: the connection is cut so that the client sees a broken body, not a short one
  };
  virtual ~BodySource() = default;
  // Appends to `out` until it is full, the body ends, or the deadline has passed. May append nothing and return kMore.
  [[nodiscard]] virtual State produce(OutBuffer& out, Deadline deadline) = 0;
};

struct Response {
  int status = 200;
  // Complete header lines, each "Name: value\r\n", without Content-Length, Transfer-Encoding, Connection and Date:
  // these are the connection's.
  std::string headers;
  std::string body;                    // used when `source` is empty; sent with Content-Length
  std::unique_ptr<BodySource> source;  // sent chunked (HTTP/1.0: until close)
  bool close = false;                  // close after this answer
};

// What a handler keeps between steps of one request; destroyed with the exchange, whatever ended it.
class HandlerState {
 public:
  virtual ~HandlerState() = default;
};

// Who asks, as far as credentials told. Set by who looked at them, before the handler that uses it.
struct Caller {
  std::string user;   // whose password was right; empty: none was given
  std::string token;  // the name of the bearer token that was given; empty: none
};

struct Exchange {
  Request request;
  Caller caller;
  Response response;
  std::unique_ptr<HandlerState> state;
  uint64_t body_bytes_max = limits::kBodyBytesMax;  // of a body that step() asks for
};

// One per worker. No function throws; none may block.
class Handler {
 public:
  enum class HeadAction : uint8_t {
    kReadBody,   // go on: receive the body (sending 100-continue if asked for), then call step()
    kStepFirst,  // call step() before anything of the body is received: it decides
    kRespond,    // `response` is final; a body that is still coming is drained or the connection closed
  };
  enum class StepAction : uint8_t {
    kDone,    // `response` is complete
    kAgain,   // the slice is used up: call again in the next turn
    kParked,  // waits for something in the store: call again in the next turn, others first
    // After kStepFirst, once: receive the body as for HeadAction::kReadBody, at most `exchange.body_bytes_max` of it
    // over the wire, then call again.
    kReadBody,
  };
  virtual ~Handler() = default;

  // Before everything else about a request whose head is complete and well-formed: false, and `response` is final, when
  // its sender asks for too much. on_head is not called then.
  [[nodiscard]] virtual bool admits(Exchange& /*exchange*/) { return true; }
  // The head is complete and well-formed. `body_bytes_max` bounds the body as it comes over the wire.
  [[nodiscard]] virtual HeadAction on_head(Exchange& exchange, uint64_t& body_bytes_max) = 0;
  // The body is complete, or nothing of it was received yet (kStepFirst). Called with the connection's deadline until
  // it returns kDone.
  [[nodiscard]] virtual StepAction step(Exchange& exchange, Deadline deadline) = 0;
  // The request never became an exchange (its head was malformed, too large or late: on_head was not called) and was
  // answered with `status` by the connection; for counters and logs only.
  virtual void on_refused(int status, std::string_view peer) = 0;
  // The connection refused something, or closed itself, at a limit of the table; for the counter. In any order with the
  // others.
  virtual void on_limit(limits::Limit limit) = 0;
  // Whether others wait for what readers of streamed answers hold. The connection then cuts the slow ones. Cheap.
  [[nodiscard]] virtual bool readers_are_in_the_way() const noexcept { return false; }
  // Once for every request that admits() was asked about: the whole answer is queued for the socket (sent = true), or
  // the connection died before. When the connection itself refused the body (malformed, too large, late, cut short),
  // `response.status` is the status of that refusal.
  virtual void on_finished(const Exchange& exchange, bool sent) = 0;
};

}  // namespace sluice::net::http
