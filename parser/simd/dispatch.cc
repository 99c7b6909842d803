// Which kernel this process uses.
#include <array>
#include <cstdlib>
#include <vector>

#include "core/base/cpu.h"
#include "parser/simd/kernel.h"

namespace sluice::parser::simd {
namespace {

#if defined(__x86_64__)

struct Feature {
  bool present;
  const char* name;
};

std::vector<Feature> avx2_features() {
  return {{__builtin_cpu_supports("avx2") != 0, "AVX2"},
          {__builtin_cpu_supports("bmi") != 0, "BMI1"},
          {__builtin_cpu_supports("bmi2") != 0, "BMI2"},
          {__builtin_cpu_supports("pclmul") != 0, "PCLMUL"},
          {__builtin_cpu_supports("popcnt") != 0, "POPCNT"}};
}

std::vector<Feature> avx512_features() {
  std::vector<Feature> features = avx2_features();
  features.insert(features.end(), {{__builtin_cpu_supports("avx512f") != 0, "AVX-512 F"},
                                   {__builtin_cpu_supports("avx512bw") != 0, "AVX-512 BW"},
                                   {__builtin_cpu_supports("avx512vl") != 0, "AVX-512 VL"},
                                   {__builtin_cpu_supports("avx512vbmi2") != 0, "AVX-512 VBMI2"}});
  return features;
}

// Names what is missing; `supported` is cpu_features()'s verdict, which also knows what the operating system saves.
std::string missing(bool supported, const std::vector<Feature>& features) {
  if (supported) return {};
  std::string names;
  for (const Feature& feature : features) {
    if (feature.present) continue;
    if (!names.empty()) names += ", ";
    names += feature.name;
  }
  return names.empty() ? "the operating system's support for its registers" : names;
}

std::array<KernelChoice, 3> detect() {
  __builtin_cpu_init();
  return {{{{"avx512", index_avx512}, cpu_features().avx512, missing(cpu_features().avx512, avx512_features())},
           {{"avx2", index_avx2}, cpu_features().avx2, missing(cpu_features().avx2, avx2_features())},
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
