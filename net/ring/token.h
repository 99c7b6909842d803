// The 64 bits that travel with an operation through the kernel and come back with each of its completions.
#pragma once

#include <cstdint>

namespace sluice::net::ring {

// kind: what the owner does with the completion; chosen by the owner, kOwnerKindsEnd and above belong to net/loop. id:
// the owner's index (a connection slot). generation: counts the uses of that slot, so that a completion that arrives
// after the slot was recycled is recognised and dropped instead of hitting the slot's next tenant. The three highest
// bits are the ring's (it keeps the operation there); they are zero in every token that an owner makes or sees.
struct Token {
  static constexpr uint8_t kOwnerKindsEnd = 24;
  static constexpr uint8_t kKindMax = 31;
  static constexpr uint32_t kIdMax = (1u << 24) - 1;

  uint64_t bits = 0;

  [[nodiscard]] static constexpr Token make(uint8_t kind, uint32_t id, uint32_t generation) noexcept {
    return {(static_cast<uint64_t>(kind & kKindMax) << 56) | (static_cast<uint64_t>(id & kIdMax) << 32) | generation};
  }
  [[nodiscard]] constexpr uint8_t kind() const noexcept { return static_cast<uint8_t>(bits >> 56) & kKindMax; }
  [[nodiscard]] constexpr uint32_t id() const noexcept { return static_cast<uint32_t>(bits >> 32) & kIdMax; }
  [[nodiscard]] constexpr uint32_t generation() const noexcept { return static_cast<uint32_t>(bits); }
  [[nodiscard]] constexpr bool operator==(const Token&) const noexcept = default;
};

}  // namespace sluice::net::ring
