// UTF-8, one character at a time, as Go decodes it.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// One character at the front of `text`, which is not empty: bytes that do not form one give U+FFFD, width 1.
struct CodePoint {
  uint32_t value = 0;
  uint32_t bytes = 0;
  bool valid = true;
};
[[nodiscard]] CodePoint decode_utf8(std::string_view text) noexcept;

}  // namespace sluice
