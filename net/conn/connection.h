// One connection: from its socket to the last completion of its last operation.
//
//   kFree -> kHead -> kBody -> kStep -> (kStream) -> kHead ...        one request after the other, in order
//                \-> kDrain: the rest of a body that nobody wants
//   any -> kFlush -> (kLinger) -> kClosing -> kFree                   the last answer goes out, then the descriptor
//
// A turn's receive is parsed where it lies, its requests are answered one after the other, and all their answers leave
// in one send. The head of a request and a body that fits behind it stay in the provided buffer until the answer is
// complete; a body in several pieces is put together in a BodyBuffer, and one larger than a provided buffer is received
// straight into it.
//
// Lifetime: a slot of Connections, used again and again; generation() tells the uses apart. A slot is free only when no
// operation is in flight, every buffer is home and the descriptor is closed. Thread: the worker's. Nothing here blocks;
// long requests and streamed answers work in slices as a Runnable. Limits: net/conn/options.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/sync/keyed_counts.h"
#include "net/conn/body_buffer.h"
#include "net/conn/counters.h"
#include "net/conn/inbox.h"
#include "net/conn/intrusive_list.h"
#include "net/conn/outbox.h"
#include "net/conn/shared.h"
#include "net/http/exchange.h"
#include "net/http/request_parser.h"
#include "net/loop/runnable.h"
#include "net/loop/service.h"
#include "net/loop/timers.h"
#include "net/loop/worker.h"
#include "net/tls/session.h"

namespace sluice::net::conn {

class Connection;

// Hears where a connection is in its life. Implemented by Connections.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void on_idle(Connection& connection) = 0;    // waits for a request, nothing to send; again for each request
  virtual void on_busy(Connection& connection) = 0;    // no longer
  virtual void on_parked(Connection& connection) = 0;  // its receive ended for want of a provided buffer
  virtual void on_gone(Connection& connection) = 0;    // the slot is free
};

class Connection final : public loop::Runnable, public loop::Timer {
 public:
  enum class Phase : uint8_t { kFree, kHead, kBody, kStep, kStream, kDrain, kFlush, kLinger, kClosing };

  Connection() = default;

  // Once, before the first use of the slot.
  void bind(Shared& shared, ConnectionOwner& owner, uint32_t index) noexcept;
  // Begins a life. The slot is free.
  void open(const loop::NewConnection& socket);

  void on_completion(const ring::Completion& completion);
  // Provided buffers came back: arms the receive again.
  void unpark();
  // Graceful stop: closes if idle; else what is in flight is finished with `Connection: close`.
  void stop();
  // Ends now, whatever is in flight.
  void cut(CloseReason reason);
  // The ring goes: gives back buffers without waiting for completions.
  void abandon();

