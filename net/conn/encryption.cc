// The TLS of a connection: ciphertext is taken out of the provided buffers, plaintext goes where received bytes always
// go. A plaintext connection has no session and pays one branch per event.
#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/log.h"
#include "net/conn/connection.h"

namespace sluice::net::conn {

using tls::Session;

namespace {

constexpr size_t kRecordBytes = 16 * 1024;
constexpr size_t kRecordHeadBytes = 5;

// What Go's server answers to plaintext on a TLS port, to the byte.
constexpr std::string_view kNotTls =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

bool looks_like_http(std::string_view bytes) noexcept {
  constexpr std::array<std::string_view, 6> kBegins = {"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET"};
  return std::ranges::find(kBegins, bytes.substr(0, kRecordHeadBytes)) != kBegins.end();
}

}  // namespace

void Connection::begin_tls(bool unix_socket) {
  tls_ended_ = false;
  const tls::KernelTls* kernel = unix_socket ? nullptr : shared_->kernel_tls;
  if (kernel != nullptr && !kernel->attach(socket_)) kernel = nullptr;
  tls_ = shared_->tls->open(kernel);
  if (tls_ == nullptr) {
    begin_closing(CloseReason::kError);
    return;
  }
  outbox_.set_session(tls_.get());
  head_began_ns_ = shared_->worker->now_ns();  // the handshake has the time of a head
}

// The last bytes are on their way: a close_notify behind them, so that nobody can cut an answer short unseen.
void Connection::end_tls() noexcept {
  if (!tls_ended_) outbox_.end();
  tls_ended_ = true;
}

void Connection::take_ciphertext(const ring::Completion& completion) {
  const std::span<char> bytes(const_cast<char*>(completion.data), static_cast<size_t>(completion.result));
  const bool wanted = phase_ != Phase::kFlush && phase_ != Phase::kLinger;
  if (wanted && tls_->state() == Session::State::kHandshake) {
    tls_->receive({bytes.data(), bytes.size()});
  } else if (wanted && tls_->state() == Session::State::kOpen) {
    tls_->receive({bytes.data(), bytes.size()});
    take_plaintext(bytes, completion.buffer);  // the buffer's ciphertext has been copied: plaintext takes its place
    return;
  }
  ring().give_back(completion.buffer);
}

// All the plaintext that there is: into `room`, which is `buffer`'s, as far as it goes.
void Connection::take_plaintext(std::span<char> room, ring::BufId buffer) {
  size_t used = 0;
  while (const size_t bytes = tls_->read(room.subspan(used))) used += bytes;
  if (used > 0) {
    inbox_.push(buffer, room.data(), used);
  } else if (buffer != ring::kNoBuffer) {
    ring().give_back(buffer);
  }
  if (used == room.size()) {
    std::array<char, kRecordBytes> record;
    while (const size_t bytes = tls_->read(record)) inbox_.push_own({record.data(), bytes});
  }
  if (tls_->state() == Session::State::kEnded) input_ended_ = true;
  if (tls_->state() == Session::State::kFailed) fail_tls();
}

// Goes on with the handshake if it is not over. A signature is up to some milliseconds in one piece, so it takes its
// turn with other long work while small requests come. False: more has to come first, bytes or time.
bool Connection::handshake_is_over() {
  if (!in_handshake() || phase_ != Phase::kHead) return true;
  const std::string_view received = tls_->received();
  if (!tls_->begun() && received.size() >= kRecordHeadBytes && looks_like_http(received)) {
    refuse_plaintext();
    return true;
  }
  const bool can_go_on = tls_->begun() ? !received.empty() : received.size() >= kRecordHeadBytes;
  if (can_go_on) {
    if (scheduled()) return false;
    const bool gives_way = shared_->worker->contended() && !shared_->in_slice();
    if (gives_way || !shared_->may_work_inline(monotonic_ns())) {
      shared_->worker->schedule(*this, Work::kLong);
      return false;
    }
    tls_->handshake();
  }
  switch (tls_->state()) {
    case Session::State::kHandshake:
      if (!input_ended_) return false;
      phase_ = Phase::kFlush;
      close_reason_ = CloseReason::kClient;
      return true;
    case Session::State::kFailed:
      fail_tls();
      return true;
    case Session::State::kOpen:
    case Session::State::kEnded:
      break;
  }
  head_began_ns_ = 0;
  take_plaintext({}, ring::kNoBuffer);
  return true;
}

// Whether more must not be received now: a handshake waits for its turn with much behind it, or the peer makes the
// session answer (key updates) and does not read the answers.
bool Connection::tls_is_full() const noexcept {
  const size_t most = shared_->options.pending_bytes_max;
  return tls_ != nullptr && phase_ < Phase::kFlush && (tls_->received().size() > most || tls_->to_send().size() > most);
}

// Nothing can be read any more, and nothing written but the alert that the session may have left.
void Connection::fail_tls() {
  if (log::enabled(log::Level::kDebug)) {
    log::write(log::Level::kDebug, log::Reason::kConnection, "TLS error",
               {{"source", peer_}, {"err", tls_->failure()}});
  }
  if (in_exchange_) finish_exchange(false);
  outbox_.pending().clear();
  phase_ = Phase::kFlush;
  close_reason_ = CloseReason::kTls;
  linger_ = !input_ended_;
}

void Connection::refuse_plaintext() {
  outbox_.set_session(nullptr);
  tls_.reset();
  outbox_.pending() = kNotTls;
  ++shared_->counters.refused;
  shared_->handler.on_refused(400, peer_);
  phase_ = Phase::kFlush;
  close_reason_ = CloseReason::kTls;
  linger_ = !input_ended_;
}

}  // namespace sluice::net::conn
