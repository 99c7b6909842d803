// The map and reclamation, one operation at a time: lookup, insert, delete, growth, walk, retirement; beside them
// std::unordered_map under a mutex, the simplest thing that could have been used, in the same run.
//
// Workload: groups with a key of about 60 bytes, like a canonical grouping key, found in random order. Each bench
// checks its own answer. Growth reports the longest single insert, since no turn may exceed 1 ms; it is taken in CPU
// time of the thread, so that a busy machine does not show as a long insert.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/map/map.h"
#include "core/sync/mailbox.h"
#include "core/sync/stamp_counter.h"

namespace sluice::map {
namespace {

struct alignas(8) Group {
  std::string name;
  uint64_t hashed = 0;
  [[nodiscard]] uint64_t hash() const { return hashed; }
  [[nodiscard]] std::string_view key() const { return name; }
};

int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::string key_of(size_t number) {
  return "instance=i-0123456789abcdef" + std::to_string(number) + ",job=batch-function-eu-west";
}

std::vector<std::unique_ptr<Group>> make_groups(size_t count) {
  std::vector<std::unique_ptr<Group>> groups(count);
  for (size_t i = 0; i < count; ++i) {
    groups[i] = std::make_unique<Group>();
    groups[i]->name = key_of(i);
    groups[i]->hashed = keyed_hash(groups[i]->name);
  }
  return groups;
}

// A filled map, shared by the benches of one size.
struct Filled {
  explicit Filled(size_t count) : groups(make_groups(count)) {
    sync::Epochs::Participant me(epochs);
    for (auto& group : groups) {
      SLUICE_CHECK(map.insert(group.get(), me).inserted);
      me.quiescent();
      me.reclaim();
    }
    order.resize(1 << 16);
    std::mt19937_64 random(1);
    for (auto& number : order) number = static_cast<uint32_t>(random() % count);
    for (const uint32_t number : order) keys.push_back(key_of(number));
  }
  static Filled& of(size_t count) {
    static std::mutex mutex;
    static std::unordered_map<size_t, std::unique_ptr<Filled>> all;
    const std::lock_guard lock(mutex);
    auto& filled = all[count];
    if (filled == nullptr) filled = std::make_unique<Filled>(count);
    return *filled;
  }

