#include "parser/protobuf_parser.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/protobuf_wire.h"
#include "parser/text_reserve.h"

namespace sluice::parser {

namespace {

using model::kNone;
using model::MetricType;

// Steps of at most about 50 ns between two looks at the clock.
constexpr int kStepsPerCheck = 128;

// negative_count and positive_count of a native histogram.
bool is_packed_double(uint32_t tag) noexcept { return tag == bytes_field(11) || tag == bytes_field(14); }

}  // namespace

void ProtobufParser::start(std::string_view body, model::Families& out, bool keep_all) {
  keep_all_ = keep_all;
  at_ = body.data();
  body_begin_ = body.data();
  body_end_ = body.data() + body.size();
  out_ = &out;
  out.clear();
  reserve_for(body.size(), out);
  if (body.size() >= kLargeBodyBytes) {
    // An empty label or bucket takes two bytes.
    reserve_room(out.labels, body.size() / 2 + 1, body.size() / 16);
    reserve_room(out.points, body.size() / 2 + 1, body.size() / 32);
  }
  state_ = State::kBetween;
  error_.clear();
  depth_ = 0;
  groups_.clear();
  odd_types_.clear();
  by_name_.clear();
  latest_.clear();
  if (numbers_ != nullptr) numbers_->clear();
  if (body.size() >= kLargeBodyBytes) {
    reserve_room(latest_, body.size() / kShortestLine + 1, body.size() / kBytesPerFamily);
  }
}

ProtobufParser::Step ProtobufParser::step(Deadline deadline) {
  SLUICE_DCHECK(out_ != nullptr);
  do {
    for (int i = 0; i < kStepsPerCheck; ++i) {
      if (!advance()) return error_.empty() ? Step::kDone : Step::kError;
    }
  } while (!deadline.passed());
  return Step::kMore;
}

bool ProtobufParser::advance() {
  switch (state_) {
    case State::kBetween:
      return begin_family();
    case State::kInMessage:
      return at_ == stack_[depth_ - 1].end ? close() : read_field();
    case State::kInGroup:
      return read_group_field();
    case State::kForgetting:
      return forget_metrics();
    case State::kTypes:
      return check_types();
  }
  return false;
}

bool ProtobufParser::malformed() { return fail("proto: cannot parse invalid wire-format data"); }

bool ProtobufParser::fail(std::string text, std::optional<limits::Limit> limit) {
  limit_ = limit;
  error_ = std::move(text);
  return false;
}

bool ProtobufParser::begin_family() {
  if (at_ == body_end_) {
    state_ = State::kTypes;
    return true;
  }
  uint64_t bytes = 0;
  switch (read_varint(at_, body_end_, bytes)) {
    case VarintResult::kOverflow:
      return fail("proto: variable length integer overflow");
    case VarintResult::kTruncated:
      return fail("unexpected EOF");
    case VarintResult::kDone:
      break;
  }
  if (bytes > static_cast<uint64_t>(body_end_ - at_)) return fail("unexpected EOF");
  family_begin_ = at_;
  family_ = static_cast<uint32_t>(out_->families.size());
  out_->families.emplace_back().type = MetricType::kCounter;
  type_ = 0;
  type_final_ = false;
  group_in_metric_ = false;
  only_type_ = false;
  wrong_content_ = false;
  metrics_begin_ = out_->metrics.size();
  labels_begin_ = out_->labels.size();
  points_begin_ = out_->points.size();
  stack_[0] = {at_ + bytes, Kind::kFamily, true};
  depth_ = 1;
  state_ = State::kInMessage;
  return true;
}

bool ProtobufParser::read_field() {
  const Message message = stack_[depth_ - 1];
  if (message.kind == Kind::kPackedVarints) {
    uint64_t number = 0;
    return read_varint(at_, message.end, number) == VarintResult::kDone || malformed();
  }
  uint64_t tag = 0;
  if (read_varint(at_, message.end, tag) != VarintResult::kDone) return malformed();
  if (tag >> 3 == 0 || tag >> 3 > kFieldNumberMax) return malformed();
  Field field{static_cast<uint32_t>(tag), 0, {}, nullptr};
  if ((tag & 7) == 3) {  // a group, which only unknown fields are
    groups_.assign(1, static_cast<uint32_t>(tag >> 3));
    if (depth_ > 1 && stack_[1].live) note_inexact();  // of a metric
    // A record copies the fields of a metric one by one, and a group has no length.
    if (depth_ == 2) group_in_metric_ = true;
    state_ = State::kInGroup;
    return true;
  }
  if (!read_value(field, message.end)) return malformed();
  if (message.kind == Kind::kHistogram && is_packed_double(field.tag) && field.bytes.size() % 8 != 0)
    return malformed();
  const Kind child = message_of(message.kind, field.tag);
  if (child != Kind::kNone) return open(child, field, message.live);
  if (message.live) return take(message.kind, field);
  // A push with a timestamp is refused for that first, so it counts in the metrics that are passed over as well.
  if (message.kind == Kind::kMetric && field.tag == varint_field(6)) metric().fields |= model::kHasTimestamp;
  return true;
}

bool ProtobufParser::read_value(Field& field, const char* end) {
  const auto left = static_cast<size_t>(end - at_);
  field.value = at_;
  switch (field.tag & 7) {
    case 0:
      return read_varint(at_, end, field.number) == VarintResult::kDone;
    case 1:
      if (left < 8) return false;
      field.number = read_fixed64(at_);
      at_ += 8;
      return true;
    case 2: {
      uint64_t bytes = 0;
      if (read_varint(at_, end, bytes) != VarintResult::kDone) return false;
      if (bytes > static_cast<uint64_t>(end - at_)) return false;
      field.bytes = {at_, static_cast<size_t>(bytes)};
      at_ += bytes;
      return true;
    }
    case 5:
      if (left < 4) return false;
      at_ += 4;
      return true;
    default:
      return false;
  }
}

bool ProtobufParser::read_group_field() {
  const char* const end = stack_[depth_ - 1].end;
  uint64_t tag = 0;
  if (read_varint(at_, end, tag) != VarintResult::kDone) return malformed();
  if (tag >> 3 == 0 || tag >> 3 > INT32_MAX) return malformed();
  const auto number = static_cast<uint32_t>(tag >> 3);
  if ((tag & 7) == 4) {
    if (groups_.back() != number) return malformed();
    groups_.pop_back();
    if (groups_.empty()) state_ = State::kInMessage;
    return true;
  }
  if ((tag & 7) == 3) {
    if (groups_.size() == kGroupDepthMax) return malformed();
    groups_.push_back(number);
    return true;
  }
  Field field{static_cast<uint32_t>(tag), 0, {}, nullptr};
  return read_value(field, end) || malformed();
}

bool ProtobufParser::open(Kind kind, const Field& field, bool live) {
  if (kind == Kind::kMetric) {
    if (only_type_) return true;
    // One metric without its content condemns the family, so there is no point in keeping a million of them.
    live = keep_all_ || !wrong_content_;
    if (live) {
      open_metric(field.bytes);
      if (take_plain_metric(field.bytes)) return true;
    }
  } else if (live) {
    if (kind == Kind::kLabel && metric().labels_count == limits::kLabelsPerSeriesMax) {
      return fail("more than " + std::to_string(limits::kLabelsPerSeriesMax) + " labels",
                  limits::Limit::kLabelsPerSeries);
    }
    if (take_plain(kind, field)) return true;
    live = begin_part(kind, field);
  }
  SLUICE_DCHECK(depth_ < stack_.size());
  at_ = field.bytes.data();
  stack_[depth_++] = {field.bytes.data() + field.bytes.size(), kind, live};
  return true;
}

bool ProtobufParser::close() {
  const Message message = stack_[--depth_];
  switch (message.kind) {
    case Kind::kFamily:
      return close_family();
    case Kind::kMetric:
      if (message.live) close_metric();
      return true;
    case Kind::kLabel:
      return !message.live || close_label();
    case Kind::kQuantile:
    case Kind::kBucket:
      if (message.live) close_point(message.kind);
      return true;
    default:
      return true;
  }
}

bool ProtobufParser::close_family() {
  model::Family& family = out_->families[family_];
  if (only_type_) {
    // Now the type is known: once more from the start.
    out_->metrics.resize(metrics_begin_);
    out_->labels.resize(labels_begin_);
    out_->points.resize(points_begin_);
    const MetricType type = family.type;
    const char* const end = stack_[0].end;
    family = {};
    family.type = type;
    type_final_ = true;
    only_type_ = false;
    wrong_content_ = false;
    at_ = family_begin_;
    stack_[depth_++] = {end, Kind::kFamily, true};
    return true;
  }
  if (family.name.size() > limits::kNameBytesMax) {
    return fail("name of more than " + std::to_string(limits::kNameBytesMax) + " bytes", limits::Limit::kNameBytes);
  }
  if (group_in_metric_) family.needs_record = false;
  const bool odd = type_ < 0 || type_ > static_cast<int32_t>(MetricType::kGaugeHistogram);
  if (odd && family.metrics_count != 0) odd_types_.push_back({family_, type_});
  state_ = State::kBetween;
  const uint64_t hash = keyed_hash(family.name);
  const uint32_t known =
      by_name_.find(hash, [&](uint32_t index) { return out_->families[latest_[index]].name == family.name; });
  if (known == kNone) {
    by_name_.insert(hash, static_cast<uint32_t>(latest_.size()));
    latest_.push_back(family_);
    return true;
  }
  // An empty one takes away what the former had, but needs no place of its own: a body may have a family a byte.
  const bool empty = family.metrics_count == 0;
  model::Family& former = out_->families[empty ? latest_[known] : std::exchange(latest_[known], family_)];
  forget_ = former.metrics_first;
  former.metrics_first = kNone;
  former.metrics_last = kNone;
  former.metrics_count = 0;
  if (empty) out_->families.pop_back();
  state_ = State::kForgetting;
  return true;
}

// Nobody looks at a forgotten metric but for its timestamp.
bool ProtobufParser::forget_metrics() {
  if (forget_ == kNone) {
    state_ = State::kBetween;
    return true;
  }
  model::Metric& metric = out_->metrics[forget_];
  metric.fields = 0;
  forget_ = metric.next;
  return true;
}

bool ProtobufParser::check_types() {
  if (odd_types_.empty()) return false;
  const OddType odd = odd_types_.back();
  odd_types_.pop_back();
  if (out_->families[odd.family].metrics_count == 0) return true;
  return fail("unknown metric type " + std::to_string(odd.type));
}

}  // namespace sluice::parser
