// AVX-512 with VBMI2 (Ice Lake, Zen 4 and later): one register a block, positions by vpcompressb.
#if defined(__x86_64__)

// GCC 12 takes the `_mm256_undefined` inside its own intrinsics for our mistake (its bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

// First: it says for which CPU index_blocks is compiled.
#include "parser/simd/avx512_block.h"
//
#include "parser/simd/index_blocks.h"

namespace sluice::parser::simd {

SLUICE_KERNEL_TARGET IndexSummary index_avx512(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  return index_blocks<Avx512Block>(window, blocks, out);
}

}  // namespace sluice::parser::simd

#endif
