// The messages of io.prometheus.client (metrics.proto) as tables, and the walk over the fields of one.
//
// Fields stand in the order of their declaration, which is the order in which Go's prototext prints them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::model {

struct ProtobufField {
  enum class Type : uint8_t {
    kUnsigned,
    kSigned,
    kImplicit,  // signed, and 0 is the same as absent: google.protobuf.Timestamp is of proto3
    kZigzag,
    kDouble,
    kString,
    kMessage
  };

  uint32_t number = 0;  // below 32
  const char* name = nullptr;
  Type type = Type::kUnsigned;
  std::span<const ProtobufField> message;  // of Type::kMessage
  bool repeated = false;
};

// Of Metric; `label` comes first.
[[nodiscard]] std::span<const ProtobufField> metric_fields() noexcept;

// A field as it stands on the wire: numbers in `number`, doubles as their bits, the rest in `bytes`.
struct WireField {
  uint32_t tag = 0;
  uint64_t number = 0;
  std::string_view bytes;

  [[nodiscard]] uint32_t field() const noexcept { return tag >> 3; }
  // Whether its wire type is the one of `type`, not packed.
  [[nodiscard]] bool is_of(ProtobufField::Type type) const noexcept;
  // Whether it holds packed numbers of `field`.
  [[nodiscard]] bool is_packed(const ProtobufField& field) const noexcept;
};

// The field at the front of `message`, which loses it; false at the end, and at groups and cut fields, behind which
// nothing is read.
[[nodiscard]] bool next_field(std::string_view& message, WireField& out) noexcept;

// The number at the front of packed numbers, which lose it; false at the end.
[[nodiscard]] bool next_packed(std::string_view& packed, const ProtobufField& field, WireField& out) noexcept;

}  // namespace sluice::model
