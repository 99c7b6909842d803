#include "parser/protobuf_text.h"

#include <bit>
#include <cstdint>
#include <protozero/varint.hpp>
#include <span>

#include "core/base/prototext.h"
#include "core/model/protobuf_schema.h"

namespace sluice::parser {
namespace {

using model::ProtobufField;
using model::WireField;
using Type = ProtobufField::Type;

void append_fields(std::string& out, std::string_view message, std::span<const ProtobufField> fields);

void append_value(std::string& out, const ProtobufField& field, const WireField& value) {
  if (field.type == Type::kImplicit && value.number == 0) return;
  if (!out.ends_with('{') && !out.ends_with(' ')) out += ' ';
  out += field.name;
  out += ':';
  switch (field.type) {
    case Type::kUnsigned:
      append_prototext_number(out, value.number);
      break;
    case Type::kSigned:
    case Type::kImplicit:
      out += std::to_string(static_cast<int64_t>(value.number));
      break;
    case Type::kZigzag:
      out += std::to_string(protozero::decode_zigzag64(value.number));
      break;
    case Type::kDouble:
      append_prototext_number(out, std::bit_cast<double>(value.number));
      break;
    case Type::kString:
      append_prototext_string(out, value.bytes);
      break;
    case Type::kMessage:
      out += '{';
      append_fields(out, value.bytes, field.message);
      out += '}';
      break;
  }
}

void append_packed(std::string& out, const ProtobufField& field, std::string_view packed) {
  WireField value;
  while (next_packed(packed, field, value)) append_value(out, field, value);
}

void append_fields(std::string& out, std::string_view message, std::span<const ProtobufField> fields) {
  for (const ProtobufField& field : fields) {
    std::string_view rest = message;
    WireField value;
    WireField last;
    while (next_field(rest, value)) {
      if (value.field() != field.number) continue;
      if (value.is_of(field.type)) {
        if (field.repeated) append_value(out, field, value);
        last = value;
      } else if (value.is_packed(field)) {
        append_packed(out, field, value.bytes);
      }
    }
    if (!field.repeated && last.tag != 0) append_value(out, field, last);
  }
}

}  // namespace

void append_metric_content(std::string& out, std::string_view message, size_t bytes_max) {
  append_fields(out, message.substr(0, bytes_max), model::metric_fields().subspan(1));
}

}  // namespace sluice::parser
