// A scrape of one million series, 100,000 groups with ten families of one sample: text and protobuf, identity and gzip.
//
// The snapshot is made by hand (one block a group, allocated in random order of groups, as pushes leave them). The
// answer is checked once: bytes, lines, and what zlib reads back is left to the tests. A copy of the same bytes from
// one flat buffer stands beside it: what memory alone costs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/protobuf_wire.h"
#include "core/model/protobuf_schema.h"
#include "core/render/body_reader.h"
#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "core/render/scrape_cache.h"
#include "tests/core/render/fake_snapshot.h"

namespace sluice::render {
namespace {

constexpr size_t kGroups = 100'000;
constexpr size_t kFamilies = 10;
constexpr size_t kBuffer = 256 * 1024;

const FakeSnapshot& snapshot() {
  static const FakeSnapshot* const made = [] {
    auto* result = new FakeSnapshot;
    std::vector<std::string> names;
    for (size_t f = 0; f < kFamilies; ++f) names.push_back("lambda_metric_" + std::to_string(f));
    std::vector<model::ShapeFamily> families;
    for (const std::string& name : names) families.push_back({name, "", false, model::MetricType::kGauge});
    const size_t shape = result->add_shape(families);
    std::vector<uint32_t> order(kGroups);
    std::iota(order.begin(), order.end(), 0u);
    std::mt19937_64 random(1);
    std::ranges::shuffle(order, random);
    for (const uint32_t group : order) {
      const std::string labels = "instance=\"i-" + std::to_string(1000000 + group) + "\",job=\"checkout\"";
      std::vector<std::string> texts;
      for (const std::string& name : names) {
        texts.push_back(name + "{function=\"checkout-handler\"," + labels +
                        ",region=\"eu-central-1\",version=\"v42\"} " + std::to_string(random() % 100000) + "\n");
      }
      result->add_group(shape, labels, texts,
                        1'790'000'000'000'000'000 + static_cast<int64_t>(random() % 1'000'000'000'000));
    }
    return result;
  }();
  return *made;
}

uint64_t drain(ByteSource& source, std::vector<char>& buffer, uint64_t* lines) {
  uint64_t bytes = 0;
  auto state = ByteSource::State::kMore;
  while (state == ByteSource::State::kMore) {
    size_t used = 0;
    state = source.produce(buffer.data(), buffer.size(), used, Deadline::in_ns(50'000));
    bytes += used;
    if (lines != nullptr) *lines += static_cast<uint64_t>(std::count(buffer.data(), buffer.data() + used, '\n'));
  }
  return bytes;
}

void BM_RenderIdentity(benchmark::State& state) {
  std::vector<char> buffer(kBuffer);
  Renderer checked(snapshot().buckets(), {});
  uint64_t lines = 0;
  const uint64_t bytes = drain(checked, buffer, &lines);
  if (lines != kGroups * (kFamilies + 2) + kFamilies + 4) std::abort();
  for (auto _ : state) {
    Renderer renderer(snapshot().buckets(), {});
    if (drain(renderer, buffer, nullptr) != bytes) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kGroups * kFamilies));
}
BENCHMARK(BM_RenderIdentity)->Unit(benchmark::kMillisecond);

void BM_FlatCopy(benchmark::State& state) {
  std::vector<char> buffer(kBuffer);
  Renderer renderer(snapshot().buckets(), {});
  const std::vector<char> flat(drain(renderer, buffer, nullptr), 'x');
  for (auto _ : state) {
    for (size_t at = 0; at < flat.size(); at += kBuffer) {
      std::memcpy(buffer.data(), flat.data() + at, std::min(kBuffer, flat.size() - at));
      benchmark::ClobberMemory();
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(flat.size()));
}
BENCHMARK(BM_FlatCopy)->Unit(benchmark::kMillisecond);

void BM_RenderGzip(benchmark::State& state) {
  std::vector<char> buffer(kBuffer);
  uint64_t in = 0;
  uint64_t out = 0;
  for (auto _ : state) {
    ScrapeCache cache(0);
    BodyRef body;
    CacheCounts counts;
    const MakeSource make = [] {
      return std::make_unique<Renderer>(snapshot().buckets(), std::vector<OwnFamily>(), NameEscaping::kUnderscores,
                                        FamilyWalk::OnHelpConflict(), FamilyShown::kPushed);
    };
    if (!cache.acquire({.mutations = 1, .own_names = 1, .form = 0, .gzip = true, .part = {}}, 1, {}, make, body,
                       counts)) {
      std::abort();
    }
    ScrapeHelper helper;
    BodyReader reader(cache, helper, std::move(body),
                      std::make_unique<Renderer>(std::span<const store::Snapshot::Bucket>(), std::vector<OwnFamily>()),
                      make);
    out = drain(reader, buffer, nullptr);
    in = reader.text_bytes();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(in));
  state.counters["compressed_percent"] = 100.0 * static_cast<double>(out) / static_cast<double>(in);
}
BENCHMARK(BM_RenderGzip)->Unit(benchmark::kMillisecond);

// Every metric is found by its tag and length; the sums must come out even.
uint64_t metrics_of(std::string_view scrape) {
  uint64_t metrics = 0;
  std::string_view family;
  for (std::string_view rest = scrape; !rest.empty(); rest = rest.substr(family.size())) {
    uint64_t bytes = 0;
    const char* at = rest.data();
    if (read_varint(at, rest.data() + rest.size(), bytes) != VarintResult::kDone) std::abort();
    rest = rest.substr(static_cast<size_t>(at - rest.data()));
    family = rest.substr(0, bytes);
    if (family.size() != bytes) std::abort();
    model::WireField field;
    for (std::string_view fields = family; next_field(fields, field);) metrics += field.field() == 4 ? 1 : 0;
  }
  return metrics;
}

void BM_RenderProtobuf(benchmark::State& state, ProtobufForm form) {
  std::vector<char> buffer(kBuffer);
  ProtobufRenderer checked(snapshot().buckets(), {}, form, NameEscaping::kNone);
  std::string whole;
  auto more = ByteSource::State::kMore;
  while (more == ByteSource::State::kMore) {
    size_t used = 0;
    more = checked.produce(buffer.data(), buffer.size(), used, Deadline::never());
    whole.append(buffer.data(), used);
  }
  const uint64_t bytes = whole.size();
  if (form == ProtobufForm::kDelimited && metrics_of(whole) != kGroups * (kFamilies + 2)) std::abort();
  for (auto _ : state) {
    ProtobufRenderer renderer(snapshot().buckets(), {}, form, NameEscaping::kNone);
    if (drain(renderer, buffer, nullptr) != bytes) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kGroups * kFamilies));
}
BENCHMARK_CAPTURE(BM_RenderProtobuf, delimited, ProtobufForm::kDelimited)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RenderProtobuf, compact_text, ProtobufForm::kCompactText)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::render
