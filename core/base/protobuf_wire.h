// The protobuf wire format as Go's protowire reads it, which is what decides whether a body is malformed.
//
// protozero has the wire types and the writers; reading is here because protozero's reader throws, knows no groups and
// takes varints whose tenth byte overflows, and the reference accepts or refuses all of these.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <protozero/types.hpp>

namespace sluice {

using WireType = protozero::pbf_wire_type;

// As in a varint tag: the field's number and its wire type.
[[nodiscard]] constexpr uint32_t wire_tag(uint32_t field, WireType type) noexcept {
  return field << 3 | static_cast<uint32_t>(type);
}

// Fields of a message as their tags.
[[nodiscard]] constexpr uint32_t varint_field(uint32_t field) noexcept { return wire_tag(field, WireType::varint); }
[[nodiscard]] constexpr uint32_t double_field(uint32_t field) noexcept { return wire_tag(field, WireType::fixed64); }
[[nodiscard]] constexpr uint32_t bytes_field(uint32_t field) noexcept {
  return wire_tag(field, WireType::length_delimited);
}

inline constexpr uint64_t kFieldNumberMax = (1U << 29) - 1;
// Groups may be nested as deeply as Go allows.
inline constexpr size_t kGroupDepthMax = 10'001;

enum class VarintResult : uint8_t { kDone, kTruncated, kOverflow };

// The varint at `at`, moved behind it; `end` is the first byte that may not be read.
[[nodiscard]] inline VarintResult read_varint(const char*& at, const char* end, uint64_t& value) noexcept {
  uint64_t out = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at == end) return VarintResult::kTruncated;
    const auto byte = static_cast<unsigned char>(*at++);
    if (shift == 63 && byte > 1) return VarintResult::kOverflow;
    out |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) {
      value = out;
      return VarintResult::kDone;
    }
  }
  return VarintResult::kOverflow;
}

[[nodiscard]] inline uint64_t read_fixed64(const char* at) noexcept {
  static_assert(std::endian::native == std::endian::little);
  uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

}  // namespace sluice
