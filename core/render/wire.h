// Fields of a protobuf message, appended to a string.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <protozero/varint.hpp>
#include <string>
#include <string_view>

#include "core/base/protobuf_wire.h"

namespace sluice::render {

[[nodiscard]] inline uint64_t varint_bytes(uint64_t value) noexcept {
  return static_cast<uint64_t>(protozero::length_of_varint(value));
}

// Of a field of the wire type `bytes` with a number below 16.
[[nodiscard]] inline uint64_t delimited_bytes(uint64_t content_bytes) noexcept {
  return 1 + varint_bytes(content_bytes) + content_bytes;
}

// Of a label pair as a field of its metric: `bytes` is what label_pair_bytes says.
[[nodiscard]] inline uint64_t label_pair_bytes(uint64_t name_bytes, uint64_t value_bytes) noexcept {
  return delimited_bytes(name_bytes) + delimited_bytes(value_bytes);
}

inline void append_varint(std::string& out, uint64_t value) {
  char bytes[protozero::max_varint_length];
  out.append(bytes, static_cast<size_t>(protozero::add_varint_to_buffer(bytes, value)));
}

// Tag and length, behind which the content comes.
inline void append_header(std::string& out, uint32_t field, uint64_t content_bytes) {
  out += static_cast<char>(bytes_field(field));
  append_varint(out, content_bytes);
}

inline void append_bytes(std::string& out, uint32_t field, std::string_view content) {
  append_header(out, field, content.size());
  out += content;
}

// A label pair as the field `field`, up to the bytes of its value.
inline void append_label_head(std::string& out, uint32_t field, std::string_view name, uint64_t value_bytes) {
  constexpr size_t kPlainBytes = 64;
  if (name.size() > kPlainBytes) {
    append_header(out, field, label_pair_bytes(name.size(), value_bytes));
    append_bytes(out, 1, name);
    append_header(out, 2, value_bytes);
    return;
  }
  // In one piece: this is what most of a scrape consists of.
  char head[3 + 3 * protozero::max_varint_length + kPlainBytes];
  char* at = head;
  *at++ = static_cast<char>(bytes_field(field));
  at += protozero::add_varint_to_buffer(at, label_pair_bytes(name.size(), value_bytes));
  *at++ = static_cast<char>(bytes_field(1));
  *at++ = static_cast<char>(name.size());
  std::memcpy(at, name.data(), name.size());
  at += name.size();
  *at++ = static_cast<char>(bytes_field(2));
  at += protozero::add_varint_to_buffer(at, value_bytes);
  out.append(head, static_cast<size_t>(at - head));
}

inline void append_varint_field(std::string& out, uint32_t field, uint64_t value) {
  out += static_cast<char>(varint_field(field));
  append_varint(out, value);
}

inline void append_double(std::string& out, uint32_t field, double value) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[1 + sizeof(value)];
  bytes[0] = static_cast<char>(double_field(field));
  std::memcpy(bytes + 1, &value, sizeof(value));
  out.append(bytes, sizeof(bytes));
}

}  // namespace sluice::render
