// Eight bytes at a time in one 64-bit word, without the instructions of any one CPU.
//
// A mark is the high bit of a byte of the result; which byte of memory it stands for depends on the machine's byte
// order, so these tell whether something is there and not where.
#pragma once

#include <cstdint>
#include <cstring>

namespace sluice {

// Eight or four bytes as they lie in memory.
[[nodiscard]] inline uint64_t load_u64(const char* at) noexcept {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
[[nodiscard]] inline uint32_t load_u32(const char* at) noexcept {
  uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace sluice

namespace sluice::swar {

inline constexpr uint64_t kOnes = 0x0101010101010101;
inline constexpr uint64_t kHighs = 0x8080808080808080;

[[nodiscard]] constexpr uint64_t repeat(char c) noexcept { return kOnes * static_cast<unsigned char>(c); }

// Marks the bytes that are zero; a byte above one may be marked falsely. Worked bytes: 00 - 01 = ff, & ~00 & 80 = 80;
// 5c - 01 = 5b, & ~5c & 80 = 00; 01 above a 00 borrows: 01 - 01 - 1 = ff, & ~01 & 80 = 80, falsely.
[[nodiscard]] constexpr uint64_t zero_bytes(uint64_t word) noexcept { return (word - kOnes) & ~word & kHighs; }

[[nodiscard]] constexpr uint64_t bytes_equal_to(uint64_t word, char c) noexcept { return zero_bytes(word ^ repeat(c)); }

// Marks the bytes below `limit`, which is at most 0x80; a byte above one may be marked falsely. Worked bytes, limit 21:
// 20 - 21 = ff, & ~20 & 80 = 80; 21 - 21 = 00; a0 - 21 = 7f; ff - 21 = de, & ~ff = 00.
[[nodiscard]] constexpr uint64_t bytes_below(uint64_t word, unsigned char limit) noexcept {
  return (word - kOnes * limit) & ~word & kHighs;
}

}  // namespace sluice::swar
