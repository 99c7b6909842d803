// From a complete request to the bytes of its answer.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/give_back.h"
#include "core/base/limits.h"
#include "net/conn/connection.h"
#include "net/http/response_head.h"

namespace sluice::net::conn {

using http::BodySource;
using http::Handler;
using http::ResponseFraming;

namespace {

// "0001f400\r\n" before and "\r\n" behind a chunk. Leading zeros are part of the grammar (RFC 9112, 7.1), and a fixed
// width lets the size be written after the data.
constexpr size_t kChunkPrefixBytes = 10;
constexpr size_t kChunkSuffixBytes = 2;

void write_chunk_size(char* at, size_t bytes) noexcept {
  for (size_t i = 8; i-- > 0; bytes >>= 4) at[i] = "0123456789abcdef"[bytes & 15];
  at[8] = '\r';
  at[9] = '\n';
}

// Of a request's fields, of its head and of an answer: what is kept from one request to the next.
constexpr size_t kKeptFields = 64;
constexpr size_t kKeptHeadBytes = 4 * 1024;
constexpr size_t kKeptAnswerBytes = 8 * 1024;

bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace

// The request is complete: works on it here if the turn still has time, else in a slice.
bool Connection::run_step() {
  phase_ = Phase::kStep;
  const int64_t now = just_now_ns_ != 0 ? std::exchange(just_now_ns_, 0) : monotonic_ns();
  if (!shared_->may_work_inline(now)) {
    shared_->worker->schedule(*this, Work::kShort);
    return false;
  }
  // What a large body needs is no small request's work: it gives way to those as soon as it will later.
  const bool large = exchange_.request.body.size() > limits::kContendedReceiveBytes;
  switch (shared_->handler.step(exchange_, {now + (large ? shared_->worker->slice_ns() : limits::kSliceNs)})) {
    case Handler::StepAction::kDone:
      if (turn_requests_ == 1 && inbox_.empty() && !exchange_.response.source) shared_->worker->small_request();
      respond();
      return true;
    case Handler::StepAction::kAgain:
      shared_->worker->schedule(*this, Work::kLong);
      return false;
    case Handler::StepAction::kParked:
      shared_->worker->schedule(*this, Work::kShort);
      return false;
    case Handler::StepAction::kReadBody:
      step_first_ = false;
      body_bytes_max_ = exchange_.body_bytes_max;
      return receive_body();
  }
  return false;
}

// A slice: of the handler's work, of a streamed answer, or of requests that found the turn full.
loop::Runnable::Again Connection::run(Deadline deadline) {
  Again again = Again::kNo;
  turn_ = shared_->turn();
  turn_requests_ = phase_ == Phase::kStep ? 1 : 0;
  switch (phase_) {
    case Phase::kStep:
      switch (shared_->handler.step(exchange_, deadline)) {
        case Handler::StepAction::kDone:
          respond();
          break;
        case Handler::StepAction::kAgain:
          return Again::kYes;
        case Handler::StepAction::kParked:
          return Again::kParked;
        case Handler::StepAction::kReadBody:
          step_first_ = false;
          body_bytes_max_ = exchange_.body_bytes_max;
          static_cast<void>(receive_body());
          break;
      }
      break;
    case Phase::kStream:
      again = pump(deadline);
      break;
    case Phase::kHead:
    case Phase::kBody:
    case Phase::kDrain:
    case Phase::kFlush:
    case Phase::kLinger:
      break;
    case Phase::kClosing:
    case Phase::kFree:
      return Again::kNo;
  }
  shared_->begin_slice(deadline);
  process();
  shared_->end_slice();
  return again;
}

// `response` is complete, or has a source that will complete it.
void Connection::respond() {
  http::Response& response = exchange_.response;
  // Whoever waits for 100-continue may or may not send the body after another answer: only closing is unambiguous.
  const bool undrainable = body_unread() && (framing_.expect_continue || body_left_ > shared_->options.drain_bytes_max);
  close_after_ = response.close || !framing_.keep_alive || undrainable || stopping_ || shared_->worker->stopping();
  if (response.source) {
    begin_stream();
    return;
  }
  const bool version_1_0 = exchange_.request.version_minor == 0;
  if (response.status == 200 && response.headers.empty() && response.body.empty() && !close_after_ && !version_1_0) {
    outbox_.pending() += shared_->empty_answer();
    finish_exchange(true);
    next_request();
    return;
  }
  ResponseFraming framing;
  framing.body = has_no_body(response.status) ? ResponseFraming::Body::kNone : ResponseFraming::Body::kLength;
  framing.body_bytes = response.body.size();
  framing.close = close_after_;
  framing.version_1_0 = version_1_0;
  framing.keep_alive = version_1_0 && !close_after_;
  std::string& out = outbox_.pending();
  append_response_head(out, response.status, response.headers, shared_->date_line(), framing);
  if (framing.body == ResponseFraming::Body::kLength && exchange_.request.method != http::Method::kHead) {
    out += response.body;
  }
  finish_exchange(true);
  next_request();
}

// The answer of the current request is out: what comes after it.
void Connection::next_request() {
  head_began_ns_ = 0;
  if (close_after_) {
    phase_ = Phase::kFlush;
    close_reason_ = stopping_ ? CloseReason::kStop : CloseReason::kAnswered;
    // A close with unread bytes is a reset, which may overtake the answer.
    linger_ = body_unread() || !inbox_.empty();
  } else if (body_unread()) {
    phase_ = Phase::kDrain;
    body_began_ns_ = shared_->worker->now_ns();
  } else {
    phase_ = Phase::kHead;
  }
}

void Connection::finish_exchange(bool sent) {
  SLUICE_DCHECK(in_exchange_);
  in_exchange_ = false;
  if (phase_ == Phase::kStream) --shared_->streams;
  shared_->handler.on_finished(exchange_, sent);
  exchange_.state.reset();
  exchange_.response.source.reset();
  exchange_.request.body = {};
  exchange_.request.certificate_names = {};
  head_at_ = {};
  // Memory that the kernel is still writing to is given back when that operation completes.
  if (!into_in_flight_) shared_->bodies.give_back(body_);
  inbox_.release(ring());
  parser_.trim();
  outbox_.trim();
  trim_exchange();
}

// Gives back what an unusual request or answer took.
void Connection::trim_exchange() noexcept {
  give_back_above(exchange_.request.headers, kKeptFields);
  give_back_above(exchange_.response.headers, kKeptHeadBytes);
  give_back_above(exchange_.response.body, kKeptAnswerBytes);
  give_back_above(head_copy_, kKeptHeadBytes);
}

// An early error: the complaint goes out, then the write side is shut and the rest is read and dropped for a while.
void Connection::refuse(const http::Refusal& refusal, CloseReason reason) {
  append_refusal(outbox_.pending(), refusal);
  ++shared_->counters.refused;
  if (in_exchange_) {
    exchange_.response.status = refusal.status;
    finish_exchange(true);
  } else {
    shared_->handler.on_refused(refusal.status, peer_);
  }
  phase_ = Phase::kFlush;
  close_reason_ = reason;
  linger_ = !input_ended_;
}

void Connection::refuse_at(limits::Limit limit, CloseReason reason) {
  shared_->handler.on_limit(limit);
  refuse({limits::entry_of(limit).status, {}}, reason);
}

// ---- Streamed answers -----------------------------------------------------------------------------------------------

void Connection::begin_stream() {
  const bool version_1_0 = exchange_.request.version_minor == 0;
  ResponseFraming framing;
  framing.body = version_1_0 ? ResponseFraming::Body::kUntilClose : ResponseFraming::Body::kChunked;
  if (version_1_0) close_after_ = true;
  framing.version_1_0 = version_1_0;
  framing.close = close_after_;
  append_response_head(outbox_.pending(), exchange_.response.status, exchange_.response.headers, shared_->date_line(),
                       framing);
  phase_ = Phase::kStream;
  ++shared_->streams;
  stream_began_ns_ = shared_->worker->now_ns();
  // The reader decides how long this takes: what was received must not keep buffers of the ring meanwhile.
  own_head();
  exchange_.request.body = {};
  if (exchange_.request.method == http::Method::kHead) {
    finish_exchange(true);
    next_request();
    return;
  }
  // It is long work from its begin: sixteen of them would be a millisecond in which nobody else is answered.
  shared_->worker->schedule(*this, Work::kLong);
}

// Produces into the outbox until it is full, the slice is over, or the body ends. What is ready leaves at once when
// nothing is in flight, so that the first byte does not wait for a full buffer.
loop::Runnable::Again Connection::pump(Deadline deadline) {
  while (outbox_.pending().size() < shared_->stream_bytes()) {
    size_t produced = 0;
    const BodySource::State state = produce(deadline, produced);
    if (state != BodySource::State::kMore) {
      end_stream(state);
      return Again::kNo;
    }
    if (deadline.passed()) return Again::kYes;
    if (produced == 0) return Again::kParked;
  }
  // Full. The completion of the send in flight schedules the next slice; with none in flight, settle() starts one.
  return outbox_.in_flight() ? Again::kNo : Again::kYes;
}

// One call of the source, framed as one chunk.
BodySource::State Connection::produce(Deadline deadline, size_t& produced) {
  const bool chunked = exchange_.request.version_minor != 0;
  const size_t prefix = chunked ? kChunkPrefixBytes : 0;
  const size_t suffix = chunked ? kChunkSuffixBytes : 0;
  std::string& out = outbox_.pending();
  const size_t old_bytes = out.size();
  const size_t room = std::max(shared_->stream_bytes() - old_bytes, prefix + suffix + 1024);
  BodySource::State state = BodySource::State::kMore;
  out.resize_and_overwrite(old_bytes + room, [&](char* data, size_t /*bytes*/) noexcept {
    http::OutBuffer buffer{data + old_bytes + prefix, room - prefix - suffix, 0};
    state = exchange_.response.source->produce(buffer, deadline);
    produced = buffer.used;
    if (produced == 0) return old_bytes;  // an empty chunk would be the last
    if (chunked) {
      write_chunk_size(data + old_bytes, produced);
      buffer.data[produced] = '\r';
      buffer.data[produced + 1] = '\n';
    }
    return old_bytes + prefix + produced + suffix;
  });
  return state;
}

void Connection::end_stream(BodySource::State state) {
  if (state == BodySource::State::kFailed) {
    cut(CloseReason::kBroken);
    return;
  }
  if (exchange_.request.version_minor != 0) outbox_.pending() += "0\r\n\r\n";
  finish_exchange(true);
  next_request();
}

}  // namespace sluice::net::conn
