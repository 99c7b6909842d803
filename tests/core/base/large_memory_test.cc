#include "core/base/large_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace sluice {
namespace {

constexpr size_t kBytes = 32 * 1024 * 1024;

// Whether the page is mapped: mincore() refuses what is not.
bool is_mapped(void* memory) {
  unsigned char residency = 0;
  return ::mincore(memory, static_cast<size_t>(::sysconf(_SC_PAGESIZE)), &residency) == 0;
}

TEST(LargeMemory, IsReleasedAtOnceWithoutAPromise) {
  void* memory = allocate_large(kBytes);
  ASSERT_NE(memory, nullptr);
  std::memset(memory, 1, kBytes);
  EXPECT_TRUE(is_mapped(memory));
  release_large(memory, kBytes);
  EXPECT_FALSE(is_mapped(memory));
}

TEST(LargeMemory, IsReleasedInSlicesWithAPromise) {
  SlicedReleases releases;
  void* memory = allocate_large(kBytes);
  ASSERT_NE(memory, nullptr);
  std::memset(memory, 1, kBytes);
  release_large(memory, kBytes);
  EXPECT_EQ(releases.pending(), kBytes);
  int steps = 0;
  for (size_t before = kBytes; before != 0; ++steps) {
    EXPECT_TRUE(is_mapped(memory));  // the first page goes last
    releases.step(Deadline{1});
    EXPECT_LT(releases.pending(), before);
    before = releases.pending();
  }
  EXPECT_GE(steps, 64);
  EXPECT_FALSE(is_mapped(memory));
}

TEST(LargeMemory, ThePromiseEndsWithTheRest) {
  void* memory = allocate_large(kBytes);
  {
    const SlicedReleases releases;
    release_large(memory, kBytes);
    EXPECT_TRUE(is_mapped(memory));
  }
  EXPECT_FALSE(is_mapped(memory));
}

TEST(LargeMemory, APieceComesAgainForAboutTheSameSize) {
  constexpr size_t kMegabyte = 1024 * 1024;
  SlicedReleases releases;
  void* const first = allocate_large_again(kMegabyte + 5000);
  ASSERT_NE(first, nullptr);
  std::memset(first, 1, kMegabyte + 5000);
  release_large_again(first, kMegabyte + 5000);
  EXPECT_EQ(releases.pending(), 0u);
  EXPECT_GE(releases.kept(), kMegabyte + 5000);
  void* const other = allocate_large_again(2 * kMegabyte);
  EXPECT_NE(other, first);
  void* const again = allocate_large_again(kMegabyte + 9000);
  EXPECT_EQ(again, first);
  EXPECT_EQ(releases.kept(), 0u);
  std::memset(again, 2, kMegabyte + 9000);
  release_large_again(again, kMegabyte + 9000);
  release_large_again(other, 2 * kMegabyte);
}

TEST(LargeMemory, WhatIsKeptGoesAfterTheSecondCallOfAge) {
  SlicedReleases releases;
  void* const memory = allocate_large_again(kLargeBytes);
  ASSERT_NE(memory, nullptr);
  release_large_again(memory, kLargeBytes);
  age_large_memory();
  EXPECT_EQ(releases.kept(), kLargeBytes);
  age_large_memory();
  EXPECT_EQ(releases.kept(), 0u);
  EXPECT_EQ(releases.pending(), kLargeBytes);
  releases.step(Deadline::never());
  EXPECT_FALSE(is_mapped(memory));
}

TEST(LargeMemory, WhatIsForLaterIsAskedAgainASecondLater) {
  using Left = ReleaseLeft;
  struct Asked {
    std::vector<Left> answers;  // the last one first
    int times = 0;
  } asked{{Left::kNothing, Left::kForLater, Left::kSome}};
  const auto some = [](void* context) {
    auto& all = *static_cast<Asked*>(context);
    ++all.times;
    const Left answer = all.answers.back();
    all.answers.pop_back();
    return answer;
  };
  EXPECT_FALSE(release_in_slices(some, &asked));
  SlicedReleases releases;
  ASSERT_TRUE(release_in_slices(some, &asked));
  EXPECT_EQ(releases.pending(), 1u);
  releases.step(Deadline{1});
  EXPECT_EQ(releases.pending(), 1u);
  releases.step(Deadline{1});
  EXPECT_EQ(asked.times, 2);
  EXPECT_EQ(releases.pending(), 0u);
  const int64_t at = releases.later_at_ns();
  EXPECT_GT(at, monotonic_ns());
  releases.wake(at - 1);
  EXPECT_EQ(releases.pending(), 0u);
  releases.wake(at);
  EXPECT_EQ(releases.pending(), 1u);
  EXPECT_EQ(releases.later_at_ns(), INT64_MAX);
  releases.step(Deadline{1});
  EXPECT_EQ(asked.times, 3);
  EXPECT_EQ(releases.pending(), 0u);
  EXPECT_EQ(releases.later_at_ns(), INT64_MAX);
  // Forgotten while it is for later.
  asked.answers = {Left::kForLater};
  ASSERT_TRUE(release_in_slices(some, &asked));
  releases.step(Deadline{1});
  forget_release(&asked);
  releases.wake(INT64_MAX - 1);
  EXPECT_EQ(releases.pending(), 0u);
}

TEST(LargeMemory, OnlySoMuchIsKept) {
  SlicedReleases releases;
  std::vector<void*> many;
  for (size_t i = 0; i <= kLargePiecesKept; ++i) many.push_back(allocate_large_again(kLargeBytes));
  for (void* memory : many) release_large_again(memory, kLargeBytes);
  EXPECT_EQ(releases.kept(), kLargePiecesKept * kLargeBytes);
  EXPECT_EQ(releases.pending(), kLargeBytes);
  void* const huge = allocate_large_again(kLargeBytesKept);
  release_large_again(huge, kLargeBytesKept);
  EXPECT_EQ(releases.pending(), kLargeBytes + kLargeBytesKept);
}

TEST(LargeMemory, ThePromiseEndsWithWhatIsKept) {
  void* memory = nullptr;
  {
    const SlicedReleases releases;
    memory = allocate_large_again(kLargeBytes);
    release_large_again(memory, kLargeBytes);
    EXPECT_TRUE(is_mapped(memory));
  }
  EXPECT_FALSE(is_mapped(memory));
  memory = allocate_large_again(kLargeBytes);
  release_large_again(memory, kLargeBytes);
  EXPECT_FALSE(is_mapped(memory));
}

TEST(LargeMemory, VectorsOfBothKinds) {
  SlicedReleases releases;
  {
    LargeVector<uint64_t> small(100, 7);
    EXPECT_EQ(small[99], 7u);
  }
  EXPECT_EQ(releases.pending(), 0u);
  {
    LargeVector<uint64_t> large;
    reserve_room(large, size_t{1} << 30, 1000);  // 8 GB of addresses
    for (uint64_t i = 0; i < 200'000; ++i) large.push_back(i);
    EXPECT_EQ(large[199'999], 199'999u);
  }
  EXPECT_GT(releases.pending(), 0u);
  while (releases.pending() != 0) releases.step(Deadline::never());
}

TEST(LargeMemory, ZeroedArraysAreZeroAgain) {
  for (const size_t count : {size_t{100}, size_t{50'000}, size_t{1'000'000}}) {
    ZeroedArray<uint64_t> array;
    for (int round = 0; round < 3; ++round) {
      array.assign(count);
      ASSERT_EQ(array.size(), count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(array[i], 0u);
      for (size_t i = 0; i < count; ++i) array[i] = i + 1;
      array.drop_large();
    }
  }
}

}  // namespace
}  // namespace sluice
