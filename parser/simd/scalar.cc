// The kernel for every CPU, and the yardstick of the others: shares no code with them.
#include <array>

#include "parser/simd/kernel.h"

namespace sluice::parser::simd {
namespace {

// 1 for the three structural bytes, 0x80 for bytes with the high bit, 0 for the rest.
constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  classes['"'] = 1;
  classes['\\'] = 1;
  classes['\n'] = 1;
  for (size_t byte = 0x80; byte < 256; ++byte) classes[byte] = 0x80;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

}  // namespace

IndexSummary index_scalar(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  const uint32_t bytes = blocks * kBlockBytes;
  uint32_t entries = 0;
  uint32_t seen = 0;
  for (uint32_t at = 0; at < bytes; ++at) {
    const uint8_t byte_class = kClasses[static_cast<uint8_t>(window[at])];
    // Written always, kept only when structural: a branch here would be mispredicted at every quote.
    out[entries] = static_cast<uint16_t>(at);
    entries += byte_class & 1;
    seen |= byte_class;
  }
  return {entries, (seen & 0x80) != 0};
}

}  // namespace sluice::parser::simd
