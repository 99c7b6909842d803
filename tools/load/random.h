// A small generator of random numbers (xoshiro256**): the same seed gives the same run on every machine, which the
// standard library's distributions do not promise.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace sluice::tools::load {

class Random {
 public:
  explicit Random(uint64_t seed) noexcept {
    // splitmix64 spreads a small seed over the whole state.
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  [[nodiscard]] uint64_t next() noexcept {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // In [0, 1), 53 random bits.
  [[nodiscard]] double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // In [0, bound), bound > 0. The bias of at most bound / 2^64 does not matter for a load.
  [[nodiscard]] uint64_t below(uint64_t bound) noexcept {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

  // True in `percent` of 100 cases.
  [[nodiscard]] bool chance(double percent) noexcept { return percent > 0 && unit() * 100 < percent; }

 private:
  std::array<uint64_t, 4> state_{};
};

}  // namespace sluice::tools::load
