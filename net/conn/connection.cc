#include "net/conn/connection.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "net/conn/peer_name.h"

namespace sluice::net::conn {

using limits::Limit;
using ring::Op;

namespace {

// What so many bytes take at that rate.
int64_t time_for(uint64_t bytes, int64_t bytes_per_second) noexcept {
  return static_cast<int64_t>(bytes) * 1'000'000 / bytes_per_second * 1'000;
}

// When much of what is received is framing.
constexpr size_t kReceiveSmallChunksBytes = limits::kReceiveChunkedBytes / 8;
// While small requests come: 80 chunks of 1 byte, 20 us.
constexpr size_t kContendedSmallChunksBytes = 512;

// True when the socket holds bytes that no receive has taken yet: a request that came before the stop is answered.
bool bytes_wait(int socket) noexcept {
  int bytes = 0;
  return ::ioctl(socket, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

void Connection::bind(Shared& shared, ConnectionOwner& owner, uint32_t index) noexcept {
  shared_ = &shared;
  owner_ = &owner;
  index_ = index;
  parser_.limit_heads(shared.options.head_bytes_max);
  parser_.share_templates(shared.heads);
}

void Connection::open(const loop::NewConnection& socket) {
  SLUICE_CHECK(phase_ == Phase::kFree && socket_ == -1);
  socket_ = socket.socket;
  peer_ = peer_name(socket_, socket.unix_socket);
  listener_ = socket.listener;
  phase_ = Phase::kHead;
  close_reason_ = CloseReason::kClient;
  input_ended_ = close_after_ = linger_ = stopping_ = chunks_left_ = asked_ = reading_paused_ = false;
  body_left_ = 0;
  head_began_ns_ = 0;
  deadline_at_ns_ = INT64_MAX;
  sent_at_ns_ = shared_->worker->now_ns();
  if (shared_->tls != nullptr) begin_tls(socket.unix_socket);
  settle();
}

void Connection::on_completion(const ring::Completion& completion) {
  switch (completion.op) {
    case Op::kReceive:
      on_receive(completion);
      break;
    case Op::kReceiveInto:
      on_receive_into(completion);
      break;
    case Op::kSend:
      on_send(completion);
      break;
    case Op::kShutdown:
      shutdown_in_flight_ = false;  // its result does not matter: the peer may be gone already
      break;
    case Op::kAccept:
    case Op::kFdatasync:
      SLUICE_CHECK(false);  // never submitted with a connection's token
  }
  if (phase_ == Phase::kClosing) {
    close_when_quiet();
  } else {
    process();
  }
}

void Connection::on_receive(const ring::Completion& completion) {
  const ring::Next next = next_of(completion);
  if (next != ring::Next::kKeep) receive_armed_ = receive_cancelled_ = false;
  if (completion.result > 0) {
    const auto bytes = static_cast<size_t>(completion.result);
    shared_->counters.bytes_in += bytes;
    if (phase_ == Phase::kClosing) {
      ring().give_back(completion.buffer);
    } else if (tls_ != nullptr) {
      take_ciphertext(completion);
    } else {
      // The buffer is ours until it is given back, also to change (chunks are moved together in place).
      inbox_.push(completion.buffer, const_cast<char*>(completion.data), bytes);
    }
  } else if (completion.result == 0) {
    input_ended_ = true;
  } else if (next == ring::Next::kPark) {
    ++shared_->counters.buffers_empty;
    if (phase_ != Phase::kClosing) owner_->on_parked(*this);
  } else if (next == ring::Next::kClosed) {
    fail(Op::kReceive, -completion.result);
  }
}

void Connection::on_receive_into(const ring::Completion& completion) {
  into_in_flight_ = false;
  if (completion.result > 0) {
    shared_->counters.bytes_in += static_cast<uint64_t>(completion.result);
    if (phase_ == Phase::kBody) {
      take_direct(static_cast<size_t>(completion.result));
      return;
    }
  } else if (completion.result == 0) {
    input_ended_ = true;
  } else if (next_of(completion) == ring::Next::kClosed) {
    fail(Op::kReceiveInto, -completion.result);
  }
  // The exchange ended while the kernel still had its memory.
  if (phase_ != Phase::kBody) shared_->bodies.give_back(body_);
}

void Connection::on_send(const ring::Completion& completion) {
  if (completion.result >= 0) {
    const auto bytes = static_cast<size_t>(completion.result);
    shared_->counters.bytes_out += bytes;
    sent_at_ns_ = shared_->worker->now_ns();
    reader_bytes_ += bytes;
    if (phase_ == Phase::kClosing) {
      outbox_.on_failed();  // what is left will not be sent
      return;
    }
    if (outbox_.on_sent(bytes, ring(), socket_, token(), send_bytes())) {
      ++shared_->counters.sends;
    } else {
      reader_ns_ += sent_at_ns_ - flight_began_ns_;
    }
    if (outbox_.broken()) return cut(CloseReason::kTls);  // before anything that waits is sent as it is
    if (!outbox_.in_flight() && phase_ == Phase::kStream) shared_->worker->schedule(*this, Work::kLong);
    return;
  }
  outbox_.on_failed();
  switch (next_of(completion)) {
    case ring::Next::kRearm:
    case ring::Next::kPark:
      // Nothing of it was sent for a passing reason. The kernel is short of memory: this connection pays.
      cut(CloseReason::kError);
      break;
    case ring::Next::kKeep:
    case ring::Next::kClosed:
      fail(Op::kSend, -completion.result);
      break;
  }
}

// An operation has ended with an error for good.
void Connection::fail(Op op, int error) {
  CloseReason reason = CloseReason::kError;
  switch (error) {
    case ECANCELED:
      return;  // we asked for it
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
      reason = CloseReason::kReset;
      break;
    default:
      if (!is_expected_error(op, error)) {
        log::write(log::Level::kWarn, log::Reason::kConnection, "unexpected error on a connection",
                   {{"operation", ring::op_name(op)}, {"errno", std::to_string(error)}, {"source", peer_}});
      }
      break;
  }
  cut(reason);
}

// ---- Between two events ---------------------------------------------------------------------------------------------

// Brings operations, deadline and lists into line with the state. After every event.
void Connection::settle() {
  if (phase_ == Phase::kFree || phase_ == Phase::kClosing) return;
  if (tls_ != nullptr && phase_ == Phase::kFlush) end_tls();
  if (outbox_.flush(ring(), socket_, token(), send_bytes())) {
    ++shared_->counters.sends;
    flight_began_ns_ = sent_at_ns_ = shared_->worker->now_ns();
  }
  if (outbox_.broken()) {
    cut(CloseReason::kTls);
    return;
  }
  if (tls_ != nullptr && tls_->state() == tls::Session::State::kFailed && phase_ < Phase::kFlush) {
    cut(CloseReason::kTls);  // it could not write
    return;
  }
  if (phase_ == Phase::kFlush && outbox_.empty()) after_flush();
  if (phase_ == Phase::kLinger && input_ended_) begin_closing(close_reason_);
  if (phase_ == Phase::kFree || phase_ == Phase::kClosing) return;
  if (waits_for_others()) inbox_.detach(ring());
  settle_receive();
  if (phase_ == Phase::kFree || phase_ == Phase::kClosing) return;
  settle_deadline();
  if (phase_ == Phase::kHead && outbox_.empty() && inbox_.empty() && !parser_.in_head()) {
    outbox_.trim();  // of an answer that was still in flight at its end
    owner_->on_idle(*this);
  } else {
    owner_->on_busy(*this);
  }
}

void Connection::settle_receive() {
  if (body_is_direct() && !input_ended_) {
    if (receive_armed_) {
      cancel_receive();
    } else if (!into_in_flight_ && inbox_.empty()) {
      receive_body_directly();
    }
    return;
  }
  // A receive into a body's memory that was overtaken by an early end serves as the receive until it completes.
  if (into_in_flight_ || input_ended_) return;
  if (inbox_.held() >= shared_->options.held_buffers_max || (waits_for_others() && !inbox_.empty()) || tls_is_full()) {
    if (receive_armed_) cancel_receive();
  } else if (!receive_armed_ && !parked_link.linked) {
    arm_receive();
  }
}

// Until the reader takes more, which may be minutes, or a password is compared: the buffers of the ring are
// everybody's.
bool Connection::waits_for_others() noexcept {
  return phase_ == Phase::kStream || (phase_ == Phase::kStep && step_first_) ||
         (phase_ == Phase::kHead && outbox_.pending().size() > shared_->options.pending_bytes_max);
}

void Connection::arm_receive() {
  receive_armed_ = true;
  receive_cancelled_ = false;
  ring().receive_multishot(socket_, token());
}

void Connection::cancel_receive() {
  if (receive_cancelled_) return;
  receive_cancelled_ = true;
  ring().cancel(socket_, Op::kReceive, token());
}

// The next piece of a large body, straight into its memory, which grows with what has come.
void Connection::receive_body_directly() {
  const size_t bytes = receive_bytes();
  if (!direct_) ++shared_->counters.bodies_direct;
  direct_ = true;
  if (!shared_->bodies.reserve(body_, bytes)) {
    refuse_at(Limit::kBodyMemory, CloseReason::kRefused);
    process();
    return;
  }
  into_in_flight_ = true;
  ring().receive_into(socket_, body_.tail().data(), bytes, token());
}

// As much as takes about a slice.
size_t Connection::receive_bytes() const noexcept {
  const bool contended = shared_->worker->contended();
  if (framing_.chunked && small_chunks_) return contended ? kContendedSmallChunksBytes : kReceiveSmallChunksBytes;
  const size_t alone = framing_.chunked ? limits::kReceiveChunkedBytes : limits::kReceiveIntoBytes;
  const size_t bytes = contended ? limits::kContendedReceiveBytes : alone;
  return framing_.chunked ? bytes : static_cast<size_t>(std::min<uint64_t>(bytes, body_left_));
}

size_t Connection::send_bytes() const noexcept {
  return shared_->worker->contended() ? limits::kContendedSendBytes : SIZE_MAX;
}

void Connection::unpark() {
  if (phase_ != Phase::kFree && phase_ != Phase::kClosing) settle();
}

// The deadline of whatever the connection waits for. The timer is left alone when it is armed for an earlier time: most
// deadlines move before they are reached.
void Connection::settle_deadline() {
  const Options& options = shared_->options;
  const int64_t now = shared_->worker->now_ns();
  int64_t at = INT64_MAX;
  switch (phase_) {
    case Phase::kHead:
      at = parser_.in_head() || in_handshake()
               ? std::min(head_began_ns_ + options.head_deadline_ns, request_deadline_ns())
               : now + options.idle_ns;
      break;
    case Phase::kBody:
    case Phase::kDrain:
      at = body_began_ns_ + options.body_grace_ns + time_for(body_received_, options.body_bytes_per_second_min);
      if (phase_ == Phase::kBody) at = std::min(at, request_deadline_ns());
      break;
    case Phase::kStep:
      at = request_deadline_ns();
      break;
    case Phase::kLinger:
      at = deadline_at_ns_;  // set when it began
      break;
    case Phase::kStream:
    case Phase::kFlush:
    case Phase::kClosing:
    case Phase::kFree:
      break;
  }
  if (outbox_.in_flight()) at = std::min(at, reader_deadline_ns());
  deadline_at_ns_ = at;
  at = std::min(at, next_look_ns());
  if (at != INT64_MAX && (!armed() || deadline_ns() > at)) shared_->worker->arm(*this, at);
}

// A reader may stall, and takes so many bytes in a second beside that.
int64_t Connection::reader_deadline_ns() const noexcept {
  const Options& options = shared_->options;
  const int64_t stalled = sent_at_ns_ + options.send_stall_ns;
  if (options.sent_bytes_per_second_min == 0) return stalled;
  return std::min(stalled, flight_began_ns_ - reader_ns_ + options.send_stall_ns +
                               time_for(reader_bytes_, options.sent_bytes_per_second_min));
}

int64_t Connection::request_deadline_ns() const noexcept {
  return shared_->options.request_ns == INT64_MAX ? INT64_MAX : head_began_ns_ + shared_->options.request_ns;
}

// When a stream whose send is in flight looks again whether it is in the way.
int64_t Connection::next_look_ns() const noexcept {
  if (phase_ != Phase::kStream || !outbox_.in_flight()) return INT64_MAX;
  return shared_->worker->now_ns() + shared_->options.stream_look_ns;
}

std::optional<Limit> Connection::in_the_way(int64_t now_ns) const noexcept {
  if (phase_ != Phase::kStream || !outbox_.in_flight()) return std::nullopt;
  const bool stalls = now_ns - sent_at_ns_ >= shared_->options.contended_send_stall_ns;
  const bool slow = now_ns - stream_began_ns_ >= shared_->options.contended_stream_ns;
  if ((!stalls && !slow) || !shared_->handler.readers_are_in_the_way()) return std::nullopt;
  return stalls ? Limit::kContendedReaderStall : Limit::kContendedReaderTime;
}

void Connection::on_timer(int64_t now_ns) {
  if (const std::optional<Limit> limit = in_the_way(now_ns)) {
    shared_->handler.on_limit(*limit);
    cut(CloseReason::kSlowReader);
    return;
  }
  if (now_ns < deadline_at_ns_) {
    const int64_t at = std::min(deadline_at_ns_, next_look_ns());
    if (at != INT64_MAX) shared_->worker->arm(*this, at);
    return;
  }
  if (outbox_.in_flight() && now_ns >= reader_deadline_ns()) {
    const bool stalled = reader_deadline_ns() == sent_at_ns_ + shared_->options.send_stall_ns;
    shared_->handler.on_limit(stalled ? Limit::kReaderStall : Limit::kReaderRate);
    cut(CloseReason::kSlowReader);
    return;
  }
  switch (phase_) {
    case Phase::kHead:
      if (in_handshake()) {
        cut(CloseReason::kTimeout);
        return;
      }
      if (parser_.in_head()) {
        time_out(Limit::kHeaderTime);
      } else {
        phase_ = Phase::kFlush;
        close_reason_ = CloseReason::kIdle;
        shared_->handler.on_limit(Limit::kIdleTime);
      }
      break;
    case Phase::kBody:
      time_out(body_received_ == 0 ? Limit::kWriterGrace : Limit::kWriterRate);
      break;
    case Phase::kStep:
      shared_->worker->unschedule(*this);
      time_out(Limit::kRequestTime);
      break;
    case Phase::kDrain:
      cut(CloseReason::kTimeout);
      return;
    case Phase::kLinger:
      begin_closing(close_reason_);
      return;
    case Phase::kStream:
    case Phase::kFlush:
    case Phase::kClosing:
    case Phase::kFree:
      return;
  }
  process();
}

// 408 for what did not come in time, or was not done.
void Connection::time_out(Limit limit) {
  const bool request = shared_->worker->now_ns() >= request_deadline_ns();
  refuse_at(request ? Limit::kRequestTime : limit, CloseReason::kTimeout);
}

// ---- The end --------------------------------------------------------------------------------------------------------

void Connection::stop() {
  stopping_ = true;
  if (phase_ != Phase::kHead || !inbox_.empty() || parser_.in_head() || bytes_wait(socket_)) return;
  // Its first request is on the way.
  if (!asked_ && shared_->worker->now_ns() - sent_at_ns_ < shared_->options.stop_fresh_ns) return;
  phase_ = Phase::kFlush;
  close_reason_ = CloseReason::kStop;
  settle();
}

// Everything has been handed to the kernel.
void Connection::after_flush() {
  if (!linger_ || input_ended_) {
    begin_closing(close_reason_);
    return;
  }
  phase_ = Phase::kLinger;
  deadline_at_ns_ = shared_->worker->now_ns() + shared_->options.linger_ns;
  shutdown_in_flight_ = true;
  ring().shutdown(socket_, SHUT_WR, token());
}

void Connection::cut(CloseReason reason) {
  if (phase_ == Phase::kFree || phase_ == Phase::kClosing) return;
  if (in_exchange_ || !outbox_.empty()) {
    // The peer must not take what it got for a complete answer: a reset, not an end of stream.
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  begin_closing(reason);
}

void Connection::begin_closing(CloseReason reason) {
  SLUICE_DCHECK(phase_ != Phase::kFree && phase_ != Phase::kClosing);
  if (in_exchange_) finish_exchange(false);
  phase_ = Phase::kClosing;
  ++shared_->closing;
  close_reason_ = reason;
  shared_->worker->unschedule(*this);
  shared_->worker->disarm(*this);
  owner_->on_busy(*this);
  if (receive_armed_) cancel_receive();
  if (into_in_flight_) ring().cancel(socket_, Op::kReceiveInto, token());
  if (outbox_.in_flight()) ring().cancel(socket_, Op::kSend, token());
  inbox_.clear(ring());
  close_when_quiet();
}

// Frees the slot once the last operation has completed.
void Connection::close_when_quiet() {
  if (receive_armed_ || into_in_flight_ || shutdown_in_flight_ || outbox_.in_flight()) return;
  ring().close(socket_);
  socket_ = -1;
  shared_->bodies.give_back(body_);
  outbox_.reset();
  tls_.reset();
  parser_.reset();
  trim_exchange();  // also after a head that was refused
  phase_ = Phase::kFree;
  --shared_->closing;
  ++shared_->counters.closed[static_cast<size_t>(close_reason_)];
  ++generation_;
  owner_->on_gone(*this);
}

void Connection::abandon() {
  if (phase_ == Phase::kFree) return;
  if (in_exchange_) finish_exchange(false);
  shared_->worker->unschedule(*this);
  shared_->worker->disarm(*this);
  inbox_.clear(ring());
}

}  // namespace sluice::net::conn
