// Pushes beside a stored HELP conflict: a store with 15,000 series of one family in 100 groups, whose helps are all the
// same or of two kinds, takes pushes of 150 series of that family. Parse, canonicalise, check and store, as a request
// does it. The claim is that both rows are equal (the reference formats the whole family into a log line each time).
//
// Each round's answer is checked, and the store's series at the end.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "bench/pusher.h"
#include "core/model/group_key.h"
#include "core/store/store.h"

namespace sluice {
namespace {

constexpr int kGroups = 100;
constexpr int kSeries = 150;

std::string body_of(const std::string& help) {
  std::string body = "# HELP batch_rows " + help + "\n# TYPE batch_rows gauge\n";
  for (int i = 0; i < kSeries; ++i) {
    body += "batch_rows{table=\"t" + std::to_string(i) + "\",zone=\"eu\"} " + std::to_string(i) + "\n";
  }
  return body;
}

void push_beside(benchmark::State& state, const std::string& other_help) {
  store::Options options;
  options.writers_max = 1;
  store::Store store(options);
  bench::Pusher pusher(store);
  std::vector<model::GroupKey> keys;
  for (int i = 0; i < kGroups; ++i) {
    const std::string instance = std::to_string(i);
    keys.push_back(model::GroupKey::from_labels({{"job", "etl"}, {"instance", instance}}));
    if (!pusher.push(body_of(i % 2 == 0 ? "Rows written." : other_help), keys.back(), true)) std::abort();
  }
  const std::string body = body_of("Rows written.");
  size_t at = 0;
  for (auto _ : state) {
    if (!pusher.push(body, keys[at], true)) std::abort();
    at = (at + 2) % kGroups;
  }
  if (store.stats().series != kGroups * kSeries) std::abort();
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(push_beside, same_help, "Rows written.")->Name("push_15000_series/same_help");
BENCHMARK_CAPTURE(push_beside, two_helps, "Rows.")->Name("push_15000_series/two_helps");

}  // namespace
}  // namespace sluice