  std::vector<std::unique_ptr<Group>> groups;
  sync::Epochs epochs;
  Map<Group> map;
  std::vector<uint32_t> order;
  std::vector<std::string> keys;
};

// Hash and lookup of a key, as a push does.
void BM_Find(benchmark::State& state) {
  Filled& filled = Filled::of(static_cast<size_t>(state.range(0)));
  size_t i = static_cast<size_t>(state.thread_index()) * 7919;
  for (auto _ : state) {
    const size_t at = ++i % filled.keys.size();
    const Group* group = filled.map.find(keyed_hash(filled.keys[at]), filled.keys[at]);
    SLUICE_CHECK(group == filled.groups[filled.order[at]].get());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Find)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->ThreadRange(1, 2)->UseRealTime();

// The same in a mutex-guarded std::unordered_map.
void BM_FindLockedStdMap(benchmark::State& state) {
  static std::mutex mutex;
  static std::unordered_map<std::string_view, Group*> map;
  static size_t filled_with = 0;
  Filled& filled = Filled::of(static_cast<size_t>(state.range(0)));
  {
    const std::lock_guard lock(mutex);
    if (filled_with != filled.groups.size()) {
      map.clear();
      for (auto& group : filled.groups) map[group->name] = group.get();
      filled_with = filled.groups.size();
    }
  }
  size_t i = static_cast<size_t>(state.thread_index()) * 7919;
  for (auto _ : state) {
    const size_t at = ++i % filled.keys.size();
    const std::lock_guard lock(mutex);
    const auto found = map.find(filled.keys[at]);
    SLUICE_CHECK(found != map.end() && found->second == filled.groups[filled.order[at]].get());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FindLockedStdMap)->Arg(1'000)->Arg(100'000)->ThreadRange(1, 2)->UseRealTime();

void BM_FindMissing(benchmark::State& state) {
  Filled& filled = Filled::of(static_cast<size_t>(state.range(0)));
  std::mt19937_64 random(2);
  for (auto _ : state) SLUICE_CHECK(filled.map.find(random(), "job=missing") == nullptr);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FindMissing)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// A fleet of short-lived functions: a group comes, a group goes; rebuilds are part of it.
void BM_InsertAndErase(benchmark::State& state) {
  const auto live = static_cast<size_t>(state.range(0));
  auto groups = make_groups(2 * live);
  sync::Epochs epochs;
  sync::Epochs::Participant me(epochs);
  Map<Group> map;
  for (size_t i = 0; i < live; ++i) SLUICE_CHECK(map.insert(groups[i].get(), me).inserted);
  size_t next = live;
  for (auto _ : state) {
    SLUICE_CHECK(map.insert(groups[next % groups.size()].get(), me).inserted);
    SLUICE_CHECK(map.erase(groups[(next - live) % groups.size()].get(), me));
    ++next;
    me.quiescent();
    me.reclaim();
  }
  SLUICE_CHECK(map.size() == live);
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(BM_InsertAndErase)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// From empty to full, with the longest single insert and the longest reclaim of the run.
void BM_Grow(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  auto groups = make_groups(count);
  int64_t longest_ns = 0;
  uint64_t over_100us = 0;
  size_t bytes = 0;
  for (auto _ : state) {
    sync::Epochs epochs;
    sync::Epochs::Participant me(epochs);
    Map<Group> map;
    for (auto& group : groups) {
      const int64_t start = thread_cpu_ns();
      SLUICE_CHECK(map.insert(group.get(), me).inserted);
      me.quiescent();
      me.reclaim();
      const int64_t took = thread_cpu_ns() - start;
      longest_ns = std::max(longest_ns, took);
      over_100us += took > 100'000 ? 1 : 0;
    }
    SLUICE_CHECK(map.size() == count);
    bytes = map.table_bytes();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  state.counters["longest_us"] = static_cast<double>(longest_ns) / 1000;
  state.counters["over_100us"] = static_cast<double>(over_100us) / static_cast<double>(state.iterations());
  state.counters["table_bytes_per_group"] = static_cast<double>(bytes) / static_cast<double>(count);
}
BENCHMARK(BM_Grow)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

// A scrape's walk in slices of 64 buckets.
void BM_Walk(benchmark::State& state) {
  Filled& filled = Filled::of(static_cast<size_t>(state.range(0)));
  sync::Epochs::Participant me(filled.epochs);
  WalkCursor<Group> cursor;
  for (auto _ : state) {
    size_t seen = 0;
    for (size_t shard = 0; shard < filled.map.shard_count(); ++shard) {
      cursor.reset();
      while (!filled.map.walk_shard(shard, cursor, 64, me, [&](Group&) { ++seen; })) {
      }
    }
    SLUICE_CHECK(seen == filled.groups.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Walk)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// One retirement per turn, freed after its grace period.
void BM_RetireAndReclaim(benchmark::State& state) {
  sync::Epochs epochs;
  sync::Epochs::Participant me(epochs);
  uint64_t freed = 0;
  uint64_t retired = 0;
  for (auto _ : state) {
    me.retire(&freed, [](void* object, void*) { ++*static_cast<uint64_t*>(object); }, ++retired);
    me.quiescent();
    me.reclaim();
  }
  SLUICE_CHECK(retired - freed == epochs.retired());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RetireAndReclaim);

// A turn in which nothing was retired: what every turn pays.
void BM_IdleTurn(benchmark::State& state) {
  sync::Epochs epochs;
  sync::Epochs::Participant me(epochs);
  for (auto _ : state) {
    me.quiescent();
    SLUICE_CHECK(me.reclaim() == 0);
  }
}
BENCHMARK(BM_IdleTurn);

void BM_OfflineOnline(benchmark::State& state) {
  sync::Epochs epochs;
  sync::Epochs::Participant me(epochs);
  for (auto _ : state) {
    me.offline();
    me.online();
  }
}
BENCHMARK(BM_OfflineOnline);

void BM_Stamp(benchmark::State& state) {
  static sync::StampCounter stamps;
  uint64_t last = 0;
  for (auto _ : state) {
    const uint64_t stamp = stamps.next();
    SLUICE_CHECK(stamp > last);
    last = stamp;
  }
}
BENCHMARK(BM_Stamp)->ThreadRange(1, 2)->UseRealTime();

void BM_MailboxPostAndTake(benchmark::State& state) {
  sync::Mail mail;
  sync::Mailbox<sync::Mail> mailbox;
  for (auto _ : state) {
    mailbox.post(&mail);
    SLUICE_CHECK(mailbox.take() == &mail);
  }
}
BENCHMARK(BM_MailboxPostAndTake);

}  // namespace
}  // namespace sluice::map
