// Threads at full speed on one map with versions and snapshots, as the store uses them: insert, replace, delete, read,
// walk. Self-checking: objects know when they have been freed, keys have at most one entry, walks see one entry per
// key, and in the end the books balance. Ends only after it has seen over 1,000 each of failed exchanges, inserts into
// a growing shard, deletes under a reader's eyes, and retirements under a snapshot. Clean under ThreadSanitizer.
// SLUICE_STRESS_SECONDS=<n> makes it run on.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/map/map.h"
#include "core/sync/stamp_counter.h"
#include "core/sync/version_cell.h"
#include "tests/core/sync/schedule.h"
#include "tests/core/sync/stress_atomics.h"

namespace sluice::map::testing {
namespace {

using sync::testing::Random;
using sync::testing::StressAtomics;
using StressEpochs = sync::BasicEpochs<StressAtomics>;

constexpr uint64_t kAlive = 0x616c697665ull;
constexpr uint64_t kFreed = 0x6672656564ull;
constexpr size_t kKeys = 3000;
constexpr uint64_t kWanted = 1000;

struct Version {
  uint64_t birth = 0;
  uint64_t value = 0;
  uint64_t twice = 0;  // 2 * value: half a version would show
  uint64_t state = kAlive;

  void check() const {
    SLUICE_CHECK(state == kAlive);
    SLUICE_CHECK(twice == 2 * value);
  }
  static void free(void* object, void* /*context*/) {
    auto* self = static_cast<Version*>(object);
    SLUICE_CHECK(self->state == kAlive);
    self->state = kFreed;
    delete self;
  }
};

using Cell = sync::VersionCell<Version, StressAtomics>;

struct alignas(8) Group {
  Group(size_t number, uint64_t stamp) : name(std::to_string(number)), hashed(hash_of(number)), birth(stamp) {}
  // Some keys everywhere, most in four shards, so that those grow and shrink by hundreds.
  static uint64_t hash_of(size_t number) {
    const uint64_t hash = keyed_hash(std::to_string(number));
    return number % 8 == 0 ? hash : (hash & ~(uint64_t{0xfc} << 56));
  }
  [[nodiscard]] uint64_t hash() const {
    SLUICE_CHECK(state == kAlive);
    return hashed;
  }
  [[nodiscard]] std::string_view key() const {
    SLUICE_CHECK(state == kAlive);
    return name;
  }
  static void free(void* object, void* /*context*/) {
    auto* self = static_cast<Group*>(object);
    SLUICE_CHECK(self->state == kAlive);
    self->state = kFreed;
    delete self;
  }

  const std::string name;
  const uint64_t hashed;
  const uint64_t birth;
  Cell cell;
  uint64_t state = kAlive;
};

struct Shared {
  StressEpochs epochs;
  Map<Group, StressAtomics> map;
  sync::BasicStampCounter<StressAtomics> stamps;
  std::array<std::atomic<int>, kKeys> present{};  // inserts less erases
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> inserts_in_growth{0};
  std::atomic<uint64_t> deletes_under_read{0};
  std::atomic<uint64_t> retired_under_snapshot{0};
  std::atomic<uint64_t> operations{0};
  std::atomic<uint64_t> pinned_most{0};
};

class Worker {
 public:
  Worker(Shared& shared, uint64_t seed) : shared_(shared), random_(seed), me_(shared.epochs) {}

  void run() {
    while (!shared_.stop.load(std::memory_order_relaxed)) {
      // Waves: all workers fill, then all empty, so that tables grow and shrink.
      const bool filling = shared_.operations.fetch_add(1, std::memory_order_relaxed) / 20'000 % 2 == 0;
      const size_t number = random_.one_in(4) ? random_.below(16) : random_.below(kKeys);
      const uint64_t kind = random_.below(8);
      if (kind < 3) {
        push(number);
      } else if (kind < 6) {
        filling ? push(number) : erase(number);
      } else if (kind == 6) {
        erase(number);
      } else {
        read(random_.below(16));  // Where deletes are frequent.
      }
      if (random_.one_in(8)) {
        me_.quiescent();
        me_.reclaim();
      }
      if (random_.one_in(1024)) {
        me_.offline();
        std::this_thread::yield();
        me_.online();
      }
    }
  }

