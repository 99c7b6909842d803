// From received bytes to a complete request.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "net/conn/connection.h"

namespace sluice::net::conn {

using http::RequestParser;
using limits::Limit;

namespace {

constexpr http::Refusal kBadRequest{400, {}};

// Of small chunks: 25 us between two looks at the clock.
constexpr size_t kUnwrappedBytes = 512;

// When a quarter of what was received, or more, is framing: unwrapping takes 0.3 us for each chunk.
bool is_framing(const RequestParser::ChunkResult& result) noexcept {
  return result.data.size() * 4 < result.consumed * 3;
}

// Points every view of the request that lies in [from, from + bytes) to the same place in `to`.
void move_views(http::Request& request, const char* from, size_t bytes, const char* to) noexcept {
  const auto move = [&](std::string_view& view) {
    if (view.data() >= from && view.data() + view.size() <= from + bytes) {
      view = {to + (view.data() - from), view.size()};
    }
  };
  move(request.method_text);
  move(request.target);
  move(request.host);
  for (http::Header& header : request.headers) {
    move(header.name);
    move(header.value);
  }
}

}  // namespace

// Does what can be done now: parses, steps, answers, until more has to come or to go.
void Connection::process() {
  just_now_ns_ = 0;
  bool go_on = tls_ == nullptr || handshake_is_over();
  while (go_on) {
    switch (phase_) {
      case Phase::kHead:
        go_on = read_head();
        break;
      case Phase::kBody:
        go_on = read_body();
        break;
      case Phase::kDrain:
        go_on = drain_body();
        break;
      case Phase::kFlush:
      case Phase::kLinger:
        inbox_.clear(ring());
        go_on = false;
        break;
      case Phase::kStep:
      case Phase::kStream:
      case Phase::kClosing:
      case Phase::kFree:
        go_on = false;
        break;
    }
  }
  settle();
}

bool Connection::read_head() {
  const std::span<char> bytes = inbox_.front();
  if (bytes.empty()) {
    inbox_.release(ring());
    if (parser_.in_head()) {
      if (!input_ended_) return false;
      refuse(kBadRequest, CloseReason::kRefused);
      return true;
    }
    if (!input_ended_ && !stopping_) return false;
    phase_ = Phase::kFlush;
    close_reason_ = input_ended_ ? CloseReason::kClient : CloseReason::kStop;
    return true;
  }
  if (outbox_.pending().size() > shared_->options.pending_bytes_max) {
    if (!std::exchange(reading_paused_, true)) shared_->handler.on_limit(Limit::kPipelinedBytes);
    return false;
  }
  reading_paused_ = false;
  if (head_began_ns_ == 0) {
    head_began_ns_ = shared_->worker->now_ns();
  }
  just_now_ns_ = monotonic_ns();
  // Pipelined requests of one receive share the turn with everybody else.
  if (scheduled()) return false;
  if (has_its_share()) {
    shared_->worker->schedule(*this, Work::kSurplus);
    return false;
  }
  if (!shared_->may_work_inline(just_now_ns_)) {
    if (turn_requests_ > 0) slices_until_ns_ = shared_->worker->now_ns() + limits::kContentionNs;
    shared_->worker->schedule(*this, turn_requests_ == 0 ? Work::kShort : Work::kSurplus);
    return false;
  }
  ++turn_requests_;
  const auto result = parser_.parse_head({bytes.data(), bytes.size()}, exchange_.request, framing_);
  inbox_.consume(result.consumed);
  switch (result.event) {
    case RequestParser::Event::kNeedMore:
      inbox_.release(ring());
      if (!parser_.in_head()) head_began_ns_ = 0;  // line ends before a request are not one
      return true;
    case RequestParser::Event::kRefused:
      if (result.refusal.status == 431) shared_->handler.on_limit(Limit::kHeaderBytes);
      if (result.refusal.status == 414) shared_->handler.on_limit(Limit::kUrlBytes);
      refuse(result.refusal, CloseReason::kRefused);
      return true;
    case RequestParser::Event::kHead:
      if (result.repeated) ++shared_->counters.repeated;
      return begin_exchange(bytes.first(result.consumed));
  }
  return false;
}

// While small requests come from others, those of a pipeline beyond kRequestsPerTurn wait for a slice; and for some
// time the next ones do, so that a client with hundreds in flight does not get its share again with each receive.
bool Connection::has_its_share() noexcept {
  if (turn_ != shared_->turn()) {
    turn_ = shared_->turn();
    turn_requests_ = 0;
  }
  if (!shared_->worker->contended()) return false;
  const int64_t now = shared_->worker->now_ns();
  if (turn_requests_ >= limits::kRequestsPerTurn) {
    slices_until_ns_ = now + limits::kContentionNs;
    return true;
  }
  return now < slices_until_ns_ && !shared_->in_slice();
}

// The head is complete. `head`: the bytes that hold it, unless the parser keeps them itself.
bool Connection::begin_exchange(std::span<char> head) {
  SLUICE_DCHECK(!in_exchange_);
  in_exchange_ = true;
  asked_ = true;
  ++shared_->counters.requests;
  exchange_.request.peer = peer_;
  exchange_.request.listener = listener_;
  if (tls_ != nullptr) exchange_.request.certificate_names = tls_->client_names();
  http::Response& response = exchange_.response;
  response.status = 200;
  response.headers.clear();
  response.body.clear();
  response.close = false;
  chunks_left_ = framing_.chunked;
  body_left_ = framing_.content_length == http::kNoLength ? 0 : framing_.content_length;
  body_received_ = 0;
  direct_ = small_chunks_ = step_first_ = false;
  body_bytes_max_ = exchange_.body_bytes_max = limits::kBodyBytesMax;
  if (outbox_.empty()) reader_ns_ = reader_bytes_ = 0;
  head_at_ = parser_.head_is_own() ? std::span<char>() : head;

  switch (shared_->handler.admits(exchange_) ? shared_->handler.on_head(exchange_, body_bytes_max_)
                                             : http::Handler::HeadAction::kRespond) {
    case http::Handler::HeadAction::kRespond:
      respond();
      return true;
    case http::Handler::HeadAction::kStepFirst:
      // As long as that takes, the buffers of the ring are everybody's.
      own_head();
      step_first_ = true;
      return run_step();
    case http::Handler::HeadAction::kReadBody:
      break;
  }
  return receive_body();
}

// The handler wants the body of the current request, if there is one.
bool Connection::receive_body() {
  if (!body_unread()) return run_step();
  if (body_left_ > body_bytes_max_) {
    refuse_at(Limit::kBodyBytes, CloseReason::kRefused);
    return true;
  }
  // A client that has begun to send its body does not wait for permission.
  if (framing_.expect_continue && inbox_.empty()) {
    outbox_.pending() += "HTTP/1.1 100 Continue\r\n\r\n";
    ++shared_->counters.continues;
  }
  body_began_ns_ = shared_->worker->now_ns();
  phase_ = Phase::kBody;
  return true;
}

// Copies the head, so that the provided buffer can go back while the body is coming.
void Connection::own_head() {
  if (head_at_.empty()) return;
  head_copy_.assign(head_at_.data(), head_at_.size());
  move_views(exchange_.request, head_at_.data(), head_at_.size(), head_copy_.data());
  head_at_ = {};
}

// The peer has finished in the middle of a body.
bool Connection::body_is_cut_short() {
  if (!input_ended_) {
    own_head();
    inbox_.release(ring());
    return false;
  }
  refuse(kBadRequest, CloseReason::kRefused);
  return true;
}

// A piece of a body that does not lie in one buffer. False: the request has been refused.
bool Connection::keep_piece(std::span<const char> piece) {
  if (body_.used() == 0 && !piece.empty()) ++shared_->counters.bodies_copied;
  if (!shared_->bodies.reserve(body_, piece.size())) {
    refuse_at(Limit::kBodyMemory, CloseReason::kRefused);
    return false;
  }
  body_.append(piece);
  return true;
}

bool Connection::read_body() {
  if (framing_.chunked) return read_chunks();
  while (true) {
    const std::span<char> bytes = inbox_.front();
    if (bytes.empty()) return body_is_cut_short();
    if (body_.used() == 0 && bytes.size() >= body_left_) {
      exchange_.request.body = {bytes.data(), body_left_};
      inbox_.consume(body_left_);
      body_left_ = 0;
      return run_step();
    }
    own_head();
    const size_t count = std::min<uint64_t>(bytes.size(), body_left_);
    if (!keep_piece(bytes.first(count))) return true;
    inbox_.consume(count);
    inbox_.release(ring());
    body_left_ -= count;
    body_received_ += count;
    if (body_left_ == 0) {
      exchange_.request.body = body_.view();
      return run_step();
    }
  }
}

// What comes in small chunks is unwrapped in slices, a small part of `bytes` at a time. False: not now.
bool Connection::may_unwrap(std::span<char>& bytes) {
  if (!small_chunks_) return true;
  if (!shared_->in_slice() || !shared_->may_work_inline(monotonic_ns())) {
    shared_->worker->schedule(*this, Work::kLong);
    return false;
  }
  bytes = bytes.first(std::min(bytes.size(), kUnwrappedBytes));
  return true;
}

bool Connection::read_chunks() {
  while (true) {
    std::span<char> bytes = inbox_.front();
    if (bytes.empty()) return body_is_cut_short();
    if (!may_unwrap(bytes)) return false;
    const auto result = parser_.read_chunked(bytes);
    // What is too much comes before what is wrong behind it, as it would if they came one after the other.
    if (body_.used() + result.data.size() > body_bytes_max_) {
      refuse_at(Limit::kBodyBytes, CloseReason::kRefused);
      return true;
    }
    if (result.event == RequestParser::ChunkEvent::kRefused) {
      refuse(result.refusal, CloseReason::kRefused);
      return true;
    }
    const bool done = result.event == RequestParser::ChunkEvent::kDone;
    if (done && body_.used() == 0) {
      exchange_.request.body = {result.data.data(), result.data.size()};
      inbox_.consume(result.consumed);
      chunks_left_ = false;
      return run_step();
    }
    own_head();
    small_chunks_ = small_chunks_ || is_framing(result);
    if (!keep_piece(result.data)) return true;
    inbox_.consume(result.consumed);
    inbox_.release(ring());
    body_received_ += result.consumed;
    if (done) {
      chunks_left_ = false;
      exchange_.request.body = body_.view();
      return run_step();
    }
  }
}

// Larger than a provided buffer, or chunked and already larger: the rest goes straight into the body's memory.
bool Connection::body_is_direct() const noexcept {
  if (phase_ != Phase::kBody || tls_ != nullptr) return false;
  const uint64_t known = framing_.chunked ? body_.used() : framing_.content_length;
  return known > shared_->worker->ring().buffer_bytes();
}

// `bytes` of the body have been received behind what was there.
void Connection::take_direct(size_t bytes) {
  SLUICE_DCHECK(inbox_.empty());
  just_now_ns_ = 0;
  body_received_ += bytes;
  if (framing_.chunked) {
    take_direct_chunks(bytes);
    return;
  }
  SLUICE_CHECK(bytes <= body_left_);
  body_.commit(bytes);
  body_left_ -= bytes;
  if (body_left_ != 0) return;
  exchange_.request.body = body_.view();
  static_cast<void>(run_step());
}

void Connection::take_direct_chunks(size_t bytes) {
  const std::span<char> received = body_.tail().first(bytes);
  const auto result = parser_.read_chunked(received);
  if (body_.used() + result.data.size() > body_bytes_max_) {
    refuse_at(Limit::kBodyBytes, CloseReason::kRefused);
    return;
  }
  if (result.event == RequestParser::ChunkEvent::kRefused) {
    refuse(result.refusal, CloseReason::kRefused);
    return;
  }
  small_chunks_ = is_framing(result);
  // What lies behind the end is the next request's: it is saved before the body moves.
  const std::span<char> behind = received.subspan(result.consumed);
  inbox_.push_copy({behind.data(), behind.size()});
  body_.commit_part(result.data);
  if (result.event != RequestParser::ChunkEvent::kDone) return;
  chunks_left_ = false;
  exchange_.request.body = body_.view();
  static_cast<void>(run_step());
}

// The rest of a body whose answer is out. Ends the connection when it is too much.
bool Connection::drain_body() {
  while (body_unread()) {
    std::span<char> bytes = inbox_.front();
    if (bytes.empty()) {
      inbox_.release(ring());
      if (!input_ended_) return false;
      phase_ = Phase::kFlush;
      return true;
    }
    if (framing_.chunked && !may_unwrap(bytes)) return false;
    size_t count = std::min<uint64_t>(bytes.size(), body_left_);
    bool too_much = false;
    if (framing_.chunked) {
      const auto result = parser_.read_chunked(bytes);
      count = result.consumed;
      small_chunks_ = small_chunks_ || is_framing(result);
      chunks_left_ = result.event == RequestParser::ChunkEvent::kNeedMore;
      too_much = result.event == RequestParser::ChunkEvent::kRefused;
    } else {
      body_left_ -= count;
    }
    inbox_.consume(count);
    inbox_.release(ring());
    body_received_ += count;
    if (too_much || body_received_ > shared_->options.drain_bytes_max) {
      phase_ = Phase::kFlush;
      close_reason_ = CloseReason::kAnswered;
      linger_ = true;
      return true;
    }
  }
  phase_ = Phase::kHead;
  return true;
}

}  // namespace sluice::net::conn
