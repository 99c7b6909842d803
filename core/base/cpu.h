// What this CPU can do, read once. With parser/simd the only place that knows instruction sets.
#pragma once

namespace sluice {

// Feature groups that a kernel needs as a whole; true only when the operating system saves the registers too.
struct CpuFeatures {
  bool avx2 = false;    // AVX2, BMI1, BMI2, PCLMUL, POPCNT, LZCNT
  bool avx512 = false;  // AVX-512 F, BW, VL, VBMI2 beside all of the above
  bool neon = false;    // arm64: always
};

[[nodiscard]] const CpuFeatures& cpu_features() noexcept;

}  // namespace sluice
