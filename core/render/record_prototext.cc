#include "core/render/record_prototext.h"

#include <bit>
#include <protozero/varint.hpp>

#include "core/base/check.h"
#include "core/base/protobuf_wire.h"

namespace sluice::render {

namespace {

using model::ProtobufField;
using Type = ProtobufField::Type;

// Fields passed over in one step, about 5 ns each.
constexpr size_t kFieldsPerStep = 32;
constexpr size_t kFamilyDepth = 1;
constexpr size_t kLabelDepth = 3;

std::span<const ProtobufField> family_fields() noexcept {
  static const ProtobufField kMetrics{4, "metric", Type::kMessage, model::metric_fields(), true};
  return {&kMetrics, 1};
}

}  // namespace

void RecordPrototext::begin_family(std::string_view, model::MetricType, NameEscaping escaping) { escaping_ = escaping; }

void RecordPrototext::start(std::string_view source, bool has_quoted_names) {
  rewrite_ = has_quoted_names && escaping_ != NameEscaping::kNone;
  depth_ = 0;
  in_string_ = false;
  push(source, family_fields());
}

void RecordPrototext::push(std::string_view message, std::span<const ProtobufField> fields) {
  SLUICE_CHECK(depth_ < frames_.size());
  Frame& frame = frames_[depth_++];
  frame = {};
  frame.message = message;
  frame.rest = message;
  frame.fields = fields;
}

bool RecordPrototext::write(std::string& stage, uint32_t& work) {
  while (stage.size() < kStageBytes && work < kWorkPerCheck) {
    if (depth_ == 0) return true;
    step(work);
  }
  return false;
}

void RecordPrototext::step(uint32_t& work) {
  if (in_string_) return string_step(work);
  Frame& frame = frames_[depth_ - 1];
  if (!frame.packed.empty()) {
    const ProtobufField& field = frame.fields[frame.field];
    model::WireField value;
    if (next_packed(frame.packed, field, value)) {
      write_field(field, value);
    } else {
      frame.packed = {};
    }
    ++work;
  } else if (!frame.surveyed) {
    survey(frame, work);
  } else if (frame.field != frame.fields.size()) {
    look_for_field(frame, work);
  } else {
    if (depth_ > kFamilyDepth) out_.close();
    --depth_;
  }
}

void RecordPrototext::survey(Frame& frame, uint32_t& work) {
  ++work;
  model::WireField value;
  for (size_t i = 0; i < kFieldsPerStep; ++i) {
    if (next_field(frame.rest, value)) {
      if (value.field() < 32) frame.present |= 1U << value.field();
      // Metrics are all that a record has: what is known need not be looked for.
      if (depth_ != kFamilyDepth) continue;
    }
    frame.surveyed = true;
    return next_present(frame);
  }
}

// On to the first field from the present one on that the message has.
void RecordPrototext::next_present(Frame& frame) {
  while (frame.field != frame.fields.size() && (frame.present >> frame.fields[frame.field].number & 1) == 0)
    ++frame.field;
  frame.rest = frame.message;
  frame.has_last = false;
}

void RecordPrototext::look_for_field(Frame& frame, uint32_t& work) {
  ++work;
  const ProtobufField& field = frame.fields[frame.field];
  model::WireField value;
  for (size_t i = 0; i < kFieldsPerStep; ++i) {
    if (!next_field(frame.rest, value)) return end_of_pass(frame);
    if (value.field() != field.number) continue;
    if (value.is_of(field.type)) {
      if (field.repeated) return write_field(field, value);
      frame.last = value;
      frame.has_last = true;
    } else if (value.is_packed(field)) {
      frame.packed = value.bytes;
      return;
    }
  }
}

void RecordPrototext::end_of_pass(Frame& frame) {
  const ProtobufField& field = frame.fields[frame.field++];
  const bool write = frame.has_last;
  const model::WireField value = frame.last;
  next_present(frame);
  if (write) write_field(field, value);
}

// May push a frame.
void RecordPrototext::write_field(const ProtobufField& field, const model::WireField& value) {
  if (field.type == Type::kImplicit && value.number == 0) return;
  out_.name(field.name);
  switch (field.type) {
    case Type::kUnsigned:
      return out_.number(value.number);
    case Type::kSigned:
    case Type::kImplicit:
      return out_.number(static_cast<int64_t>(value.number));
    case Type::kZigzag:
      return out_.number(protozero::decode_zigzag64(value.number));
    case Type::kDouble:
      return out_.number(std::bit_cast<double>(value.number));
    case Type::kString:
      return write_string(field, value.bytes);
    case Type::kMessage:
      out_.open();
      return push(value.bytes, field.message);
  }
}

void RecordPrototext::write_string(const ProtobufField& field, std::string_view text) {
  out_.begin_string();
  in_string_ = true;
  string_rest_ = text;
  // Names of labels of the metric, not of exemplars.
  if (!rewrite_ || depth_ != kLabelDepth || field.number != 1 || is_legacy_name(text)) return;
  name_.clear();
  append_escaped_name(text, escaping_, name_);
  string_rest_ = name_;
}

void RecordPrototext::string_step(uint32_t& work) {
  const size_t bytes = piece_bytes(string_rest_, kPieceBytes, false);
  out_.string_piece(string_rest_.substr(0, bytes));
  string_rest_.remove_prefix(bytes);
  work += static_cast<uint32_t>(1 + bytes / 32);
  if (!string_rest_.empty()) return;
  out_.end_string();
  in_string_ = false;
}

}  // namespace sluice::render
