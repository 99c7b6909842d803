// The push path in the process, without HTTP: parse, canonicalise, check, store, publish, and the turn that follows.
//
// push/S: workload S, each thread over 1,000 groups of its own in one store, 1 thread to as many as there are cores. On
// a machine that does N times as much with N threads items_per_second grows N times (P20 of the targets). read/S is the
// same without the store, so without anything shared: what the machine itself gives.
// push/large: 15,000 series in one group, 1.5 MB, in the order in which client libraries write them, with other numbers
// each time; items are samples (P6). push/large_first: the same, each body taken as if nothing like it had come before.
// push/large_shuffled: so too, labels and series in no order, so that they are sorted.
//
// Each round's status is checked, and the number of series in the store at the end.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/pusher.h"
#include "core/base/check.h"
#include "core/model/group_key.h"
#include "core/store/store.h"
#include "tests/parser/fast_bodies.h"

namespace sluice {
namespace {

constexpr size_t kGroups = 1000;  // of each thread
constexpr int kLargeSeries = 15'000;

std::unique_ptr<store::Store>& shared_store() {
  static std::unique_ptr<store::Store> store;
  return store;
}

void set_up(const benchmark::State& state) {
  store::Options options;
  options.writers_max = static_cast<unsigned>(state.threads());
  shared_store() = std::make_unique<store::Store>(options);
}

void tear_down(const benchmark::State& /*state*/) { shared_store().reset(); }

// No group is touched by two threads: a fleet whose connections stay on their worker.
// Without the store, it tells what the machine itself makes of more threads: two that share a core are not twice one.
void push_s(benchmark::State& state, bool with_store) {
  const std::string body = parser::test::gauges_body(10, 1);
  std::vector<model::GroupKey> keys;
  for (size_t i = 0; i < kGroups; ++i) {
    const std::string instance = fmt::format("host-{}-{}", state.thread_index(), i);
    keys.push_back(model::GroupKey::from_labels({{"job", "bench"}, {"instance", instance}}));
  }
  uint64_t done = 0;
  {
    bench::Pusher pusher(*shared_store());
    for (auto _ : state) {
      const model::GroupKey& key = keys[done % kGroups];
      if (!(with_store ? pusher.push(body, key) : pusher.read(body, key))) state.SkipWithError("a push was refused");
      ++done;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(done));
  state.SetBytesProcessed(static_cast<int64_t>(done * body.size()));
  // The other threads may still be pushing: theirs is at least nothing.
  if (with_store) SLUICE_CHECK(shared_store()->stats().series >= std::min<uint64_t>(done, kGroups) * 10);
}
const int kThreads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
BENCHMARK_CAPTURE(push_s, all, true)
    ->Name("push/S")
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->ThreadRange(1, kThreads)
    ->UseRealTime();
BENCHMARK_CAPTURE(push_s, unshared, false)
    ->Name("read/S")
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->ThreadRange(1, kThreads)
    ->UseRealTime();

// As client libraries write it: families, series and labels in order. 100 families, 1.5 MB.
std::string ordered_body(int first = 0) {
  constexpr int kFamilies = 100;
  std::string body;
  for (int family = 0; family < kFamilies; ++family) {
    body += fmt::format("# TYPE batch_large_{:03} gauge\n", family);
    for (int i = 0; i < kLargeSeries / kFamilies; ++i) {
      body += fmt::format(
          "batch_large_{:03}{{cluster=\"production-eu-1\",node=\"node-{:03}\",shard=\"{:03}\",zone=\"eu-west-1{}\"}} "
          "{}.25\n",
          family, i, i % 10, "abc"[i % 3], first + i);
    }
  }
  return body;
}

void push_large(benchmark::State& state, const std::vector<std::string>& bodies, bool repeats) {
  uint64_t done = 0;
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "bench"}, {"instance", "host-1"}});
  {
    bench::Pusher pusher(*shared_store());
    for (auto _ : state) {
      const std::string& body = bodies[done++ % bodies.size()];
      if (!(repeats ? pusher.push_large(body, key) : pusher.push(body, key))) state.SkipWithError("a push was refused");
    }
  }
  SLUICE_CHECK(shared_store()->stats().series == uint64_t{kLargeSeries});
  state.SetItemsProcessed(state.iterations() * kLargeSeries);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bodies.front().size()));
}
const std::vector<std::string>& ordered_bodies() {
  static const std::vector<std::string> made = {ordered_body(100'000), ordered_body(300'000), ordered_body(500'000)};
  return made;
}
BENCHMARK_CAPTURE(push_large, repeated, ordered_bodies(), true)
    ->Name("push/large")
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->UseRealTime();
BENCHMARK_CAPTURE(push_large, first, ordered_bodies(), false)
    ->Name("push/large_first")
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->UseRealTime();
BENCHMARK_CAPTURE(push_large, shuffled, {parser::test::series_body(kLargeSeries, 2)}, false)
    ->Name("push/large_shuffled")
    ->Setup(set_up)
    ->Teardown(tear_down)
    ->UseRealTime();

}  // namespace
}  // namespace sluice
