#include "parser/canonical_escape.h"

#include <array>
#include <cstdint>

namespace sluice::parser {

namespace {

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;

// The high bit of a byte of the result is set where the byte of `x` is zero; a byte above a zero may be marked falsely,
// which only sends the caller to the exact loop. Worked byte: x = 00 -> 00 - 01 = ff, & ~00 & 80 = 80; x = 5c -> 5b,
// 00.
constexpr uint64_t zero_bytes(uint64_t x) noexcept { return (x - kOnes) & ~x & kHighs; }

constexpr uint64_t special_bytes(uint64_t word) noexcept {
  return zero_bytes(word ^ kOnes * '\\') | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\n');
}

char* escape_bytes(const char* at, const char* end, char* out, uint64_t& high) noexcept {
  for (; at != end; ++at) {
    const char c = *at;
    high |= static_cast<unsigned char>(c);
    if (c == '\\' || c == '"') {
      *out++ = '\\';
      *out++ = c;
    } else if (c == '\n') {
      *out++ = '\\';
      *out++ = 'n';
    } else {
      *out++ = c;
    }
  }
  return out;
}

uint64_t load(const char* at) noexcept {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// 1 where a name may not have the byte, anywhere.
constexpr auto kNotInNames = [] {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
    table[c] = good ? 0 : 1;
  }
  return table;
}();

}  // namespace

bool is_unquoted_name(std::string_view name) noexcept {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  uint8_t bad = 0;
  for (const char c : name) bad |= kNotInNames[static_cast<unsigned char>(c)];
  return bad == 0;
}

bool is_ascii(std::string_view text) noexcept {
  uint64_t seen = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  for (; end - at >= 8; at += 8) seen |= load(at);
  for (; at != end; ++at) seen |= static_cast<unsigned char>(*at);
  return (seen & kHighs) == 0;
}

char* write_escaped(std::string_view text, char* out, bool& high) noexcept {
  const char* at = text.data();
  const char* end = at + text.size();
  uint64_t seen = 0;
  if (text.size() >= 8) {
    while (end - at >= 8) {
      const uint64_t word = load(at);
      seen |= word;
      if (special_bytes(word) != 0) {
        out = escape_bytes(at, at + 8, out, seen);
      } else {
        std::memcpy(out, &word, 8);
        out += 8;
      }
      at += 8;
    }
    // The last up to seven bytes, by a word that ends with them, when none of it is special.
    const uint64_t last = load(end - 8);
    if (at != end && special_bytes(last) == 0) {
      const auto rest = end - at;
      // `out` holds what preceded, unescaped, only if that word was clean, so copy the rest alone.
      const uint64_t shifted = last >> (8 * (8 - rest));
      seen |= shifted;
      std::memcpy(out, &shifted, 8);
      out += rest;
      at = end;
    }
  }
  out = escape_bytes(at, end, out, seen);
  high |= (seen & kHighs) != 0;
  return out;
}

}  // namespace sluice::parser
