// A name that is compared again and again: the first and last eight bytes in registers, the rest by memcmp.
//
// prepare() reads exactly the name; starts() reads at most kNameReadAhead bytes at a place, which must be readable
// whatever the name's length, and of a longer name only as much as lies in front of `end`.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/swar.h"

namespace sluice::parser {

// Bytes that must be readable at any place that is compared with a name or read as a word.
inline constexpr uint32_t kNameReadAhead = 16;

[[nodiscard]] inline uint16_t load_u16(const char* at) noexcept {
  uint16_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// memcmp(a, b, bytes) == 0 without the call for short texts; reads nothing else.
[[nodiscard]] inline bool equal_bytes(const char* a, const char* b, size_t bytes) noexcept {
  if (bytes > 32) return std::memcmp(a, b, bytes) == 0;
  if (bytes > 16) {
    return load_u64(a) == load_u64(b) && load_u64(a + 8) == load_u64(b + 8) &&
           load_u64(a + bytes - 16) == load_u64(b + bytes - 16) && load_u64(a + bytes - 8) == load_u64(b + bytes - 8);
  }
  if (bytes >= 8) return load_u64(a) == load_u64(b) && load_u64(a + bytes - 8) == load_u64(b + bytes - 8);
  if (bytes >= 4) return load_u32(a) == load_u32(b) && load_u32(a + bytes - 4) == load_u32(b + bytes - 4);
  if (bytes >= 2) return load_u16(a) == load_u16(b) && a[bytes - 1] == b[bytes - 1];
  return bytes == 0 || *a == *b;
}

struct KnownName {
  uint64_t head = 0;       // first eight bytes, zeros behind a shorter name
  uint64_t head_mask = 0;  // ff for each byte of the name that head holds
  uint64_t tail = 0;       // last eight bytes of a name of more than eight
  const char* text = nullptr;
  uint32_t length = 0;

  // `name` is not empty and outlives this.
  void prepare(std::string_view name) noexcept {
    text = name.data();
    length = static_cast<uint32_t>(name.size());
    const size_t in_head = name.size() < 8 ? name.size() : 8;
    head = 0;
    std::memcpy(&head, name.data(), in_head);
    head_mask = 0;
    std::memset(&head_mask, 0xff, in_head);
    tail = length > 8 ? load_u64(name.data() + length - 8) : 0;
  }

  // Whether the bytes from `at` on, readable up to `end`, begin with this name. False for a name never prepared.
  [[nodiscard]] bool starts(const char* at, const char* end) const noexcept {
    if ((load_u64(at) & head_mask) != head) return false;
    if (length <= 8) return length != 0;
    if (length <= 16) return load_u64(at + length - 8) == tail;
    if (static_cast<size_t>(end - at) < length || load_u64(at + length - 8) != tail) return false;
    if (length <= 32)
      return load_u64(at + 8) == load_u64(text + 8) && load_u64(at + length - 16) == load_u64(text + length - 16);
    return std::memcmp(at + 8, text + 8, length - 16) == 0;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text, length}; }
};

}  // namespace sluice::parser
