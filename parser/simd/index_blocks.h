// The indexing algorithm, once, over a block wrapper that each instruction set brings.
//
// A Block is made from 64 bytes and has
//   uint64_t structural() const   bit k set: byte k is `"`, `\` or a newline
//   static uint16_t* emit(uint64_t mask, uint32_t base, uint16_t* out)
//                                 appends base + k for each set bit k, ascending; may write up to kIndexSlack entries
//                                 behind the new end; returns the new end
// and a Block::HighBits collects blocks with add() and says seen() at the end.
//
// SLUICE_KERNEL_TARGET is the target attribute of the including file, so that this code exists once per kernel and
// nothing compiled for a newer CPU is shared with the rest of the program. Blocks live in anonymous namespaces for the
// same reason.
#pragma once

#include <cstdint>

#include "parser/simd/kernel.h"

#ifndef SLUICE_KERNEL_TARGET
#define SLUICE_KERNEL_TARGET
#endif

namespace sluice::parser::simd {

template <typename Block>
SLUICE_KERNEL_TARGET IndexSummary index_blocks(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  uint16_t* end = out;
  typename Block::HighBits high;
  for (uint32_t base = 0; base != blocks * kBlockBytes; base += kBlockBytes) {
    const Block block(window + base);
    high.add(block);
    end = Block::emit(block.structural(), base, end);
  }
  return {static_cast<uint32_t>(end - out), high.seen()};
}

// An emit() for blocks without an instruction for it: appends the set bits one by one, eight at a time without a branch
// in between. A block of typical text has four to seven structural bytes, so one round is nearly always enough.
// Block::lowest(mask) is the number of the lowest set bit; anything for 0, as entries behind the end are scribble.
template <typename Block>
SLUICE_KERNEL_TARGET uint16_t* emit_bits(uint64_t mask, uint32_t base, uint16_t* out) noexcept {
  const int count = __builtin_popcountll(mask);
  for (int done = 0; done < count; done += 8) {
    for (int k = 0; k < 8; ++k) {
      uint32_t place = base + Block::lowest(mask);
      // Keeps GCC from gathering the eight results in a vector register first, which costs a tenth of the stage.
      asm("" : "+r"(place));
      out[done + k] = static_cast<uint16_t>(place);
      mask &= mask - 1;
    }
  }
  return out + count;
}

}  // namespace sluice::parser::simd
