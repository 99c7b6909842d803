#include "net/api/push.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "net/api/gateway.h"
#include "net/api/replies.h"
#include "parser/conflict_text.h"
#include "parser/media_type.h"
#include "parser/text_exact.h"

namespace sluice::net::api {
namespace {

using limits::Limit;
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
  const size_t text = std::max<size_t>(canonicaliser.written_bytes(), push.used_bytes);
  return text + families.metrics.size() * (sizeof(model::Metric) + kBesideMetric) +
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
      start_ns_(start_ns) {
  context_.writer->expect(key_.hash(), store::Writer::Near::kLookup);
}

PushState::~PushState() {
  context_.gateway.memory().give_back(std::exchange(promised_bytes_, 0));
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
        go_on = start(exchange);
        break;
      case Phase::kDecode:
        go_on = decode(exchange, deadline);
        break;
      case Phase::kCompare:
        go_on = compare(deadline);
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
      case Phase::kWrite:
        go_on = write(exchange, deadline);
        break;
      case Phase::kRead:
        go_on = read(deadline);
        break;
      case Phase::kCanonicalise:
        go_on = canonicalise(exchange, deadline);
        break;
      case Phase::kLearn:
        go_on = learn(exchange, deadline);
        break;
      case Phase::kStore:
        go_on = store(exchange, deadline);
        break;
      case Phase::kReject:
        go_on = reject_stored(exchange, deadline);
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

bool PushState::start(http::Exchange& exchange) {
  const http::Request& request = exchange.request;
  context_.writer->expect(key_.hash(), store::Writer::Near::kGroup);
  scratch_ = context_.scratches.take(request.body.size());
  protobuf_ = parser::is_delimited_protobuf(request.header("content-type"));
  const http::Coding coding = http::content_coding(request);
  if (coding == http::Coding::kIdentity) return start_parsing(exchange, request.body);
  scratch_->decoder.start(coding, request.body);
  const limits::Values& values = context_.gateway.options().limits;
  decoded_max_ = std::min(values[Limit::kDecodedBytes],
                          std::max(limits::kDecodedBytesFree, request.body.size() * values[Limit::kDecodedRatio]));
  phase_ = Phase::kDecode;
  return true;
}

bool PushState::start_parsing(http::Exchange& exchange, std::string_view body) {
  if (!context_.gateway.memory().promise(body.size())) return refuse_at(exchange, Limit::kMemory);
  promised_bytes_ = body.size();
  body_ = body;
  skeleton_ = context_.skeletons.find(body, form());
  if (skeleton_) {
    context_.metrics.pushes_repeated.add(1);
    phase_ = Phase::kParsed;
    return true;
  }
  if (!protobuf_) skeleton_ = context_.large_skeletons.find(body);
  if (skeleton_) {
    phase_ = Phase::kCompare;
  } else {
    start_parser();
  }
  return true;
}

void PushState::start_parser() {
  if (protobuf_) {
    scratch_->protobuf_parser.start(body_, scratch_->families, !check_);
    phase_ = Phase::kParseProtobuf;
  } else {
    scratch_->text_parser.start(body_, context_.names, scratch_->families);
    phase_ = Phase::kParseText;
  }
}

bool PushState::compare(Deadline deadline) {
  switch (skeleton_->step_match(deadline)) {
    case parser::SkeletonStep::kMore:
      return wait_for_slice();
    case parser::SkeletonStep::kNo:
      skeleton_ = context_.large_skeletons.find_next(body_, std::move(skeleton_));
      if (!skeleton_) start_parser();
      return true;
    case parser::SkeletonStep::kYes:
      break;
  }
  context_.large_skeletons.note_match(skeleton_);
  context_.metrics.pushes_repeated.add(1);
  large_ = true;
  phase_ = Phase::kParsed;
  return true;
}

bool PushState::decode(http::Exchange& exchange, Deadline deadline) {
  using State = http::ContentDecoder::State;
  State state = State::kMore;
  do {
    if (!context_.bodies->reserve(decoded_, http::ContentDecoder::kRoomBytes)) {
      return refuse_at(exchange, Limit::kBodyMemory);
    }
    size_t written = 0;
    state = scratch_->decoder.step(decoded_.tail(), written, deadline);
    decoded_.commit(written);
    if (const auto limit = limit_of_decoded()) return refuse_at(exchange, *limit);
  } while (state == State::kMore && !deadline.passed());
  if (state == State::kMore) return wait_for_slice();
  if (state == State::kError) decode_error_ = scratch_->decoder.error();
  return start_parsing(exchange, decoded_.view());
}

std::optional<Limit> PushState::limit_of_decoded() const noexcept {
  const limits::Values& values = context_.gateway.options().limits;
  if (decoded_.used() > decoded_max_) {
    return decoded_max_ == values[Limit::kDecodedBytes] ? Limit::kDecodedBytes : Limit::kDecodedRatio;
  }
  const uint64_t begun = scratch_->decoder.consumed() * values[Limit::kDecodedRatio] * limits::kDecodedRatioBegins;
  return decoded_.used() > std::max(limits::kDecodedBytesFree, begun) ? std::optional(Limit::kDecodedRatio)
                                                                      : std::nullopt;
}

bool PushState::parse_text(http::Exchange& exchange, Deadline deadline) {
  const parser::TextParser::Step result = scratch_->text_parser.step(deadline);
  if (result == parser::TextParser::Step::kMore) return wait_for_slice();
  if (scratch_->text_parser.used_exact()) context_.metrics.pushes_reparsed.add(1);
  if (result == parser::TextParser::Step::kError) {
    if (const auto limit = scratch_->text_parser.error().limit) context_.metrics.count_limit(*limit);
    const std::string& text = scratch_->text_parser.error().text;
    return refuse_parsed(exchange, text, text.ends_with(": unexpected end of input stream"));
  }
  to_learn_ = !scratch_->text_parser.used_exact();
  return start_canonicalising(exchange);
}

bool PushState::parse_protobuf(http::Exchange& exchange, Deadline deadline) {
  const parser::ProtobufParser::Step result = scratch_->protobuf_parser.step(deadline);
  if (result == parser::ProtobufParser::Step::kMore) return wait_for_slice();
  if (result == parser::ProtobufParser::Step::kError) {
    if (const auto limit = scratch_->protobuf_parser.limit()) context_.metrics.count_limit(*limit);
    const std::string& text = scratch_->protobuf_parser.error();
    return refuse_parsed(exchange, text, text == "unexpected EOF");
  }
  to_learn_ = true;
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
  context_.writer->expect(key_.hash(), store::Writer::Near::kVersion);
  wall_ns_ = wall_ns();
  if (large_) {
    const uint64_t most = context_.gateway.options().limits[Limit::kExpandedBytes];
    phase_ = skeleton_->begin_write(key_, scratch_->push, most) ? Phase::kWrite : Phase::kRead;
    return true;
  }
  if (skeleton_ && context_.skeletons.write_canonical(skeleton_, key_, scratch_->push)) return start_storing(exchange);
  start_canonicaliser();
  return true;
}

void PushState::start_canonicaliser() {
  scratch_->canonicaliser.begin(families(), key_, scratch_->push, check_, context_.gateway.options().limits);
  phase_ = Phase::kCanonicalise;
}

bool PushState::write(const http::Exchange& exchange, Deadline deadline) {
  const parser::SkeletonStep step = skeleton_->step_write(scratch_->push, deadline);
  if (step == parser::SkeletonStep::kMore) return wait_for_slice();
  if (step == parser::SkeletonStep::kYes) return start_storing(exchange);
  phase_ = Phase::kRead;
  return true;
}

bool PushState::read(Deadline deadline) {
  if (!skeleton_->step_read(deadline)) return wait_for_slice();
  start_canonicaliser();
  return true;
}

bool PushState::refuse_at(http::Exchange& exchange, Limit limit) {
  const int status = limits::entry_of(limit).status;
  const auto why = status == 413 ? Rejection::kTooLarge : status == 400 ? Rejection::kMalformed : Rejection::kLimit;
  count_rejection(context_, why);
  context_.metrics.count_limit(limit);
  reply_limit(exchange.response, limit, context_.gateway.options().limits);
  log::write(log::Level::kWarn, log::Reason::kPushLimit, "push refused at a limit",
             {{"source", std::string(exchange.request.peer)}, {"err", exchange.response.body}});
  note_rejected(context_, exchange, &key_, first_line(exchange.response.body), 0);
  return finish(exchange);
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
    case parser::Canonicaliser::State::kLimit:
      return refuse_at(exchange, scratch_->canonicaliser.limit());
    case parser::Canonicaliser::State::kDone:
      break;
  }
  if (!to_learn_) return start_storing(exchange);
  context_.skeletons.learn(body_, form());
  const bool has_memory = context_.gateway.memory().pressure() == store::Pressure::kNone;
  if (!protobuf_ && has_memory) lesson_ = context_.large_skeletons.learn(body_);
  if (!lesson_) return start_storing(exchange);
  phase_ = Phase::kLearn;
  return true;
}

bool PushState::learn(const http::Exchange& exchange, Deadline deadline) {
  if (!lesson_.step(key_, deadline)) return wait_for_slice();
  return start_storing(exchange);
}

bool PushState::start_storing(const http::Exchange& exchange) {
  const bool replace = exchange.request.method == http::Method::kPut;
  MemoryGuard& memory = context_.gateway.memory();
  context_.memory.worked_off(memory, body_.size() + scratch_->push.used_bytes);
  if (memory.pressure() != store::Pressure::kNone) memory.sample();  // nothing is refused for what was
  scratch_->op.start(*context_.writer,
                     {.key = key_,
                      .parsed = skeleton_ ? skeleton_->families_without_numbers() : scratch_->families,
                      .push = scratch_->push,
                      .replace = replace,
                      .wall_ns = wall_ns_,
                      .limits = nullptr,
                      .pressure = memory.pressure()});
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
      phase_ = Phase::kReject;
      return true;
    case store::PushStatus::kLimit:
      return refuse_at(exchange, *result.limit);
    case store::PushStatus::kRefused:
      reply_not_durable(exchange.response);
      note_rejected(context_, exchange, &key_, first_line(exchange.response.body), 0);
      break;
  }
  return finish(exchange);
}

bool PushState::reject_stored(http::Exchange& exchange, Deadline deadline) {
  if (skeleton_ && !skeleton_->step_read(deadline)) return wait_for_slice();
  return reject(exchange, scratch_->op.result().conflict);
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
  scratch_->op.start_fail(*context_.writer, key_, wall_ns_, nullptr, context_.gateway.memory().pressure());
  phase_ = Phase::kStoreFailure;
  return true;
}

bool PushState::store_failure(http::Exchange& exchange, Deadline deadline) {
  const store::StepResult step = scratch_->op.step(deadline);
  if (step == store::StepResult::kDone) {
    if (const auto limit = scratch_->op.result().limit) context_.metrics.count_limit(*limit);
    return finish(exchange);
  }
  action_ = step == store::StepResult::kParked ? StepAction::kParked : StepAction::kAgain;
  return false;
}

void PushState::give_back() noexcept {
  context_.gateway.memory().give_back(std::exchange(promised_bytes_, 0));
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
