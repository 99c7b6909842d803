// AVX2 (Haswell, Zen and later): two registers a block, one table lookup and one comparison each.
#if defined(__x86_64__)

#include <immintrin.h>

#define SLUICE_KERNEL_TARGET __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#include "parser/simd/index_blocks.h"

namespace sluice::parser::simd {
namespace {

// The three structural bytes differ in their low nibble: 0x22, 0x5c, 0x0a. kTable holds at each nibble the structural
// byte that has it, elsewhere a byte that does not have that nibble, so that table[low nibble of b] == b exactly for
// structural b:  0x22 -> [2] = 0x22 equal;  0x32 -> [2] = 0x22 not equal;  0x41 -> [1] = 0xff not equal;
// 0x4f -> [f] = 0x00 not equal;  0xa2: vpshufb gives 0 for a byte with the high bit, not equal.
struct Avx2Block {
  __m256i low;
  __m256i high;

  SLUICE_KERNEL_TARGET explicit Avx2Block(const char* bytes) noexcept
      : low(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes))),
        high(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32))) {}

  SLUICE_KERNEL_TARGET static uint64_t match(__m256i bytes) noexcept {
    const __m256i table = _mm256_setr_epi8(-1, -1, '"', -1, -1, -1, -1, -1, -1, -1, '\n', -1, '\\', -1, -1, 0,  //
                                           -1, -1, '"', -1, -1, -1, -1, -1, -1, -1, '\n', -1, '\\', -1, -1, 0);
    const __m256i equal = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, bytes), bytes);
    return static_cast<uint32_t>(_mm256_movemask_epi8(equal));
  }
  SLUICE_KERNEL_TARGET uint64_t structural() const noexcept { return match(low) | match(high) << 32; }

  SLUICE_KERNEL_TARGET static uint16_t* emit(uint64_t mask, uint32_t base, uint16_t* out) noexcept {
    return emit_bits<Avx2Block>(mask, base, out);
  }

  SLUICE_KERNEL_TARGET static uint32_t lowest(uint64_t mask) noexcept {
    return static_cast<uint32_t>(_tzcnt_u64(mask));
  }

  struct HighBits {
    __m256i any;
    SLUICE_KERNEL_TARGET HighBits() noexcept : any(_mm256_setzero_si256()) {}
    SLUICE_KERNEL_TARGET void add(const Avx2Block& block) noexcept {
      any = _mm256_or_si256(any, _mm256_or_si256(block.low, block.high));
    }
    SLUICE_KERNEL_TARGET bool seen() const noexcept { return _mm256_movemask_epi8(any) != 0; }
  };
};

}  // namespace

SLUICE_KERNEL_TARGET IndexSummary index_avx2(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  return index_blocks<Avx2Block>(window, blocks, out);
}

}  // namespace sluice::parser::simd

#endif
