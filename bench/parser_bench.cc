// The text parser on three bodies: workload S (10 gauges with TYPE lines and 3 labels, about 1.2 KB), 15,000 series of
// one family (1.5 MB), and 1,000 histograms of 12 buckets. By kernel, and the exact parser alone; stage 1 alone as
// well.
// complete/NAME is what a push pays before the store: parsed, labels of the group added, all sorted, duplicates found.
// The same families as delimited protobuf: parse/NAME/protobuf, to be compared with parse/NAME/KERNEL by time.
//
// Workload S through the cache of skeletons, beside parse/push_S: parse/push_S/skeleton_hit with another number in each
// round; skeleton_miss, whose first line no skeleton has; skeleton_never, 4,096 bodies of one first line and other
// labels, so that every skeleton that is made is in vain (skeleton_never_plain: the same without the cache;
// skeleton_never_alone: the cache without parsing).
//
// Every round's result is counted and compared with what the body holds. Bytes per second are those of the body.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/parser_workloads.h"
#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/canonical.h"
#include "parser/protobuf_parser.h"
#include "parser/simd/kernel.h"
#include "parser/skeleton_cache.h"
#include "parser/text_exact.h"
#include "parser/text_parser.h"
#include "tests/parser/protobuf_bodies.h"

namespace sluice::parser {
namespace {

using bench::parser_workloads;
using Workload = bench::ParserWorkload;

bool is_right(const Workload& workload, const model::Families& families) {
  return families.families.size() == workload.families && families.metrics.size() == workload.metrics &&
         families.labels.size() == workload.labels && families.points.size() == workload.points;
}

void report(benchmark::State& state, const Workload& workload) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * workload.body.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * workload.samples));
  state.counters["body_bytes"] = static_cast<double>(workload.body.size());
}

void parse_with_kernel(benchmark::State& state, const Workload& workload, const simd::Kernel& kernel) {
  TextParser parser(kernel);
  model::Families families;
  for (auto _ : state) {
    parser.start(workload.body, NameScheme::kLegacy, families);
    const TextParser::Step step = parser.step(Deadline::never());
    if (step != TextParser::Step::kDone || parser.used_exact() || !is_right(workload, families)) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, workload);
}

void parse_and_canonicalise(benchmark::State& state, const Workload& workload, const simd::Kernel& kernel) {
  const model::GroupKey key = model::GroupKey::from_labels({{"job", "checkout"}, {"instance", "i-0123456789"}});
  TextParser parser(kernel);
  Canonicaliser canonicaliser;
  model::Families families;
  model::CanonicalPush push;
  for (auto _ : state) {
    parser.start(workload.body, NameScheme::kLegacy, families);
    const TextParser::Step step = parser.step(Deadline::never());
    canonicaliser.begin(families, key, push);
    const Canonicaliser::State end = canonicaliser.step(Deadline::never());
    if (step != TextParser::Step::kDone || end != Canonicaliser::State::kDone || push.samples != workload.samples ||
        push.series != workload.metrics) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, workload);
}

void parse_exactly(benchmark::State& state, const Workload& workload) {
  ExactTextParser parser;
  model::Families families;
  for (auto _ : state) {
    parser.start(workload.body, NameScheme::kLegacy, families);
    const ExactTextParser::Step step = parser.step(Deadline::never());
    if (step != ExactTextParser::Step::kDone || !is_right(workload, families)) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, workload);
}

// `bodies` one after the other, by a skeleton or by parsing, as a push does it. `hits`: all of them must be known.
void parse_with_skeletons(benchmark::State& state, const std::vector<std::string>& bodies,
                          const std::vector<std::string>& known, bool hits) {
  const Workload& workload = parser_workloads().front();
  TextParser parser;
  SkeletonCache cache;
  model::Families families;
  for (const std::string& body : known) cache.learn(body);
  for (const std::string& body : known) cache.learn(body);
  size_t at = 0;
  for (auto _ : state) {
    const std::string& body = bodies[at];
    at = at + 1 == bodies.size() ? 0 : at + 1;
    const SkeletonCache::Loan loan = cache.find(body);
    bool good = static_cast<bool>(loan) == hits;
    if (loan) {
      good = good && is_right(workload, loan->families());
    } else {
      parser.start(body, NameScheme::kLegacy, families);
      good = good && parser.step(Deadline::never()) == TextParser::Step::kDone && is_right(workload, families);
      // A miss that is measured stays one.
      if (known.empty()) cache.learn(body);
    }
    if (!good) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, workload);
}

