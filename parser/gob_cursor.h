// The scalars of Go's encoding/gob, read from a window of a longer stream.
//
//   unsigned   one byte below 128, or 256 - n in one byte and then n bytes, big-endian
//   signed     an unsigned number: its lowest bit says whether the others, shifted down by one, are inverted
//   bytes      their number, then they; so are strings, and what a type's own GobEncode or MarshalBinary wrote
//   floats     the bytes of the IEEE 754 number in reverse, as an unsigned number
//
// The first fault stays: everything that is read after it is 0 or empty. Two kinds: the window ends before the value
// does (give a longer one and begin anew), or the bytes are wrong (`problem`). A length is compared with what the
// stream may still hold before anything is made of it.
//
// A plain value, one thread. Views point into the window.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::parser {

class GobCursor {
 public:
  // `window` lies at `offset` of the stream; what is read ends at `end` of the stream, at or behind the window's end.
  GobCursor(std::string_view window, uint64_t offset, uint64_t end) noexcept
      : rest_(window), offset_(offset), end_(end) {}

  [[nodiscard]] uint64_t take_unsigned() noexcept;
  [[nodiscard]] int64_t take_signed() noexcept;
  [[nodiscard]] std::string_view take_bytes() noexcept;
  // A number of elements, each of which takes a byte at least.
  [[nodiscard]] uint64_t take_count() noexcept;

  // What was read so far was there and right.
  [[nodiscard]] bool ok() const noexcept { return !short_ && problem_ == nullptr; }
  [[nodiscard]] bool is_short() const noexcept { return short_; }
  [[nodiscard]] const char* problem() const noexcept { return problem_; }
  // Of the next byte, or of the value that is wrong.
  [[nodiscard]] uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] uint64_t left() const noexcept { return end_ - offset_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  // `why` lives as long as the program.
  void fail(const char* why) noexcept;

 private:
  [[nodiscard]] bool has(uint64_t bytes, const char* why) noexcept;
  void skip(uint64_t bytes) noexcept;

  std::string_view rest_;
  uint64_t offset_;
  uint64_t end_;
  bool short_ = false;
  const char* problem_ = nullptr;
};

}  // namespace sluice::parser
