// Pieces of slabs: none lies in another, whoever allocates and frees them, and what is free goes back to the system.
#include "core/base/slabs.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "core/base/large_memory.h"

namespace sluice {
namespace {

constexpr size_t kUnit = 64 * 1024;

// A piece whose bytes are all one value, so that another one that lies in it is seen.
struct Piece {
  unsigned char* memory = nullptr;
  size_t bytes = 0;
  unsigned char value = 0;
};

Piece make_piece(SlabCache& cache, size_t bytes, unsigned char value) {
  const Piece piece{static_cast<unsigned char*>(cache.allocate(bytes)), bytes, value};
  EXPECT_EQ(reinterpret_cast<uintptr_t>(piece.memory) % 16, 0u);
  std::memset(piece.memory, value, bytes);
  return piece;
}

void drop_piece(SlabCache& cache, const Piece& piece) {
  // The ends, and somewhere between.
  for (const size_t at : {size_t{0}, piece.bytes / 3, piece.bytes / 2, piece.bytes - 1}) {
    ASSERT_EQ(piece.memory[at], piece.value) << piece.bytes;
  }
  cache.free(piece.memory, piece.bytes);
}

// Most are small, as versions are.
size_t random_size(std::mt19937_64& random) {
  const size_t most = random() % 50 == 0 ? 3 * kSlabBytesMax : random() % 8 == 0 ? kSlabBytesMax : 3000;
  return 16 + random() % (most - 16);
}

TEST(Slabs, PiecesOfAllSizesLieApart) {
  Slabs slabs;
  SlabCache cache(slabs);
  std::vector<Piece> pieces;
  for (size_t bytes = 1; bytes <= kSlabBytesMax + 64; bytes += bytes < 600 ? 1 : 37) {
    for (int i = 0; i < 3; ++i) pieces.push_back(make_piece(cache, bytes, static_cast<unsigned char>(pieces.size())));
  }
  for (const Piece& piece : pieces) drop_piece(cache, piece);
}

TEST(Slabs, TwoCachesShareThemAtRandom) {
  Slabs slabs;
  std::array<SlabCache, 2> caches{SlabCache(slabs), SlabCache(slabs)};
  std::mt19937_64 random(3);
  std::vector<Piece> pieces;
  for (int round = 0; round < 100'000; ++round) {
    SlabCache& cache = caches[random() % 2];
    // Grows to 4,000 pieces and shrinks to none, again and again.
    const bool grow = round / 20'000 % 2 == 0 ? random() % 5 < 3 : random() % 5 < 2;
    if (grow || pieces.empty()) {
      pieces.push_back(make_piece(cache, random_size(random), static_cast<unsigned char>(round)));
      continue;
    }
    Piece& any = pieces[random() % pieces.size()];
    drop_piece(cache, any);
    any = pieces.back();
    pieces.pop_back();
  }
  for (const Piece& piece : pieces) drop_piece(caches[0], piece);
}

// What one thread allocates and another one frees must not pile up with either.
TEST(Slabs, WhatOneAllocatesAndAnotherFreesComesAgain) {
  Slabs slabs;
  SlabCache one(slabs);
  SlabCache other(slabs);
  std::vector<Piece> pieces;
  pieces.reserve(1000);
  for (int i = 0; i < 1000; ++i) pieces.push_back(make_piece(one, 1500, 1));
  const uint64_t held = slabs.held_bytes();
  for (int round = 0; round < 100; ++round) {
    for (Piece& piece : pieces) {
      drop_piece(other, piece);
      piece = make_piece(one, 1500, static_cast<unsigned char>(round));
    }
  }
  EXPECT_LE(slabs.held_bytes(), held + 2 * kUnit);
  for (const Piece& piece : pieces) drop_piece(one, piece);
}

TEST(Slabs, FreeSpansServeOtherSizes) {
  Slabs slabs;
  SlabCache cache(slabs);
  uint64_t most = 0;
  for (const size_t bytes : {100, 1500, 7000, 300, 12'000}) {
    std::vector<Piece> pieces;
    for (size_t all = 0; all < 4 * 1024 * 1024; all += bytes) pieces.push_back(make_piece(cache, bytes, 7));
    most = std::max(most, slabs.held_bytes());
    for (const Piece& piece : pieces) drop_piece(cache, piece);
  }
  // Not the sum of all five. Small and large spans do not mix in a region, and each cache keeps some pieces.
  EXPECT_LE(most, 11u * 1024 * 1024);
}

void fill_and_free(SlabCache& cache) {
  std::vector<Piece> pieces;
  pieces.reserve(30'000);
  for (int i = 0; i < 30'000; ++i) pieces.push_back(make_piece(cache, 1600, 1));
  for (const Piece& piece : pieces) drop_piece(cache, piece);
}

TEST(Slabs, MemoryGoesBackAtOnceWithoutAPromise) {
  Slabs slabs;
  SlabCache cache(slabs);
  fill_and_free(cache);
  EXPECT_LE(slabs.held_bytes(), kSlabBytesIdle + 2 * kUnit);
}

TEST(Slabs, MemoryGoesBackInSlicesWithAPromise) {
  if (!Slabs::enabled()) {
    std::printf("NOT RUN: slabs in slices: all pieces are malloc's in this build\n");
    return;
  }
  SlicedReleases releases;
  Slabs slabs;
  SlabCache cache(slabs);
  fill_and_free(cache);
  const uint64_t held = slabs.held_bytes();
  EXPECT_GT(held, 40u * 1024 * 1024);
  int slices = 0;
  for (; releases.pending() != 0; ++slices) releases.step(Deadline{1});
  EXPECT_GE(slices, 15);
  EXPECT_LE(slabs.held_bytes(), kSlabBytesIdle);
  // And what was given back is used again.
  fill_and_free(cache);
  EXPECT_LE(slabs.held_bytes(), held + 2 * kUnit);
}

// Most of each region is free and a piece is left: that waits a second, in case the piece goes, too.
TEST(Slabs, PartsOfRegionsGoBackLater) {
  if (!Slabs::enabled()) {
    std::printf("NOT RUN: slabs in slices: all pieces are malloc's in this build\n");
    return;
  }
  constexpr size_t kRegion = 2 * 1024 * 1024;
  constexpr size_t kAtOnceMax = 4 * kUnit;
  SlicedReleases releases;
  Slabs slabs;
  SlabCache cache(slabs);
  std::vector<Piece> pieces;
  for (int i = 0; i < 30'000; ++i) pieces.push_back(make_piece(cache, 1600, 1));
  std::set<uintptr_t> regions;
  std::vector<Piece> left;
  for (const Piece& piece : pieces) {
    const bool first = regions.insert(reinterpret_cast<uintptr_t>(piece.memory) / kRegion).second;
    if (first) {
      left.push_back(piece);
    } else {
      drop_piece(cache, piece);
    }
  }
  const auto step_all = [&] {
    size_t most = 0;
    while (releases.pending() != 0) {
      const uint64_t held = slabs.held_bytes();
      releases.step(Deadline{1});
      most = std::max<size_t>(most, held - slabs.held_bytes());
    }
    return most;
  };
  const uint64_t held = slabs.held_bytes();
  EXPECT_GT(held, 40u * 1024 * 1024);
  EXPECT_EQ(step_all(), 0u);
  releases.wake(releases.later_at_ns());
  EXPECT_NE(releases.pending(), 0u);
  EXPECT_EQ(step_all(), 0u);  // asked too early
  std::this_thread::sleep_for(std::chrono::nanoseconds(kSlabIdleNs));
  releases.wake(releases.later_at_ns());
  const size_t most = step_all();
  EXPECT_GT(most, 0u);
  EXPECT_LE(most, kAtOnceMax);
  EXPECT_LE(slabs.held_bytes(), kSlabBytesIdle + (left.size() + 1) * kUnit);
  // The rest of them, whose pages are small now, in such steps, too.
  for (const Piece& piece : left) drop_piece(cache, piece);
  releases.wake(releases.later_at_ns());
  EXPECT_LE(step_all(), kAtOnceMax);
  EXPECT_LE(slabs.held_bytes(), kSlabBytesIdle);
}

// A page that stays keeps its whole huge page from the system, though the process no longer counts it.
TEST(Slabs, RegionsThatAreFreeGoBackToTheLastPage) {
  if (!Slabs::enabled()) {
    std::printf("NOT RUN: slabs in slices: all pieces are malloc's in this build\n");
    return;
  }
  constexpr uintptr_t kRegion = 2 * 1024 * 1024;
  Slabs slabs;
  SlabCache cache(slabs);
  std::set<uintptr_t> regions;
  for (int round = 0; round < 3; ++round) {
    std::vector<Piece> pieces;
    for (int i = 0; i < 30'000; ++i) {
      pieces.push_back(make_piece(cache, 1600, 1));
      regions.insert(reinterpret_cast<uintptr_t>(pieces.back().memory) / kRegion * kRegion);
    }
    for (const Piece& piece : pieces) drop_piece(cache, piece);
  }
  EXPECT_GE(regions.size(), 23u);
  EXPECT_LE(regions.size(), 25u);  // those that went back are used again
  const auto resident = [](uintptr_t region) {
    std::array<unsigned char, kRegion / 4096> pages{};  // fewer are used where pages are larger
    EXPECT_EQ(::mincore(reinterpret_cast<void*>(region), kRegion, pages.data()), 0);
    return std::ranges::any_of(pages, [](unsigned char page) { return (page & 1) != 0; });
  };
  // What may lie idle, and one region for what the cache keeps.
  EXPECT_LE(static_cast<size_t>(std::ranges::count_if(regions, resident)), kSlabBytesIdle / kRegion + 1);
}

TEST(Slabs, ThePromiseIsForgottenWithTheCache) {
  SlicedReleases releases;
  Slabs slabs;
  {
    SlabCache cache(slabs);
    fill_and_free(cache);
    EXPECT_EQ(releases.pending() != 0, Slabs::enabled());
  }
  EXPECT_EQ(releases.pending(), 0u);
}

TEST(Slabs, ThreadsPassPiecesToEachOther) {
  Slabs slabs;
  std::mutex mutex;
  std::vector<Piece> shared;
  const auto work = [&](uint64_t seed) {
    SlabCache cache(slabs);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20'000; ++round) {
      Piece piece = make_piece(cache, random_size(random), static_cast<unsigned char>(round));
      {
        const std::scoped_lock lock(mutex);
        shared.push_back(piece);
        if (shared.size() < 500) continue;
        std::swap(shared[random() % shared.size()], shared.back());
        piece = shared.back();
        shared.pop_back();
      }
      drop_piece(cache, piece);
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 3; ++seed) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();
  SlabCache cache(slabs);
  for (const Piece& piece : shared) drop_piece(cache, piece);
}

}  // namespace
}  // namespace sluice