 private:
  void retire_version(Version* version) {
    if (shared_.epochs.snapshots().live() > 0) shared_.retired_under_snapshot.fetch_add(1, std::memory_order_relaxed);
    me_.retire(version, &Version::free, version->birth);
  }

  // Find or insert the group, then one compare-and-swap of its version.
  void push(size_t number) {
    const std::string name = std::to_string(number);
    const uint64_t hash = Group::hash_of(number);
    while (true) {
      Group* group = shared_.map.find(hash, name);
      if (group == nullptr) group = insert(number, hash);
      Version* seen = group->cell.current();
      while (seen != Cell::dead()) {
        if (seen != nullptr) seen->check();
        auto* version = new Version;
        version->birth = shared_.stamps.next();
        version->value = version->birth;
        version->twice = 2 * version->value;
        if (group->cell.compare_exchange(seen, version)) {
          if (seen != nullptr) retire_version(seen);
          return;
        }
        delete version;
      }
      static_cast<void>(unlink(number, group));  // Help the deleter, then try with a new group.
    }
  }

  Group* insert(size_t number, uint64_t hash) {
    auto* group = new Group(number, shared_.stamps.next());
    const size_t shard = shared_.map.shard_of(hash);
    const bool before = shared_.map.moving(shard);
    const auto result = shared_.map.insert(group, me_);
    if (before || shared_.map.moving(shard)) shared_.inserts_in_growth.fetch_add(1, std::memory_order_relaxed);
    if (result.inserted) {
      const int was = shared_.present[number].fetch_add(1, std::memory_order_relaxed);
      SLUICE_CHECK(was >= -3 && was <= 3);  // Others may be between their change and their count.
    } else {
      SLUICE_CHECK(result.entry->key() == group->name);
      delete group;
    }
    return result.entry;
  }

  bool unlink(size_t number, Group* group) {
    if (!shared_.map.erase(group, me_)) return false;
    shared_.present[number].fetch_sub(1, std::memory_order_relaxed);
    me_.retire(group, &Group::free, group->birth);
    return true;
  }

  void erase(size_t number) {
    Group* group = shared_.map.find(Group::hash_of(number), std::to_string(number));
    if (group == nullptr) return;
    Version* seen = group->cell.current();
    while (seen != Cell::dead() && !group->cell.compare_exchange(seen, Cell::dead())) {
    }
    if (seen != Cell::dead() && seen != nullptr) retire_version(seen);
    static_cast<void>(unlink(number, group));
  }

  // Holds a group and its version while others replace and delete them.
  void read(size_t number) {
    const Group* group = shared_.map.find(Group::hash_of(number), std::to_string(number));
    if (group == nullptr) return;
    const Version* version = group->cell.current();
    if (version == nullptr || version == Cell::dead()) return;
    for (int i = 0; i < 4; ++i) {
      std::this_thread::yield();
      version->check();
      SLUICE_CHECK(group->key() == std::to_string(number));
    }
    if (group->cell.current() == Cell::dead()) shared_.deletes_under_read.fetch_add(1, std::memory_order_relaxed);
  }

