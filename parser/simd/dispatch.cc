// Which kernel this process uses.
#include <array>
#include <cstdlib>

#include "core/base/cpu.h"
#include "parser/simd/kernel.h"

namespace sluice::parser::simd {
namespace {

#if defined(__x86_64__)

// Names what is missing; `supported` is cpu_features()'s verdict, which also knows what the operating system saves.
std::string missing(bool supported, std::initializer_list<std::pair<bool, const char*>> features) {
  if (supported) return {};
  std::string names;
  for (const auto& [present, name] : features) {
    if (present) continue;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names.empty() ? "the operating system's support for its registers" : names;
}

std::string missing_avx2() {
  return missing(cpu_features().avx2, {{__builtin_cpu_supports("avx2"), "AVX2"},
                                       {__builtin_cpu_supports("bmi"), "BMI1"},
                                       {__builtin_cpu_supports("bmi2"), "BMI2"},
                                       {__builtin_cpu_supports("pclmul"), "PCLMUL"},
                                       {__builtin_cpu_supports("popcnt"), "POPCNT"}});
}

std::string missing_avx512() {
  return missing(cpu_features().avx512, {{__builtin_cpu_supports("avx2"), "AVX2"},
                                         {__builtin_cpu_supports("bmi2"), "BMI2"},
                                         {__builtin_cpu_supports("avx512f"), "AVX-512 F"},
                                         {__builtin_cpu_supports("avx512bw"), "AVX-512 BW"},
                                         {__builtin_cpu_supports("avx512vl"), "AVX-512 VL"},
                                         {__builtin_cpu_supports("avx512vbmi2"), "AVX-512 VBMI2"}});
}

std::array<KernelChoice, 3> detect() {
  __builtin_cpu_init();
  return {{{{"avx512", index_avx512}, cpu_features().avx512, missing_avx512()},
           {{"avx2", index_avx2}, cpu_features().avx2, missing_avx2()},
           {{"scalar", index_scalar}, true, {}}}};
}

#elif defined(__aarch64__)

std::array<KernelChoice, 2> detect() {
  return {{{{"neon", index_neon}, cpu_features().neon, {}}, {{"scalar", index_scalar}, true, {}}}};
}

#else

std::array<KernelChoice, 1> detect() { return {{{{"scalar", index_scalar}, true, {}}}}; }

#endif

const Kernel* fastest() {
  for (const KernelChoice& choice : kernels()) {
    if (choice.supported) return &choice.kernel;
  }
  return nullptr;  // not reached: scalar is always supported
}

}  // namespace

std::span<const KernelChoice> kernels() {
  static const auto choices = detect();
  return choices;
}

Result<const Kernel*, std::string> select_kernel(const char* forced) {
  if (forced == nullptr || *forced == '\0') return fastest();
  const std::string_view wanted(forced);
  std::string known;
  for (const KernelChoice& choice : kernels()) {
    if (choice.kernel.name == wanted) {
      if (choice.supported) return &choice.kernel;
      return Unexpected<std::string>("SLUICE_FORCE_KERNEL=" + std::string(wanted) + ": this CPU lacks " + choice.lacks);
    }
    known += known.empty() ? "" : ", ";
    known += choice.kernel.name;
  }
  return Unexpected<std::string>("SLUICE_FORCE_KERNEL=" + std::string(wanted) + ": this build has no such kernel (" +
                                 known + ")");
}

Result<const Kernel*, std::string> select_kernel_from_environment() {
  return select_kernel(std::getenv("SLUICE_FORCE_KERNEL"));
}

const Kernel& active_kernel() noexcept {
  static const Kernel* const chosen = select_kernel_from_environment().value_or(fastest());
  return *chosen;
}

}  // namespace sluice::parser::simd
