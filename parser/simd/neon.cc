// NEON, which every 64-bit Arm has. Compiled there only.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "parser/simd/index_blocks.h"

namespace sluice::parser::simd {
namespace {

struct NeonBlock {
  uint8x16_t part[4];

  explicit NeonBlock(const char* bytes) noexcept {
    for (int k = 0; k < 4; ++k) part[k] = vld1q_u8(reinterpret_cast<const uint8_t*>(bytes) + 16 * k);
  }

  static uint8x16_t match(uint8x16_t bytes) noexcept {
    return vorrq_u8(vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\'))),
                    vceqq_u8(bytes, vdupq_n_u8('\n')));
  }

  // NEON has no movemask: each byte keeps the one bit of its place in a group of eight, and three pairwise additions
  // gather the groups. For one group: ff 00 00 ff 00.. & 01 02 04 08 10.. = 01 00 00 08 00.., sum 0x09 = bits 0 and 3.
  uint64_t structural() const noexcept {
    static constexpr uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vld1q_u8(kBits);
    const uint8x16_t sum0 = vpaddq_u8(vandq_u8(match(part[0]), bits), vandq_u8(match(part[1]), bits));
    const uint8x16_t sum1 = vpaddq_u8(vandq_u8(match(part[2]), bits), vandq_u8(match(part[3]), bits));
    const uint8x16_t sum = vpaddq_u8(sum0, sum1);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
  }

  static uint16_t* emit(uint64_t mask, uint32_t base, uint16_t* out) noexcept {
    return emit_bits<NeonBlock>(mask, base, out);
  }

  // Bit 63 is set because __builtin_ctzll(0) is undefined.
  static uint32_t lowest(uint64_t mask) noexcept { return static_cast<uint32_t>(__builtin_ctzll(mask | 1ull << 63)); }

  struct HighBits {
    uint8x16_t any = vdupq_n_u8(0);
    void add(const NeonBlock& block) noexcept {
      any = vorrq_u8(any, vorrq_u8(vorrq_u8(block.part[0], block.part[1]), vorrq_u8(block.part[2], block.part[3])));
    }
    bool seen() const noexcept { return vmaxvq_u8(any) >= 0x80; }
  };
};

}  // namespace

IndexSummary index_neon(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  return index_blocks<NeonBlock>(window, blocks, out);
}

}  // namespace sluice::parser::simd

#endif
