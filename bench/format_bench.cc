// What a push costs between its bytes and the store: parsing, canonicalising, and numbers by themselves.
//
// Workload S of the targets: ten gauges with three labels and TYPE lines, about 1.2 KB. Each bench checks its answer
// once before it measures.
#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/go_float.h"
#include "core/model/canonical.h"
#include "core/model/group_key.h"
#include "parser/canonical.h"
#include "parser/skeleton_cache.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"

namespace sluice {
namespace {

std::string workload_s(int round = 0) {
  std::string body;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "lambda_invocation_metric_" + std::to_string(i);
    body += "# TYPE " + name + " gauge\n";
    body += name + "{function=\"checkout-handler\",region=\"eu-central-1\",version=\"v" + std::to_string(100 + i) +
            "\"} " + std::to_string(i * 17 + round) + (i % 2 == 0 ? "" : ".25") + "\n";
  }
  return body;
}

std::string one_family(int series, bool sorted) {
  std::string body = "# TYPE requests_total counter\n";
  for (int i = 0; i < series; ++i) {
    const int n = 100000 + (sorted ? i : (i * 7919) % series);
    body += "requests_total{code=\"200\",path=\"/api/" + std::to_string(n) + "\"} " + std::to_string(i) + "\n";
  }
  return body;
}

void parse(parser::ExactTextParser& text, const std::string& body, model::Families& families) {
  text.start(body, parser::NameScheme::kLegacy, families);
  if (text.step(Deadline::never()) != parser::ExactTextParser::Step::kDone) std::abort();
}

void canonicalise(benchmark::State& state, const std::string& body, bool with_parser) {
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "checkout"}, {"instance", "i-0123456789"}});
  parser::ExactTextParser text;
  parser::Canonicaliser canonicaliser;
  model::Families families;
  model::CanonicalPush push;
  parse(text, body, families);
  for (auto _ : state) {
    if (with_parser) parse(text, body, families);
    canonicaliser.begin(families, key, push);
    if (canonicaliser.step(Deadline{INT64_MAX - 1}) != parser::Canonicaliser::State::kDone) std::abort();
    benchmark::DoNotOptimize(push.words.data());
  }
  if (push.series != families.metrics.size()) std::abort();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(push.samples));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}

void BM_WorkloadS_Canonicalise(benchmark::State& state) { canonicalise(state, workload_s(), false); }
void BM_WorkloadS_ExactParseAndCanonicalise(benchmark::State& state) { canonicalise(state, workload_s(), true); }
void BM_OneFamilySorted_Canonicalise(benchmark::State& state) { canonicalise(state, one_family(15000, true), false); }
void BM_OneFamilyShuffled_Canonicalise(benchmark::State& state) {
  canonicalise(state, one_family(15000, false), false);
}
BENCHMARK(BM_WorkloadS_Canonicalise);
BENCHMARK(BM_WorkloadS_ExactParseAndCanonicalise);
BENCHMARK(BM_OneFamilySorted_Canonicalise);
BENCHMARK(BM_OneFamilyShuffled_Canonicalise);

// The whole way from the bytes of workload S to its canonical push, in 64 groups with other numbers each: as a worker
// does it, by a skeleton, or without them.
void push_s(benchmark::State& state, bool with_skeletons) {
  std::vector<std::string> bodies;
  std::vector<model::GroupKey> keys;
  for (int k = 0; k < 64; ++k) {
    const std::string instance = "i-" + std::to_string(k * 12345);
    bodies.push_back(workload_s(k));
    keys.push_back(model::GroupKey::from_labels({{"job", "checkout"}, {"instance", instance}}));
  }
  parser::TextParser text;
  parser::Canonicaliser canonicaliser;
  parser::SkeletonCache cache;
  model::Families families;
  model::CanonicalPush push;
  for (int k = 0; with_skeletons && k < 2; ++k) cache.learn(bodies[0]);
  size_t at = 0;
  for (auto _ : state) {
    at = (at + 1) % bodies.size();
    parser::SkeletonCache::Loan loan = cache.find(bodies[at]);
    if (loan) {
      if (!cache.write_canonical(loan, keys[at], push)) std::abort();
    } else {
      text.start(bodies[at], parser::NameScheme::kLegacy, families);
      if (with_skeletons || text.step(Deadline::never()) != parser::TextParser::Step::kDone) std::abort();
      canonicaliser.begin(families, keys[at], push);
      if (canonicaliser.step(Deadline{INT64_MAX - 1}) != parser::Canonicaliser::State::kDone) std::abort();
    }
    benchmark::DoNotOptimize(push.words.data());
  }
  if (push.series != 10 || push.samples != 10) std::abort();
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bodies[0].size()));
}
void BM_WorkloadS_ParseAndCanonicalise(benchmark::State& state) { push_s(state, false); }
void BM_WorkloadS_BySkeleton(benchmark::State& state) { push_s(state, true); }
BENCHMARK(BM_WorkloadS_ParseAndCanonicalise);
BENCHMARK(BM_WorkloadS_BySkeleton);

std::vector<double> numbers(int kind) {
  std::vector<double> values;
  for (int i = 1; i <= 1000; ++i) {
    if (kind == 0) values.push_back(i * 37 % 100000);
    if (kind == 1) values.push_back(i * 37 % 100000 / 100.0 + 0.01);
    if (kind == 2) values.push_back(1.7e9 + i * 0.123456789);
    if (kind == 3) values.push_back(1.0 / i);
  }
  return values;
}

void BM_GoFloat(benchmark::State& state) {
  const std::vector<double> values = numbers(static_cast<int>(state.range(0)));
  char out[kGoFloatRoom];
  for (const double value : values) {
    double back = 0;
    const size_t size = format_go_float(value, out);
    std::from_chars(out, out + size, back);
    if (back != value) std::abort();
  }
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(format_go_float(values[at], out));
    at = at + 1 == values.size() ? 0 : at + 1;
  }
  static const char* const kKinds[] = {"integers", "two decimals", "timestamps", "17 digits"};
  state.SetLabel(kKinds[state.range(0)]);
}
BENCHMARK(BM_GoFloat)->DenseRange(0, 3);

void BM_ToCharsScientific(benchmark::State& state) {
  const std::vector<double> values = numbers(static_cast<int>(state.range(0)));
  char out[kGoFloatRoom];
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::to_chars(out, out + sizeof(out), values[at], std::chars_format::scientific));
    at = at + 1 == values.size() ? 0 : at + 1;
  }
}
BENCHMARK(BM_ToCharsScientific)->DenseRange(0, 3);

}  // namespace
}  // namespace sluice
