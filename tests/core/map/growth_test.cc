// How much one operation does while a shard grows to what it holds at 10 M groups, and shrinks again: counted in
// accesses to shared words and in pages touched for the first time, not in time. What bounds these bounds a turn.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash.h"
#include "core/base/large_memory.h"
#include "core/base/sanitizers.h"
#include "core/map/map.h"

namespace sluice::map::testing {
namespace {

uint64_t accesses = 0;  // of all shared words; the test has one thread

template <typename T>
class CountingAtomic : private std::atomic<T> {
  using Base = std::atomic<T>;

 public:
  CountingAtomic() noexcept = default;
  CountingAtomic(T value) noexcept : Base(value) {}  // NOLINT(google-explicit-constructor): as std::atomic

  T load(std::memory_order order) const noexcept {
    ++accesses;
    return Base::load(order);
  }
  void store(T value, std::memory_order order) noexcept {
    ++accesses;
    Base::store(value, order);
  }
  T exchange(T value, std::memory_order order) noexcept {
    ++accesses;
    return Base::exchange(value, order);
  }
  template <typename D>
  T fetch_add(D delta, std::memory_order order) noexcept {
    ++accesses;
    return Base::fetch_add(delta, order);
  }
  template <typename D>
  T fetch_sub(D delta, std::memory_order order) noexcept {
    ++accesses;
    return Base::fetch_sub(delta, order);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    ++accesses;
    return Base::compare_exchange_strong(expected, desired, success, failure);
  }
};

struct CountingAtomics {
  template <typename T>
  using Atomic = CountingAtomic<T>;
  static constexpr bool kZeroBytesAreZero = true;
};

struct Entry {
  std::string name;
  uint64_t hashed = 0;
  [[nodiscard]] uint64_t hash() const { return hashed; }
  [[nodiscard]] std::string_view key() const { return name; }
};

using GrowingMap = Map<Entry, CountingAtomics>;
using Epochs = sync::BasicEpochs<CountingAtomics>;

constexpr size_t kEntries = 10'000'000 / GrowingMap::shard_count();

// All in the first shard.
std::vector<std::unique_ptr<Entry>> make_entries() {
  std::vector<std::unique_ptr<Entry>> entries;
  for (size_t i = 0; i < kEntries; ++i) {
    auto& entry = entries.emplace_back(std::make_unique<Entry>());
    entry->name = "instance=i-" + std::to_string(i);
    entry->hashed = stable_hash(entry->name) >> limits::kMapShardBits;
  }
  return entries;
}

uint64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_minflt);
}

// The most and the sum over operations.
struct Work {
  uint64_t accesses_max = 0;
  uint64_t accesses_sum = 0;
  uint64_t faults_max = 0;
  uint64_t retired_max = 0;  // bytes given back

  template <typename Fn>
  void measure(const SlicedReleases& releases, Fn&& operation) {
    const uint64_t faults_before = page_faults();
    const uint64_t before = accesses;
    const size_t pending_before = releases.pending();
    operation();
    accesses_sum += accesses - before;
    accesses_max = std::max(accesses_max, accesses - before);
    faults_max = std::max(faults_max, page_faults() - faults_before);
    retired_max = std::max<uint64_t>(retired_max, releases.pending() - pending_before);
  }
};

// 16 slots are moved, each with a handful of accesses and its probe sequence in the next table; then the key's own
// probe sequence, whose length varies; and the quiescent point.
constexpr uint64_t kAccessesMax = 1'000;
constexpr uint64_t kAccessesMean = 100;
// The pages of both tables that are met, and what malloc needs meanwhile; under TSan (77 were seen) its shadow is
// several times that.
constexpr uint64_t kFaultsMax = kThreadSanitizer ? 192 : 48;

TEST(GrowthTest, NoOperationMovesOrTouchesMoreThanAFew) {
  const auto entries = make_entries();
  SlicedReleases releases;
  Epochs epochs;
  Epochs::Participant me(epochs);
  GrowingMap map;
  Work growing;
  uint64_t moves = 0;
  for (const auto& entry : entries) {
    const bool moved_before = map.moving(0);
    growing.measure(releases, [&] {
      ASSERT_TRUE(map.insert(entry.get(), me).inserted);
      me.quiescent();
      me.reclaim();
    });
    if (!moved_before && map.moving(0)) ++moves;
  }
  EXPECT_EQ(map.size(), kEntries);
  EXPECT_GE(moves, 10u);  // from two buckets, doubling
  EXPECT_LE(growing.accesses_max, kAccessesMax);
  EXPECT_LE(growing.accesses_sum, kAccessesMean * kEntries);
  EXPECT_LE(growing.faults_max, kFaultsMax);

  Work shrinking;
  for (const auto& entry : entries) {
    shrinking.measure(releases, [&] {
      ASSERT_TRUE(map.erase(entry.get(), me));
      me.quiescent();
      me.reclaim();
    });
  }
  EXPECT_EQ(map.size(), 0u);
  EXPECT_LE(shrinking.accesses_max, kAccessesMax);
  EXPECT_LE(shrinking.accesses_sum, kAccessesMean * kEntries);
  EXPECT_LE(shrinking.faults_max, kFaultsMax);
  std::printf("growing: at most %lu accesses and %lu pages, %lu accesses on average; shrinking: %lu, %lu, %lu\n",
              growing.accesses_max, growing.faults_max, growing.accesses_sum / kEntries, shrinking.accesses_max,
              shrinking.faults_max, shrinking.accesses_sum / kEntries);

  // Large tables have not been unmapped on the way: they wait for slices.
  EXPECT_GE(growing.retired_max, 256u * 1024);
  EXPECT_GE(releases.pending(), 1024u * 1024);
}

}  // namespace
}  // namespace sluice::map::testing
