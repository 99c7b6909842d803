// Stage 1 of the text parser: finding the bytes of a body that stage 2 must look at.
//
// A kernel writes the positions of every `"`, `\` and newline of a window, ascending, and says whether a byte above
// 0x7f was seen. That is all of the exposition format that cannot be reached by walking from a known place: names
// repeat and are compared, the bytes around a quote are looked at by stage 2 itself. The index does not depend on quote
// parity, so a lone `"` in a HELP text cannot spoil it (see the folder's README for the variants that were measured).
//
// One file per instruction set, the algorithm once in index_blocks.h, and an independently written scalar kernel that
// the others are tested against. Kernels are pure functions of bytes: no state, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace sluice::parser::simd {

// A kernel works on whole blocks of this many bytes.
inline constexpr uint32_t kBlockBytes = 64;
// Positions are 16-bit, relative to the window.
inline constexpr uint32_t kWindowBytesMax = 65536;
// A kernel may scribble over this many entries behind the last one it reports.
inline constexpr uint32_t kIndexSlack = 64;

struct IndexSummary {
  uint32_t entries = 0;
  bool high_bit = false;  // a byte above 0x7f occurs: label values need UTF-8 validation
};

// Indexes `blocks` * kBlockBytes bytes at `window` (at most kWindowBytesMax); reads exactly these, any alignment.
// `out` has room for one entry a byte and kIndexSlack more.
using IndexFunction = IndexSummary (*)(const char* window, uint32_t blocks, uint16_t* out) noexcept;

struct Kernel {
  std::string_view name;  // as in SLUICE_FORCE_KERNEL
  IndexFunction index = nullptr;
};

// A kernel that exists for this architecture, and whether this CPU can run it.
struct KernelChoice {
  Kernel kernel;
  bool supported = false;
  std::string lacks;  // what is missing, e.g. "AVX2, BMI2"; empty when supported
};

// All kernels of this build, the fastest first; the last one, scalar, is always supported. Read once at first use.
[[nodiscard]] std::span<const KernelChoice> kernels();

// The kernel for a value of SLUICE_FORCE_KERNEL; an empty or null `forced` means the fastest that the CPU supports. The
// error is one sentence for the operator: an unknown name, or what the CPU lacks.
[[nodiscard]] Result<const Kernel*, std::string> select_kernel(const char* forced);

// select_kernel with the environment's SLUICE_FORCE_KERNEL. main calls it before any worker starts, prints the error
// and exits 1.
[[nodiscard]] Result<const Kernel*, std::string> select_kernel_from_environment();

// The kernel of this process, chosen at the first call and never again. Falls back to the fastest supported one when
// the environment's choice is impossible: main has refused to start by then, only tests and benches can see it.
[[nodiscard]] const Kernel& active_kernel() noexcept;

// The implementations. Call only what kernels() says is supported.
[[nodiscard]] IndexSummary index_scalar(const char* window, uint32_t blocks, uint16_t* out) noexcept;
#if defined(__x86_64__)
[[nodiscard]] IndexSummary index_avx2(const char* window, uint32_t blocks, uint16_t* out) noexcept;
[[nodiscard]] IndexSummary index_avx512(const char* window, uint32_t blocks, uint16_t* out) noexcept;
#elif defined(__aarch64__)
[[nodiscard]] IndexSummary index_neon(const char* window, uint32_t blocks, uint16_t* out) noexcept;
#endif

}  // namespace sluice::parser::simd
