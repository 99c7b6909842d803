// The AVX-512 intrinsics that parser/simd/avx512_block.h uses, byte by byte as Intel's manual describes them, for CPUs
// that lack them. What this cannot show is that the compiler encodes the real ones.
#pragma once

#include <cstdint>
#include <cstring>

#define SLUICE_AVX512_EMULATED

namespace sluice::parser::simd {
namespace {

// NOLINTBEGIN(readability-identifier-naming): the names are Intel's
struct __m512i {
  uint8_t byte[64];
};
struct __m256i {
  uint8_t byte[32];
};

inline __m512i _mm512_loadu_si512(const void* from) {
  __m512i out;
  std::memcpy(out.byte, from, 64);
  return out;
}
inline void _mm512_storeu_si512(void* to, __m512i value) { std::memcpy(to, value.byte, 64); }
inline __m512i _mm512_setzero_si512() { return {}; }
inline __m512i _mm512_set4_epi32(int d, int c, int b, int a) {
  const int words[4] = {a, b, c, d};
  __m512i out;
  for (int lane = 0; lane < 4; ++lane) std::memcpy(out.byte + 16 * lane, words, 16);
  return out;
}
inline __m512i _mm512_set1_epi16(short value) {
  __m512i out;
  for (int k = 0; k < 32; ++k) std::memcpy(out.byte + 2 * k, &value, 2);
  return out;
}
inline __m512i _mm512_or_si512(__m512i a, __m512i b) {
  for (int k = 0; k < 64; ++k) a.byte[k] |= b.byte[k];
  return a;
}
inline __m512i _mm512_add_epi16(__m512i a, __m512i b) {
  for (int k = 0; k < 64; k += 2) {
    uint16_t x;
    uint16_t y;
    std::memcpy(&x, a.byte + k, 2);
    std::memcpy(&y, b.byte + k, 2);
    x = static_cast<uint16_t>(x + y);
    std::memcpy(a.byte + k, &x, 2);
  }
  return a;
}
inline __m512i _mm512_shuffle_epi8(__m512i table, __m512i at) {
  __m512i out;
  for (int k = 0; k < 64; ++k) out.byte[k] = at.byte[k] & 0x80 ? 0 : table.byte[k / 16 * 16 + (at.byte[k] & 15)];
  return out;
}
inline uint64_t _mm512_cmpeq_epi8_mask(__m512i a, __m512i b) {
  uint64_t mask = 0;
  for (int k = 0; k < 64; ++k) mask |= uint64_t{a.byte[k] == b.byte[k]} << k;
  return mask;
}
inline uint64_t _mm512_movepi8_mask(__m512i a) {
  uint64_t mask = 0;
  for (int k = 0; k < 64; ++k) mask |= uint64_t{a.byte[k] >= 0x80} << k;
  return mask;
}
inline __m512i _mm512_maskz_compress_epi8(uint64_t mask, __m512i a) {
  __m512i out = {};
  int end = 0;
  for (int k = 0; k < 64; ++k) {
    if (mask >> k & 1) out.byte[end++] = a.byte[k];
  }
  return out;
}
inline __m256i _mm512_castsi512_si256(__m512i a) {
  __m256i out;
  std::memcpy(out.byte, a.byte, 32);
  return out;
}
inline __m256i _mm512_extracti64x4_epi64(__m512i a, int which) {
  __m256i out;
  std::memcpy(out.byte, a.byte + 32 * which, 32);
  return out;
}
inline __m512i _mm512_cvtepu8_epi16(__m256i a) {
  __m512i out = {};
  for (int k = 0; k < 32; ++k) out.byte[2 * k] = a.byte[k];
  return out;
}
// NOLINTEND(readability-identifier-naming)

}  // namespace
}  // namespace sluice::parser::simd