  [[nodiscard]] Again run(Deadline deadline) override;
  void on_timer(int64_t now_ns) override;

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] uint32_t index() const noexcept { return index_; }
  [[nodiscard]] uint32_t generation() const noexcept { return generation_; }

  sync::KeyedCounts::Hold address_hold;  // the owner's
  Link<Connection> idle_link;
  Link<Connection> parked_link;

 private:
  // connection.cc: operations, deadlines, the end of life
  void on_receive(const ring::Completion& completion);
  void on_receive_into(const ring::Completion& completion);
  void on_send(const ring::Completion& completion);
  void fail(ring::Op op, int error);
  void settle();
  [[nodiscard]] bool waits_for_others() noexcept;
  [[nodiscard]] int64_t next_look_ns() const noexcept;
  // At which limit it is cut because scrapes wait for what it holds.
  [[nodiscard]] std::optional<limits::Limit> in_the_way(int64_t now_ns) const noexcept;
  void settle_receive();
  void settle_deadline();
  [[nodiscard]] int64_t reader_deadline_ns() const noexcept;
  [[nodiscard]] int64_t request_deadline_ns() const noexcept;
  void arm_receive();
  void cancel_receive();
  void receive_body_directly();
  [[nodiscard]] size_t receive_bytes() const noexcept;
  [[nodiscard]] size_t send_bytes() const noexcept;
  void after_flush();
  void begin_closing(CloseReason reason);
  void close_when_quiet();
  [[nodiscard]] ring::Ring& ring() noexcept { return shared_->worker->ring(); }
  [[nodiscard]] ring::Token token() const noexcept { return ring::Token::make(0, index_, generation_); }

  // encryption.cc: the TLS of a connection, if it has one
  void begin_tls(bool unix_socket);
  void end_tls() noexcept;
  void take_ciphertext(const ring::Completion& completion);
  void take_plaintext(std::span<char> room, ring::BufId buffer);
  [[nodiscard]] bool handshake_is_over();
  void fail_tls();
  void refuse_plaintext();
  [[nodiscard]] bool in_handshake() const noexcept {
    return tls_ != nullptr && tls_->state() == tls::Session::State::kHandshake;
  }

  [[nodiscard]] bool tls_is_full() const noexcept;

  // requests.cc: from bytes to a complete request
  void process();
  [[nodiscard]] bool read_head();
  [[nodiscard]] bool has_its_share() noexcept;
  [[nodiscard]] bool begin_exchange(std::span<char> head);
  [[nodiscard]] bool receive_body();
  [[nodiscard]] bool read_body();
  [[nodiscard]] bool may_unwrap(std::span<char>& bytes);
  [[nodiscard]] bool read_chunks();
  [[nodiscard]] bool body_is_cut_short();
  [[nodiscard]] bool keep_piece(std::span<const char> piece);
  void take_direct(size_t bytes);
  void take_direct_chunks(size_t bytes);
  [[nodiscard]] bool drain_body();
  void own_head();
  [[nodiscard]] bool body_is_direct() const noexcept;

  // replies.cc: from a complete request to the bytes of its answer
  [[nodiscard]] bool run_step();
  void respond();
  void begin_stream();
  [[nodiscard]] Again pump(Deadline deadline);
  [[nodiscard]] http::BodySource::State produce(Deadline deadline, size_t& produced);
  void end_stream(http::BodySource::State state);
  void refuse(const http::Refusal& refusal, CloseReason reason);
  // The same at a limit, with the status of its entry.
  void refuse_at(limits::Limit limit, CloseReason reason);
  void time_out(limits::Limit limit);
  void finish_exchange(bool sent);
  void trim_exchange() noexcept;
  void next_request();
  [[nodiscard]] bool body_unread() const noexcept { return chunks_left_ || body_left_ != 0; }

  // Fixed after bind().
  Shared* shared_ = nullptr;
  ConnectionOwner* owner_ = nullptr;
  uint32_t index_ = 0;

  uint32_t generation_ = 0;
  int socket_ = -1;
  uint16_t listener_ = 0;
  Phase phase_ = Phase::kFree;
  CloseReason close_reason_ = CloseReason::kClient;

  // Operations in flight; the send is the outbox's.
  bool receive_armed_ = false;
  bool receive_cancelled_ = false;  // asked to end, its final completion is still to come
  bool into_in_flight_ = false;
  bool tls_ended_ = false;  // what is sent last has a close_notify behind it
  bool shutdown_in_flight_ = false;

  bool input_ended_ = false;     // the peer has finished sending
  bool in_exchange_ = false;     // between on_head and on_finished
  bool asked_ = false;           // it has brought a request
  bool close_after_ = false;     // of the current exchange's answer
  bool linger_ = false;          // in kFlush: the peer may still be sending
  bool stopping_ = false;        // the next answer is the last
  bool small_chunks_ = false;    // the last piece of the body was more framing than is usual
  bool direct_ = false;          // the current body is received into its own memory
  bool reading_paused_ = false;  // too much waits for a reader
  bool step_first_ = false;      // whether the body is wanted is not known yet
  bool chunks_left_ = false;     // the end of a chunked body has not come
  uint64_t body_left_ = 0;       // bytes of a body with a length that have not come
  uint64_t body_bytes_max_ = 0;
  uint64_t body_received_ = 0;  // on the wire; of the body that is coming or drained

  uint64_t turn_ = 0;            // the last in which it read a head
  uint32_t turn_requests_ = 0;   // of that turn
  int64_t slices_until_ns_ = 0;  // pipelined more than its share: it is served in slices only

  int64_t deadline_at_ns_ = INT64_MAX;  // the armed timer may be earlier, never later
  int64_t head_began_ns_ = 0;           // worker's clock; 0: no byte of the next head has come
  int64_t body_began_ns_ = 0;
  int64_t sent_at_ns_ = 0;       // last progress of a send
  int64_t flight_began_ns_ = 0;  // of the outbox
  // Since the outbox was empty when a request came: how long something was in flight before, and the bytes that were
  // taken.
  int64_t reader_ns_ = 0;
  uint64_t reader_bytes_ = 0;
  int64_t stream_began_ns_ = 0;
  int64_t just_now_ns_ = 0;  // monotonic clock, for as long as nothing but a head was looked at since; else 0

  std::unique_ptr<tls::Session> tls_;  // none: plaintext
  Inbox inbox_;
  Outbox outbox_;
  BodyBuffer body_;
  http::RequestParser parser_;
  http::Framing framing_;
  http::Exchange exchange_;
  std::span<char> head_at_;  // the current head where it was received; empty when it has memory of its own
  std::string head_copy_;    // a head whose provided buffer had to go back before the body was complete
  std::string peer_;
};

}  // namespace sluice::net::conn
