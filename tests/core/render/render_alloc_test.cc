// Renderers allocate per shape and per family, never per group or sample: every allocation of this program is counted.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/render/protobuf_renderer.h"
#include "core/render/renderer.h"
#include "tests/core/render/fake_snapshot.h"

namespace {

std::atomic<uint64_t> allocations{0};

void* counted(size_t bytes) {
  // Relaxed: read by the only thread that counts.
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* at = std::malloc(bytes != 0 ? bytes : 1);
  if (at == nullptr) std::abort();
  return at;
}

}  // namespace

void* operator new(size_t bytes) { return counted(bytes); }
void* operator new[](size_t bytes) { return counted(bytes); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, size_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t) noexcept { std::free(at); }

namespace sluice::render {
namespace {

using model::MetricType;

FakeSnapshot snapshot_of(int groups) {
  FakeSnapshot snapshot;
  const size_t shape = snapshot.add_shape({{"c", "", false, MetricType::kCounter},
                                           {"h.x", "", false, MetricType::kHistogram},
                                           {"r", "", false, MetricType::kGauge}});
  const std::string record("\x22\x12\x0a\x05\x0a\x01\x61\x12\x00\x12\x09\x09\x00\x00\x00\x00\x00\x00\x00\x80", 20);
  for (int i = 0; i < groups; ++i) {
    const std::string label = "job=\"a value that is no short string\",l=\"" + std::to_string(i) + "\\n\"";
    snapshot.add_group(shape, label,
                       {"c{" + label + ",\"m.n\"=\"1\"} 1\n",
                        "{\"h.x_bucket\"," + label + ",le=\"+Inf\"} 1\n{\"h.x_sum\"," + label + "} 1\n{\"h.x_count\"," +
                            label + "} 1\n",
                        "r{a=\"\"} 0\n"},
                       i, 0, {"", "", record});
  }
  return snapshot;
}

uint64_t allocations_of(SnapshotSource& source) {
  std::vector<char> buffer(64 * 1024);
  const uint64_t before = allocations.load(std::memory_order_relaxed);  // relaxed: no other thread
  size_t used = 0;
  while (source.produce(buffer.data(), buffer.size(), used, Deadline{0}) != ByteSource::State::kDone) continue;
  return allocations.load(std::memory_order_relaxed) - before;
}

TEST(RenderAlloc, NothingPerGroup) {
  const FakeSnapshot few = snapshot_of(30);
  const FakeSnapshot many = snapshot_of(3000);
  for (const auto form : {ProtobufForm::kDelimited, ProtobufForm::kText, ProtobufForm::kCompactText}) {
    for (const auto escaping : {NameEscaping::kNone, NameEscaping::kValues}) {
      ProtobufRenderer little(few.buckets(), {}, form, escaping);
      ProtobufRenderer much(many.buckets(), {}, form, escaping);
      const uint64_t wanted = allocations_of(little);
      EXPECT_LE(allocations_of(much), wanted + 8);  // tables that grow a little more
    }
  }
  Renderer little(few.buckets(), {}, NameEscaping::kNone);
  Renderer much(many.buckets(), {}, NameEscaping::kNone);
  const uint64_t wanted = allocations_of(little);
  EXPECT_LE(allocations_of(much), wanted + 2);
}

}  // namespace
}  // namespace sluice::render
