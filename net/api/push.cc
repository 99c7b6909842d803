#include "net/api/push.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "net/api/gateway.h"
#include "net/api/replies.h"
#include "parser/conflict_text.h"
#include "parser/media_type.h"
#include "parser/text_exact.h"

namespace sluice::net::api {
namespace {

using StepAction = http::Handler::StepAction;

void count_rejection(WorkerContext& context, Rejection why) {
  context.metrics.rejections[static_cast<size_t>(why)].add(1);
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

void log_malformed(const http::Exchange& exchange, std::string_view text) {
  if (!log::enabled(log::Level::kDebug)) return;
  log::write(log::Level::kDebug, log::Reason::kPushMalformed, "failed to parse text",
             {{"source", std::string(exchange.request.peer)}, {"err", std::string(text)}});
}

void log_inconsistent(const http::Exchange& exchange, const std::string& text) {
  log::write(log::Level::kError, log::Reason::kPushInconsistent,
             "pushed metrics are invalid or inconsistent with existing metrics",
             {{"method", std::string(exchange.request.method_text)},
              {"source", std::string(exchange.request.peer)},
              {"err", text}});
}

}  // namespace

size_t PushScratch::bytes() const noexcept {
  // Beside each entry stand some in the tables of parser and canonicaliser. Capacities say nothing: large tables have
  // room that was never touched.
  constexpr size_t kBesideMetric = 64;
  constexpr size_t kBesideFamily = 256;
  return canonicaliser.written_bytes() + families.metrics.size() * (sizeof(model::Metric) + kBesideMetric) +
         families.labels.size() * 2 * sizeof(model::LabelPair) + families.points.size() * sizeof(model::Point) +
         families.families.size() * (sizeof(model::Family) + kBesideFamily) + families.arena.capacity();
}

ScratchPool::ScratchPool() = default;
ScratchPool::~ScratchPool() = default;

std::unique_ptr<PushScratch> ScratchPool::take(size_t body_bytes) {
  if (large_ != nullptr && body_bytes >= limits::kPushBodyBytesLarge) return std::move(large_);
  if (free_.empty()) return std::make_unique<PushScratch>();
  std::unique_ptr<PushScratch> scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void ScratchPool::give(std::unique_ptr<PushScratch> scratch) {
  scratch->most_bytes = std::max(scratch->most_bytes, scratch->bytes());
  if (scratch->most_bytes > limits::kPushScratchBytesKept) {
    if (scratch->most_bytes > limits::kPushScratchLargeBytesKept) return;
    large_ = std::move(scratch);
    unused_seconds_ = 0;
  } else if (free_.size() < limits::kPushScratchesKept) {
    free_.push_back(std::move(scratch));
  }
}

void ScratchPool::age() noexcept {
  if (large_ != nullptr && ++unused_seconds_ > limits::kPushScratchLargeSeconds) large_.reset();
}

PushState::PushState(WorkerContext& context, model::GroupKey key, int64_t start_ns)
    : context_(context),
      key_(std::move(key)),
      check_(context.gateway.options().consistency_check),
      start_ns_(start_ns) {}

PushState::~PushState() {
  if (decoded_.capacity() != 0) context_.bodies->give_back(decoded_);
  if (scratch_ == nullptr) return;
  scratch_->op.cancel();
  context_.scratches.give(std::move(scratch_));
}

StepAction PushState::step(http::Exchange& exchange, Deadline deadline) {
  bool go_on = true;
  while (go_on) {
    switch (phase_) {
      case Phase::kStart:
        start(exchange.request);
        break;
      case Phase::kDecode:
        go_on = decode(exchange, deadline);
        break;
      case Phase::kParseText:
        go_on = parse_text(exchange, deadline);
        break;
      case Phase::kParseProtobuf:
        go_on = parse_protobuf(exchange, deadline);
        break;
      case Phase::kParsed:
        go_on = start_canonicalising(exchange);
        break;
      case Phase::kCanonicalise:
        go_on = canonicalise(exchange, deadline);
        break;
      case Phase::kStore:
        go_on = store(exchange, deadline);
        break;
      case Phase::kAcknowledge:
        go_on = acknowledge(exchange);
        break;
      case Phase::kStoreFailure:
        go_on = store_failure(exchange, deadline);
        break;
    }
  }
  return action_;
}

void PushState::start(const http::Request& request) {
  scratch_ = context_.scratches.take(request.body.size());
  protobuf_ = parser::is_delimited_protobuf(request.header("content-type"));
  const http::Coding coding = http::content_coding(request);
  if (coding == http::Coding::kIdentity) return start_parsing(request.body);
  scratch_->decoder.start(coding, request.body);
  phase_ = Phase::kDecode;
}

void PushState::start_parsing(std::string_view body) {
  body_ = body;
  using Form = parser::SkeletonCache::Form;
  skeleton_ = context_.skeletons.find(body, protobuf_ ? Form::kProtobuf : Form::kText);
  if (skeleton_) {
    context_.metrics.pushes_repeated.add(1);
    phase_ = Phase::kParsed;
    return;
  }
  if (protobuf_) {
    scratch_->protobuf_parser.start(body, scratch_->families, !check_);
    phase_ = Phase::kParseProtobuf;
    return;
  }
  scratch_->text_parser.start(body, context_.names, scratch_->families);
  phase_ = Phase::kParseText;
}

bool PushState::decode(http::Exchange& exchange, Deadline deadline) {
  using State = http::ContentDecoder::State;
  State state = State::kMore;
  do {
    if (!context_.bodies->reserve(decoded_, http::ContentDecoder::kRoomBytes)) {
      reply_error(exchange.response, 503, "too much memory is in use for the bodies of pushes");
      note_rejected(context_, exchange, &key_, "too much memory is in use for the bodies of pushes", 0);
      return finish(exchange);
    }
    size_t written = 0;
    state = scratch_->decoder.step(decoded_.tail(), written, deadline);
    decoded_.commit(written);
    if (decoded_.used() > limits::kBodyBytesMax) {
      count_rejection(context_, Rejection::kTooLarge);
      reply_error(exchange.response, 413,
                  "the decoded body is larger than " + std::to_string(limits::kBodyBytesMax) + " bytes");
      note_rejected(context_, exchange, &key_, first_line(exchange.response.body), 0);
      return finish(exchange);
    }
  } while (state == State::kMore && !deadline.passed());
  if (state == State::kMore) return wait_for_slice();
  if (state == State::kError) decode_error_ = scratch_->decoder.error();
  start_parsing(decoded_.view());
  return true;
}

bool PushState::parse_text(http::Exchange& exchange, Deadline deadline) {
  const parser::TextParser::Step result = scratch_->text_parser.step(deadline);
  if (result == parser::TextParser::Step::kMore) return wait_for_slice();
  if (scratch_->text_parser.used_exact()) context_.metrics.pushes_reparsed.add(1);
  if (result == parser::TextParser::Step::kError) {
    const std::string& text = scratch_->text_parser.error().text;
    return refuse_parsed(exchange, text, text.ends_with(": unexpected end of input stream"));
  }
  if (!scratch_->text_parser.used_exact()) context_.skeletons.learn(body_);
  return start_canonicalising(exchange);
}

bool PushState::parse_protobuf(http::Exchange& exchange, Deadline deadline) {
  const parser::ProtobufParser::Step result = scratch_->protobuf_parser.step(deadline);
  if (result == parser::ProtobufParser::Step::kMore) return wait_for_slice();
  if (result == parser::ProtobufParser::Step::kError) {
    const std::string& text = scratch_->protobuf_parser.error();
    return refuse_parsed(exchange, text, text == "unexpected EOF");
  }
  context_.skeletons.learn(body_, parser::SkeletonCache::Form::kProtobuf);
  return start_canonicalising(exchange);
}

bool PushState::wait_for_slice() {
  action_ = StepAction::kAgain;
  return false;
}

bool PushState::refuse_parsed(http::Exchange& exchange, std::string_view text, bool at_end) {
  return refuse_malformed(exchange, at_end && !decode_error_.empty() ? std::string_view(decode_error_) : text);
}

bool PushState::start_canonicalising(http::Exchange& exchange) {
  if (!decode_error_.empty()) return refuse_malformed(exchange, decode_error_);
  wall_ns_ = wall_ns();
  if (skeleton_ && skeleton_.write_canonical(key_, scratch_->push)) return start_storing(exchange);
  scratch_->canonicaliser.begin(families(), key_, scratch_->push, check_);
  phase_ = Phase::kCanonicalise;
  return true;
}

bool PushState::refuse_malformed(http::Exchange& exchange, std::string_view text) {
  count_rejection(context_, Rejection::kMalformed);
  log_malformed(exchange, text);
  reply_error(exchange.response, 400, text);
  note_rejected(context_, exchange, &key_, text, 0);
  return finish(exchange);
}

bool PushState::canonicalise(http::Exchange& exchange, Deadline deadline) {
  switch (scratch_->canonicaliser.step(deadline)) {
    case parser::Canonicaliser::State::kMore:
      return wait_for_slice();
    case parser::Canonicaliser::State::kConflict:
      return reject(exchange, scratch_->canonicaliser.conflict());
    case parser::Canonicaliser::State::kTooLarge:
      count_rejection(context_, Rejection::kTooLarge);
      reply_error(exchange.response, 413, "the pushed metrics take too much memory with their grouping labels applied");
      note_rejected(context_, exchange, &key_, first_line(exchange.response.body), 0);
      return finish(exchange);
    case parser::Canonicaliser::State::kDone:
      break;
  }
  return start_storing(exchange);
}

bool PushState::start_storing(const http::Exchange& exchange) {
  const bool replace = exchange.request.method == http::Method::kPut;
  scratch_->op.start(*context_.writer, {key_, families(), scratch_->push, replace, wall_ns_});
  phase_ = Phase::kStore;
  return true;
}

bool PushState::store(http::Exchange& exchange, Deadline deadline) {
  const store::StepResult step = scratch_->op.step(deadline);
  if (step != store::StepResult::kDone) {
    action_ = step == store::StepResult::kParked ? StepAction::kParked : StepAction::kAgain;
    return false;
  }
  const store::PushResult& result = scratch_->op.result();
  switch (result.status) {
    case store::PushStatus::kOk:
      stamp_ = result.stamp;
      phase_ = Phase::kAcknowledge;
      return true;
    case store::PushStatus::kConflict:
      return reject(exchange, result.conflict);
    case store::PushStatus::kLimit:
      count_rejection(context_, Rejection::kLimit);
      log::write(log::Level::kWarn, log::Reason::kPushLimit, "push refused at a limit",
                 {{"source", std::string(exchange.request.peer)}, {"err", store::limit_text(result.limit)}});
      reply_limit(exchange.response, store::limit_text(result.limit));
      note_rejected(context_, exchange, &key_, std::string("limit reached: ") + store::limit_text(result.limit), 0);
      break;
    case store::PushStatus::kRefused:
      reply_not_durable(exchange.response);
      note_rejected(context_, exchange, &key_, first_line(exchange.response.body), 0);
      break;
  }
  return finish(exchange);
}

// What it worked with is free for other pushes while the log is waited for.
bool PushState::acknowledge(http::Exchange& exchange) {
  using Acknowledged = wal::LogSet::Acknowledged;
  const Acknowledged now = acknowledged(context_, stamp_);
  if (now == Acknowledged::kNotYet) {
    give_back();
    action_ = StepAction::kParked;
    return false;
  }
  if (now == Acknowledged::kYes) {
    reply_empty(exchange.response, check_ ? 200 : 202);
  } else {
    reply_not_durable(exchange.response);
  }
  return finish(exchange);
}

bool PushState::reject(http::Exchange& exchange, const model::Conflict& conflict) {
  const std::string text = parser::conflict_text(conflict, families(), key_);
  count_rejection(context_, Rejection::kInconsistent);
  log_inconsistent(exchange, text);
  const bool key_itself = conflict.family == model::kNone && conflict.metric == model::kNone;
  if (check_ || key_itself) {
    reply_error(exchange.response, 400, parser::kConflictPrefix + text);
  } else {
    reply_empty(exchange.response, 202);  // the reference does not wait for the verdict
  }
  note_rejected(context_, exchange, &key_, text, key_itself ? 0 : wall_ns_);
  if (key_itself) return finish(exchange);
  scratch_->op.start_fail(*context_.writer, key_, wall_ns_);
  phase_ = Phase::kStoreFailure;
  return true;
}

bool PushState::store_failure(http::Exchange& exchange, Deadline deadline) {
  const store::StepResult step = scratch_->op.step(deadline);
  if (step == store::StepResult::kDone) return finish(exchange);
  action_ = step == store::StepResult::kParked ? StepAction::kParked : StepAction::kAgain;
  return false;
}

void PushState::give_back() noexcept {
  skeleton_.give_back();
  if (scratch_ != nullptr) context_.scratches.give(std::move(scratch_));
}

bool PushState::finish(http::Exchange& exchange) {
  give_back();
  WorkerMetrics& metrics = context_.metrics;
  const http::Request& request = exchange.request;
  const int64_t now_ns = monotonic_ns();
  PushSketches& sketches = request.method == http::Method::kPut ? metrics.put : metrics.post;
  sketches.duration_ns.observe(static_cast<uint64_t>(now_ns - start_ns_), now_ns);
  sketches.size_bytes.observe(approximate_request_bytes(request), now_ns);
  metrics.count_request(HandlerName::kPush, request.method, exchange.response.status);
  action_ = StepAction::kDone;
  return false;
}

void note_rejected(WorkerContext& context, const http::Exchange& exchange, const model::GroupKey* key,
                   std::string_view reason, int64_t failure_ns) {
  const http::Request& request = exchange.request;
  RejectedPush push;
  push.time_ns = failure_ns != 0 ? failure_ns : wall_ns();
  push.status = exchange.response.status;
  push.method = request.method_text;
  push.client = request.peer;
  push.content_type = request.header("content-type");
  if (key != nullptr) {
    push.key = key->bytes();
    push.key_hash = key->hash();
  } else {
    push.path = request.target;
  }
  push.reason = reason;
  push.sets_failure_time = failure_ns != 0;
  const RejectLog::Noted noted = context.gateway.rejects().note(push);
  context.metrics.failure_details_dropped.add(noted.evicted + (push.sets_failure_time ? noted.missed : 0));
}

uint64_t approximate_request_bytes(const http::Request& request) noexcept {
  constexpr uint64_t kProtocol = 8;  // "HTTP/1.1"
  uint64_t bytes = request.target.size() + request.method_text.size() + kProtocol + request.host.size();
  for (const http::Header& header : request.headers) {
    // Go keeps Host out of the header map.
    if (header.name.size() == 4 && (header.name == "Host" || header.name == "host")) continue;
    bytes += header.name.size() + header.value.size();
  }
  if (request.content_length != http::kNoLength) bytes += request.content_length;
  return bytes;
}

}  // namespace sluice::net::api
