// Every kernel against a loop over bytes; AVX-512's logic also over emulated intrinsics, so that it is tested on every
// CPU.
#include "parser/simd/kernel.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/cpu.h"
#include "tests/parser/simd/avx512_emulated.h"
//
#include "parser/simd/avx512_block.h"
//
#include "parser/simd/index_blocks.h"

namespace sluice::parser::simd {
namespace {

IndexSummary index_avx512_emulated(const char* window, uint32_t blocks, uint16_t* out) noexcept {
  return index_blocks<Avx512Block>(window, blocks, out);
}

struct Subject {
  std::string name;
  IndexFunction index;
  std::string lacks;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const KernelChoice& choice : kernels()) {
    all.push_back({std::string(choice.kernel.name), choice.kernel.index, choice.lacks});
  }
  all.push_back({"avx512_emulated", index_avx512_emulated, {}});
  return all;
}

// Readable memory of exactly kWindowBytesMax bytes between two unreadable pages.
class GuardedWindow {
 public:
  GuardedWindow() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    bytes_ = kWindowBytesMax + 2 * page_;
    base_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(base_, MAP_FAILED);
    EXPECT_EQ(mprotect(base_ + page_, kWindowBytesMax, PROT_READ | PROT_WRITE), 0);
  }
  ~GuardedWindow() { munmap(base_, bytes_); }
  GuardedWindow(const GuardedWindow&) = delete;
  GuardedWindow& operator=(const GuardedWindow&) = delete;

  [[nodiscard]] char* begin() const { return base_ + page_; }
  // The last `bytes` of it.
  [[nodiscard]] char* tail(size_t bytes) const { return begin() + kWindowBytesMax - bytes; }

 private:
  size_t page_;
  size_t bytes_ = 0;
  char* base_ = nullptr;
};

class EachKernel : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    subject_ = subjects()[GetParam()];
    if (!subject_.lacks.empty()) {
      GTEST_SKIP() << "NOT RUN: kernel " << subject_.name << ": this CPU lacks " << subject_.lacks;
    }
  }

  void check(const char* window, uint32_t blocks) {
    const uint32_t bytes = blocks * kBlockBytes;
    std::vector<uint16_t> expected;
    bool high_bit = false;
    for (uint32_t at = 0; at < bytes; ++at) {
      const char byte = window[at];
      if (byte == '"' || byte == '\\' || byte == '\n') expected.push_back(static_cast<uint16_t>(at));
      high_bit |= static_cast<unsigned char>(byte) >= 0x80;
    }
    // Filled with a pattern, so that writing behind the slack is seen.
    std::vector<uint16_t> out(bytes + kIndexSlack + 64, 0xabab);
    const IndexSummary summary = subject_.index(window, blocks, out.data());
    ASSERT_EQ(summary.entries, expected.size());
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.begin()));
    ASSERT_EQ(summary.high_bit, high_bit);
    const auto allowed = out.begin() + summary.entries + kIndexSlack;
    ASSERT_TRUE(std::all_of(allowed, out.end(), [](uint16_t entry) { return entry == 0xabab; }));
  }

  Subject subject_;
  GuardedWindow memory_;
};

TEST_P(EachKernel, NoBlocks) { check(memory_.begin(), 0); }

TEST_P(EachKernel, EveryByteInEveryPlace) {
  for (const char fill : {'a', '"'}) {
    for (uint32_t place = 0; place < kBlockBytes; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        char* const window = memory_.tail(kBlockBytes);
        std::memset(window, fill, kBlockBytes);
        window[place] = static_cast<char>(byte);
        check(window, 1);
      }
    }
    if (HasFatalFailure()) return;
  }
}

// The number of structural bytes decides how many entries are written at once: every number, at both ends.
TEST_P(EachKernel, EveryCount) {
  for (uint32_t count = 0; count <= kBlockBytes; ++count) {
    char* const window = memory_.tail(3 * kBlockBytes);
    std::memset(window, 'x', 3 * kBlockBytes);
    std::memset(window + kBlockBytes, '\n', count);
    check(window, 3);
    std::memset(window + kBlockBytes, 'x', kBlockBytes);
    std::memset(window + 2 * kBlockBytes - count, '\\', count);
    check(window, 3);
  }
}

TEST_P(EachKernel, LargestWindow) {
  std::memset(memory_.begin(), '"', kWindowBytesMax);
  check(memory_.begin(), kWindowBytesMax / kBlockBytes);
  std::memset(memory_.begin(), '\xff', kWindowBytesMax);
  check(memory_.begin(), kWindowBytesMax / kBlockBytes);
}

