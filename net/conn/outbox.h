// What a connection has to send: one string in flight, one being filled. Whatever is appended while a send is in flight
// goes out in one send when it completes.
//
// Owner: one connection. The bytes in flight do not move or change until their final completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/ring/ring.h"
#include "net/tls/session.h"

namespace sluice::net::conn {

class Outbox {
 public:
  Outbox() noexcept;
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // What is appended leaves as TLS records of `session` from now on (nullptr: as it is), behind what that has to send
  // by itself. The session outlives this or the next call.
  void set_session(tls::Session* session) noexcept { session_ = session; }
  // Nothing follows what is pending: with TLS a close_notify goes behind it.
  void end() noexcept { ending_ = true; }

  // Append here.
  [[nodiscard]] std::string& pending() noexcept { return pending_; }
  [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] bool empty() const noexcept {
    return !in_flight_ && pending_.empty() && (session_ == nullptr || (!ending_ && session_->to_send().empty()));
  }

  // Submits what is pending, of it `piece_bytes` at first, unless a send is in flight. True when it submitted.
  bool flush(ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes = SIZE_MAX);
  // A send has completed with `bytes` sent: submits the next piece of the rest, if any (true), or is ready for the next
  // flush.
  bool on_sent(size_t bytes, ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes = SIZE_MAX);
  // A send has failed: nothing is in flight any more.
  void on_failed() noexcept { in_flight_ = false; }
  // The kernel did not take the session's key: nothing can be sent any more.
  [[nodiscard]] bool broken() const noexcept { return broken_; }

  // Gives back memory that an unusually large answer took. Keeps what is pending or in flight.
  void trim() noexcept;
  // For the next connection. Nothing may be in flight.
  void reset() noexcept;

 private:
  // A record of the session that is no data, as it is sent: to stay where it is.
  struct Message;

  void seal();
  // What is next at sent_. False: nothing is left, or it is broken.
  bool submit(ring::Ring& ring, int socket, ring::Token token, size_t piece_bytes);

  tls::Session* session_ = nullptr;
  bool ending_ = false;  // a close_notify has yet to be made
  std::string pending_;
  std::string sending_;
  size_t sent_ = 0;  // of sending_
  bool in_flight_ = false;
  bool broken_ = false;
  std::vector<tls::SendMark> marks_;  // of sending_, those that are not behind sent_
  std::unique_ptr<Message> message_;  // in flight, or was
};

}  // namespace sluice::net::conn