  Shared& shared_;
  Random random_;
  StressEpochs::Participant me_;
};

// Scrapes: open, walk in slices, bound, read slowly, close.
void scrape(Shared& shared, uint64_t seed) {
  Random random(seed);
  StressEpochs::Participant me(shared.epochs);
  WalkCursor<Group> cursor;
  while (!shared.stop.load(std::memory_order_relaxed)) {
    const auto id = me.open_snapshot();
    if (!id) {
      me.quiescent();
      continue;
    }
    std::vector<const Version*> seen;
    std::unordered_set<std::string_view> names;  // Groups stay, too: their birth is below the bound.
    for (size_t shard = 0; shard < shared.map.shard_count(); ++shard) {
      cursor.reset();
      while (!shared.map.walk_shard(shard, cursor, 8, me, [&](Group& group) {
        SLUICE_CHECK(names.insert(group.name).second);
        const Version* version = group.cell.current();
        if (version != nullptr && version != Cell::dead()) seen.push_back(version);
      })) {
        me.quiescent();
        me.reclaim();
      }
    }
    const uint64_t bound = shared.stamps.last();
    me.set_bound(*id, bound);
    for (uint64_t slice = random.below(20); slice > 0; --slice) {
      for (const Version* version : seen) {
        version->check();
        SLUICE_CHECK(version->birth <= bound);
      }
      const uint64_t pinned = shared.epochs.snapshots().pinned();
      if (pinned > shared.pinned_most.load(std::memory_order_relaxed)) {
        shared.pinned_most.store(pinned, std::memory_order_relaxed);
      }
      me.quiescent();
      me.reclaim();
      std::this_thread::yield();
    }
    me.close_snapshot(*id);
    me.quiescent();
    me.reclaim();
  }
}

bool seen_enough(const Shared& shared) {
  return sync::testing::stress_failed_exchanges.load() > kWanted && shared.inserts_in_growth.load() > kWanted &&
         shared.deletes_under_read.load() > kWanted && shared.retired_under_snapshot.load() > kWanted;
}

void run_threads(Shared& shared, uint64_t seed) {
  const char* seconds = std::getenv("SLUICE_STRESS_SECONDS");
  const auto start = std::chrono::steady_clock::now();
  const auto at_least = start + std::chrono::seconds(seconds == nullptr ? 1 : std::atoi(seconds));
  const auto give_up = at_least + std::chrono::minutes(8);
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 4; ++i) threads.emplace_back([&, i] { Worker(shared, seed + i).run(); });
  for (uint64_t i = 0; i < 2; ++i) threads.emplace_back([&, i] { scrape(shared, seed + 100 + i); });
  while (true) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto now = std::chrono::steady_clock::now();
    if ((now >= at_least && seen_enough(shared)) || now >= give_up) break;
  }
  shared.stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

void check_books(Shared& shared) {
  StressEpochs::Participant me(shared.epochs);
  std::vector<Group*> groups;
  WalkCursor<Group> cursor;
  for (size_t shard = 0; shard < shared.map.shard_count(); ++shard) {
    cursor.reset();
    while (!shared.map.walk_shard(shard, cursor, 64, me, [&](Group& group) { groups.push_back(&group); })) {
    }
  }
  EXPECT_EQ(groups.size(), shared.map.size());
  size_t present = 0;
  for (size_t number = 0; number < kKeys; ++number) {
    const int count = shared.present[number].load();
    EXPECT_TRUE(count == 0 || count == 1);
    const Group* group = shared.map.find(Group::hash_of(number), std::to_string(number));
    EXPECT_EQ(group != nullptr, count == 1) << number;
    present += static_cast<size_t>(count);
  }
  EXPECT_EQ(present, groups.size());
  for (Group* group : groups) {
    Version* version = group->cell.current();
    if (version != nullptr && version != Cell::dead()) me.retire(version, &Version::free, version->birth);
    EXPECT_TRUE(shared.map.erase(group, me));
    me.retire(group, &Group::free, group->birth);
  }
  for (int i = 0; i < 4; ++i) {
    me.quiescent();
    me.reclaim(100'000'000);
  }
  EXPECT_EQ(shared.epochs.retired(), 0u);
  EXPECT_EQ(shared.epochs.snapshots().pinned(), 0u);
}

TEST(MapStress, PushesDeletesReadsAndScrapes) {
  const char* given = std::getenv("SLUICE_SEED");
  const uint64_t seed = given == nullptr
                            ? static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())
                            : std::strtoull(given, nullptr, 10);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  auto shared = std::make_unique<Shared>();
  run_threads(*shared, seed);
  check_books(*shared);
  std::printf("operations %llu, most pinned %llu\n", static_cast<unsigned long long>(shared->operations.load()),
              static_cast<unsigned long long>(shared->pinned_most.load()));
  EXPECT_GT(sync::testing::stress_failed_exchanges.load(), kWanted);
  EXPECT_GT(shared->inserts_in_growth.load(), kWanted);
  EXPECT_GT(shared->deletes_under_read.load(), kWanted);
  EXPECT_GT(shared->retired_under_snapshot.load(), kWanted);
  std::printf("failed exchanges %llu, inserts in growth %llu, deletes under read %llu, retired under snapshot %llu\n",
              static_cast<unsigned long long>(sync::testing::stress_failed_exchanges.load()),
              static_cast<unsigned long long>(shared->inserts_in_growth.load()),
              static_cast<unsigned long long>(shared->deletes_under_read.load()),
              static_cast<unsigned long long>(shared->retired_under_snapshot.load()));
}

}  // namespace
}  // namespace sluice::map::testing