TEST_P(EachKernel, RandomBlocks) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::mt19937_64 random(seed);
  static constexpr std::string_view kAdversarial = "\"\\\n\x22\x5c\x0a\x32\x4c\x1a\xa2\xdc\x8a\x00\x0f\xff{}=, #";
  for (int round = 0; round < 2000; ++round) {
    const auto blocks = static_cast<uint32_t>(random() % 9);
    // Ends at the guard page, begins anywhere.
    char* const window = memory_.tail(blocks * kBlockBytes + random() % 64);
    const uint64_t density = random() % 5;
    for (uint32_t at = 0; at < blocks * kBlockBytes; ++at) {
      window[at] = random() % 4 < density ? kAdversarial[random() % kAdversarial.size()]
                                          : static_cast<char>(random() % (density == 4 ? 256 : 128));
    }
    check(window, blocks);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachKernel, ::testing::Range(size_t{0}, subjects().size()),
                         [](const auto& param) { return subjects()[param.param].name; });

TEST(Dispatch, ScalarIsAlwaysThereAndLast) {
  ASSERT_FALSE(kernels().empty());
  EXPECT_EQ(kernels().back().kernel.name, "scalar");
  EXPECT_TRUE(kernels().back().supported);
  EXPECT_EQ(select_kernel("scalar").value(), &kernels().back().kernel);
}

// Every kernel that is written for this processor's family is in the build, the widest first.
TEST(Dispatch, HasTheKernelsOfTheArchitecture) {
  std::vector<std::string_view> names;
  for (const KernelChoice& choice : kernels()) names.push_back(choice.kernel.name);
#if defined(__x86_64__)
  EXPECT_EQ(names, (std::vector<std::string_view>{"avx512", "avx2", "scalar"}));
#elif defined(__aarch64__)
  EXPECT_EQ(names, (std::vector<std::string_view>{"neon", "scalar"}));
  EXPECT_TRUE(kernels().front().supported);
#endif
}

// tools/test-arm64 runs whole test programs with one kernel; a name that is not obeyed would test another one unseen.
TEST(Dispatch, ObeysWhatThisProgramWasStartedWith) {
  const char* const forced = std::getenv("SLUICE_FORCE_KERNEL");
  const auto selected = select_kernel_from_environment();
  ASSERT_TRUE(selected.has_value()) << selected.error();
  EXPECT_EQ(active_kernel().name, (*selected)->name);
  if (forced != nullptr && *forced != '\0') {
    EXPECT_EQ(active_kernel().name, forced);
  }
}

TEST(Dispatch, TakesTheFastestThatTheCpuSupports) {
  const Kernel* const chosen = select_kernel(nullptr).value();
  for (const KernelChoice& choice : kernels()) {
    if (choice.supported) {
      EXPECT_EQ(chosen, &choice.kernel);
      break;
    }
  }
  EXPECT_EQ(select_kernel("").value(), chosen);
}

TEST(Dispatch, AgreesWithTheCpu) {
  for (const KernelChoice& choice : kernels()) {
    EXPECT_EQ(choice.supported, choice.lacks.empty()) << choice.kernel.name;
    const bool wanted = choice.kernel.name == "avx512" ? cpu_features().avx512
                        : choice.kernel.name == "avx2" ? cpu_features().avx2
                        : choice.kernel.name == "neon" ? cpu_features().neon
                                                       : true;
    EXPECT_EQ(choice.supported, wanted) << choice.kernel.name;
  }
}

TEST(Dispatch, NamesWhatTheCpuLacks) {
  for (const KernelChoice& choice : kernels()) {
    const auto selected = select_kernel(choice.kernel.name.data());
    ASSERT_EQ(selected.has_value(), choice.supported);
    if (choice.supported) {
      EXPECT_EQ(*selected, &choice.kernel);
    } else {
      EXPECT_EQ(selected.error(),
                "SLUICE_FORCE_KERNEL=" + std::string(choice.kernel.name) + ": this CPU lacks " + choice.lacks);
    }
  }
}

TEST(Dispatch, NamesTheKernelsThereAre) {
  const auto selected = select_kernel("sse9");
  ASSERT_FALSE(selected.has_value());
  EXPECT_TRUE(selected.error().starts_with("SLUICE_FORCE_KERNEL=sse9: this build has no such kernel ("));
  for (const KernelChoice& choice : kernels()) EXPECT_NE(selected.error().find(choice.kernel.name), std::string::npos);
}

TEST(Dispatch, ReadsTheEnvironmentOnce) {
  const char* const started_with = std::getenv("SLUICE_FORCE_KERNEL");
  const std::string before = started_with == nullptr ? "" : started_with;
  const std::string chosen(active_kernel().name);
  ASSERT_EQ(setenv("SLUICE_FORCE_KERNEL", "scalar", 1), 0);
  EXPECT_EQ(select_kernel_from_environment().value()->name, "scalar");
  EXPECT_EQ(active_kernel().name, chosen);
  ASSERT_EQ(setenv("SLUICE_FORCE_KERNEL", "none", 1), 0);
  EXPECT_FALSE(select_kernel_from_environment().has_value());
  EXPECT_EQ(active_kernel().name, chosen);
  if (before.empty()) {
    unsetenv("SLUICE_FORCE_KERNEL");
  } else {
    ASSERT_EQ(setenv("SLUICE_FORCE_KERNEL", before.c_str(), 1), 0);
  }
}

}  // namespace
}  // namespace sluice::parser::simd