// Workload S with other numbers, or with other labels as well.
std::vector<std::string> numbered(bool other_labels, int count) {
  std::vector<std::string> bodies;
  for (int k = 0; k < count; ++k) {
    std::string body;
    for (int family = 0; family < 10; ++family) {
      fmt::format_to(std::back_inserter(body),
                     "# TYPE batch_job_metric_{0}_seconds gauge\nbatch_job_metric_{0}_seconds{{region=\"eu-west-1\","
                     "function=\"worker-{1}\",stage=\"prod\"}} {2}\n",
                     family, (other_labels ? 100'000 + k : 100'000) + family,
                     (k * 7919 + family * 31) % 100'000 / 100.0);
    }
    bodies.push_back(std::move(body));
  }
  return bodies;
}

void skeleton_hit(benchmark::State& state) {
  const std::vector<std::string> bodies = numbered(false, 64);
  parse_with_skeletons(state, bodies, {bodies.front()}, true);
}

void skeleton_miss(benchmark::State& state) {
  std::vector<std::string> bodies = numbered(false, 64);
  for (std::string& body : bodies) {
    for (int line = 0; line < 2; ++line) body.replace(body.find("batch"), 5, "other");
  }
  parse_with_skeletons(state, bodies, numbered(false, 1), false);
}

void skeleton_never(benchmark::State& state) { parse_with_skeletons(state, numbered(true, 4096), {}, false); }

// What skeleton_never adds to parsing, by itself.
void skeleton_never_alone(benchmark::State& state) {
  const std::vector<std::string> bodies = numbered(true, 4096);
  SkeletonCache cache;
  size_t at = 0;
  for (auto _ : state) {
    if (cache.find(bodies[at])) {
      state.SkipWithError("wrong result");
      break;
    }
    cache.learn(bodies[at]);
    at = at + 1 == bodies.size() ? 0 : at + 1;
  }
  report(state, parser_workloads().front());
}

// The bodies of skeleton_never without a cache: they do not stay in the first-level cache as one body does.
void skeleton_never_plain(benchmark::State& state) {
  const std::vector<std::string> bodies = numbered(true, 4096);
  TextParser parser;
  model::Families families;
  size_t at = 0;
  for (auto _ : state) {
    parser.start(bodies[at], NameScheme::kLegacy, families);
    at = at + 1 == bodies.size() ? 0 : at + 1;
    if (parser.step(Deadline::never()) != TextParser::Step::kDone || !is_right(parser_workloads().front(), families)) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, parser_workloads().front());
}

std::string as_protobuf(const Workload& workload) {
  ExactTextParser text;
  model::Families families;
  text.start(workload.body, NameScheme::kLegacy, families);
  if (text.step(Deadline::never()) != ExactTextParser::Step::kDone) return {};
  return test::protobuf_body(families);
}

void parse_protobuf(benchmark::State& state, const Workload& workload) {
  const std::string body = as_protobuf(workload);
  ProtobufParser parser;
  model::Families families;
  for (auto _ : state) {
    parser.start(body, families);
    const ProtobufParser::Step step = parser.step(Deadline::never());
    if (step != ProtobufParser::Step::kDone || !is_right(workload, families)) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
  state.counters["body_bytes"] = static_cast<double>(body.size());
}

// Stage 1 alone, in windows as the parser makes them.
void index_only(benchmark::State& state, const Workload& workload, const simd::Kernel& kernel) {
  constexpr size_t kWindow = 8192;
  std::vector<uint16_t> index(kWindow + simd::kIndexSlack);
  const size_t whole = workload.body.size() / simd::kBlockBytes * simd::kBlockBytes;
  size_t expected = 0;
  for (size_t at = 0; at != whole; ++at) {
    const char byte = workload.body[at];
    expected += byte == '"' || byte == '\\' || byte == '\n' ? 1 : 0;
  }
  for (auto _ : state) {
    size_t entries = 0;
    for (size_t at = 0; at < whole; at += kWindow) {
      const size_t bytes = std::min(kWindow, whole - at);
      entries += kernel.index(workload.body.data() + at, static_cast<uint32_t>(bytes / simd::kBlockBytes), index.data())
                     .entries;
    }
    if (entries != expected) {
      state.SkipWithError("wrong result");
      break;
    }
  }
  report(state, workload);
}

const bool kRegistered = [] {
  benchmark::RegisterBenchmark("parse/push_S/skeleton_hit", skeleton_hit);
  benchmark::RegisterBenchmark("parse/push_S/skeleton_miss", skeleton_miss);
  benchmark::RegisterBenchmark("parse/push_S/skeleton_never", skeleton_never);
  benchmark::RegisterBenchmark("parse/push_S/skeleton_never_alone", skeleton_never_alone);
  benchmark::RegisterBenchmark("parse/push_S/skeleton_never_plain", skeleton_never_plain);
  for (const Workload& workload : parser_workloads()) {
    for (const simd::KernelChoice& choice : simd::kernels()) {
      if (!choice.supported) continue;
      benchmark::RegisterBenchmark(
          fmt::format("parse/{}/{}", workload.name, choice.kernel.name).c_str(),
          [&workload, &choice](benchmark::State& state) { parse_with_kernel(state, workload, choice.kernel); });
      benchmark::RegisterBenchmark(
          fmt::format("complete/{}/{}", workload.name, choice.kernel.name).c_str(),
          [&workload, &choice](benchmark::State& state) { parse_and_canonicalise(state, workload, choice.kernel); });
      benchmark::RegisterBenchmark(
          fmt::format("index/{}/{}", workload.name, choice.kernel.name).c_str(),
          [&workload, &choice](benchmark::State& state) { index_only(state, workload, choice.kernel); });
    }
    benchmark::RegisterBenchmark(fmt::format("parse/{}/exact", workload.name).c_str(),
                                 [&workload](benchmark::State& state) { parse_exactly(state, workload); });
    benchmark::RegisterBenchmark(fmt::format("parse/{}/protobuf", workload.name).c_str(),
                                 [&workload](benchmark::State& state) { parse_protobuf(state, workload); });
  }
  return true;
}();

}  // namespace
}  // namespace sluice::parser
