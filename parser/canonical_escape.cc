#include "parser/canonical_escape.h"

#include <cstdint>

#include "core/base/swar.h"

namespace sluice::parser {

namespace {

using swar::kHighs;
using swar::kOnes;
using swar::zero_bytes;

// What is marked falsely only sends the caller to the exact loop.
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

// Fewer than eight bytes, with zeros above them.
uint64_t load_short(std::string_view text) noexcept {
  const size_t size = text.size();
  const char* at = text.data();
  if (size >= 4) {
    uint32_t low;
    uint32_t high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + size - 4, 4);
    return low | uint64_t{high} << (8 * (size - 4));  // what both hold is the same
  }
  if (size == 0) return 0;
  const auto byte = [at](size_t i) { return uint64_t{static_cast<unsigned char>(at[i])} << (8 * i); };
  return byte(0) | byte(size / 2) | byte(size - 1);
}

// The high bit of each byte of `word` that a name may have. The bytes are below 0x80, so no sum carries into the next.
// Worked byte: 'Q' = 51 -> | 20 = 71, + 1f = 90 (not below 'a'), + 05 = 76 (not above 'z'): 80.
constexpr uint64_t name_bytes(uint64_t word) noexcept {
  const uint64_t lower = word | kOnes * 0x20;
  const uint64_t letter = (lower + kOnes * (0x80 - 'a')) & ~(lower + kOnes * (0x7f - 'z'));
  const uint64_t digit_or_colon = (word + kOnes * (0x80 - '0')) & ~(word + kOnes * (0x7f - ':'));
  const uint64_t underscore = ~((word ^ kOnes * '_') + kOnes * 0x7f);
  return (letter | digit_or_colon | underscore) & kHighs;
}

}  // namespace

bool is_unquoted_name(std::string_view name) noexcept {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  uint64_t good = kHighs;
  uint64_t seen = 0;
  const auto look = [&](uint64_t word) {
    good &= name_bytes(word & ~kHighs);
    seen |= word;
  };
  if (name.size() >= 8) {
    for (size_t at = 0; at + 8 < name.size(); at += 8) look(load(name.data() + at));
    look(load(name.data() + name.size() - 8));
  } else {
    for (const char c : name) look(kOnes * static_cast<unsigned char>(c));
  }
  return good == kHighs && (seen & kHighs) == 0;
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
  if (text.size() < 8) {
    const uint64_t word = load_short(text);
    if (special_bytes(word) == 0) {
      std::memcpy(out, &word, 8);
      high |= (word & kHighs) != 0;
      return out + text.size();
    }
  } else {
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
