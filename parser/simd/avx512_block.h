// The AVX-512 block, apart from avx512.cc so that the tests can compile it over emulated intrinsics on a CPU without
// AVX-512: with SLUICE_AVX512_EMULATED the includer brings the intrinsics, else they are <immintrin.h>'s.
#pragma once

#include <cstdint>

#if defined(SLUICE_AVX512_EMULATED)
#define SLUICE_KERNEL_TARGET
#elif defined(__x86_64__)
#include <immintrin.h>
#define SLUICE_KERNEL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,popcnt,lzcnt")))
#endif

#if defined(SLUICE_KERNEL_TARGET)

namespace sluice::parser::simd {
namespace {

// One register a block. The table is that of avx2.cc, once per 128-bit lane as vpshufb wants it.
struct Avx512Block {
  __m512i bytes;

  SLUICE_KERNEL_TARGET explicit Avx512Block(const char* from) noexcept : bytes(_mm512_loadu_si512(from)) {}

  SLUICE_KERNEL_TARGET uint64_t structural() const noexcept {
    // Little-endian words of the lane -1,-1,'"',-1, -1,-1,-1,-1, -1,-1,'\n',-1, '\\',-1,-1,0.
    const __m512i table = _mm512_set4_epi32(0x00ffff5c, static_cast<int>(0xff0affff), -1, static_cast<int>(0xff22ffff));
    return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(table, bytes), bytes);
  }

  // vpcompressb moves the byte numbers of the set bits to the front; they are widened and moved to the base 32 at a
  // time. More than 32 structural bytes in a block are rare.
  SLUICE_KERNEL_TARGET static uint16_t* emit(uint64_t mask, uint32_t base, uint16_t* out) noexcept {
    alignas(64) static constexpr uint8_t kIota[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                                      32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                                      48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const int count = __builtin_popcountll(mask);
    const __m512i places = _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(kIota));
    const __m512i offset = _mm512_set1_epi16(static_cast<short>(base));
    _mm512_storeu_si512(out, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(places)), offset));
    if (count > 32) {
      const __m256i rest = _mm512_extracti64x4_epi64(places, 1);
      _mm512_storeu_si512(out + 32, _mm512_add_epi16(_mm512_cvtepu8_epi16(rest), offset));
    }
    return out + count;
  }

  struct HighBits {
    __m512i any;
    SLUICE_KERNEL_TARGET HighBits() noexcept : any(_mm512_setzero_si512()) {}
    SLUICE_KERNEL_TARGET void add(const Avx512Block& block) noexcept { any = _mm512_or_si512(any, block.bytes); }
    SLUICE_KERNEL_TARGET bool seen() const noexcept { return _mm512_movepi8_mask(any) != 0; }
  };
};

}  // namespace
}  // namespace sluice::parser::simd

#endif
