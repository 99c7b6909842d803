#include "parser/gob_cursor.h"

namespace sluice::parser {

void GobCursor::fail(const char* why) noexcept {
  if (ok()) problem_ = why;
}

bool GobCursor::has(uint64_t bytes, const char* why) noexcept {
  if (!ok()) return false;
  if (bytes > left()) {
    fail(why);
  } else if (bytes > rest_.size()) {
    short_ = true;
  }
  return ok();
}

void GobCursor::skip(uint64_t bytes) noexcept {
  rest_.remove_prefix(bytes);
  offset_ += bytes;
}

uint64_t GobCursor::take_unsigned() noexcept {
  constexpr const char* kCut = "the bytes end in the middle of a number";
  if (!has(1, kCut)) return 0;
  const auto first = static_cast<uint8_t>(rest_.front());
  if (first < 0x80) {
    skip(1);
    return first;
  }
  const uint64_t bytes = 256 - uint64_t{first};
  if (bytes > sizeof(uint64_t)) {
    fail("a number of more than eight bytes");
    return 0;
  }
  if (!has(1 + bytes, kCut)) return 0;
  uint64_t value = 0;
  for (uint64_t i = 1; i <= bytes; ++i) value = value << 8 | static_cast<uint8_t>(rest_[i]);
  skip(1 + bytes);
  return value;
}

int64_t GobCursor::take_signed() noexcept {
  const uint64_t value = take_unsigned();
  const uint64_t shifted = value >> 1;
  return static_cast<int64_t>((value & 1) != 0 ? ~shifted : shifted);
}

std::string_view GobCursor::take_bytes() noexcept {
  const uint64_t bytes = take_unsigned();
  if (!has(bytes, "a length of more bytes than there are")) return {};
  const std::string_view taken = rest_.substr(0, bytes);
  skip(bytes);
  return taken;
}

uint64_t GobCursor::take_count() noexcept {
  const uint64_t count = take_unsigned();
  if (count <= left()) return count;
  fail("more elements are announced than there are bytes");
  return 0;
}

}  // namespace sluice::parser
