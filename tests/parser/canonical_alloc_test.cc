// The canonicaliser allocates nothing once its scratch has grown, and a grouping key is one allocation: all of this
// program are counted.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "parser/grouping_key.h"
#include "tests/parser/canonical_testing.h"

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
// std::stable_sort asks in this way.
void* operator new(size_t bytes, const std::nothrow_t& /*tag*/) noexcept { return counted(bytes); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, size_t) noexcept { std::free(at); }
void operator delete[](void* at, size_t) noexcept { std::free(at); }

namespace sluice::parser {
namespace {

// Sorted and unsorted families, several label sets, escapes, a summary, a histogram, help and floats of all kinds.
std::string body(int round) {
  std::string text = "# HELP z help\n# TYPE z histogram\n";
  for (int i = 0; i < 12; ++i) text += "z_bucket{le=\"" + std::to_string(i) + ".5\"} " + std::to_string(i) + "\n";
  text += "z_count 12\n# TYPE s summary\ns{quantile=\"0.5\",x=\"a\\\"b\"} 1.25\ns_sum{x=\"a\\\"b\"} 3e9\n";
  for (int i = 0; i < 40; ++i) {
    text += "m{path=\"/" + std::to_string(i * 7 % 40) + "\",round=\"" + std::to_string(round % 10) + "\"} 0.1234567\n";
    text += "n{id=\"" + std::to_string(100 + i) + "\"" + (i % 2 == 0 ? ",zone=\"z\"" : "") + "} 12\n";
  }
  return text;
}

TEST(CanonicalAllocations, NoneInTheSteadyState) {
  Canonicaliser canonicaliser;
  model::CanonicalPush push;
  model::Families families;
  const model::GroupKey key = make_key({{"job", "t\n"}, {"instance", "i"}});
  for (int round = 0; round < 20; ++round) {
    const std::string text = body(round);
    ASSERT_TRUE(parse_text(text, NameScheme::kLegacy, families));
    const uint64_t before = allocations.load(std::memory_order_relaxed);
    const auto state = canonicalise(canonicaliser, families, key, push, Deadline{0});
    const uint64_t made = allocations.load(std::memory_order_relaxed) - before;
    ASSERT_EQ(state, Canonicaliser::State::kDone);
    if (round == 0) {
      EXPECT_GT(made, 0u);  // the counter works
    } else {
      EXPECT_EQ(made, 0u) << "round " << round;
    }
  }
}

TEST(GroupingKeyAllocations, OneWhereNothingIsDecoded) {
  EXPECT_TRUE(is_valid_utf8("a"));  // simdjson chooses its kernel once
  for (const char* path : {"bench/instance/host-123", "t", "t/a/1/b/2/c/3/d/4/e/5/f/6/g/7", "t/a/1/a/2/instance/"}) {
    for (const NameScheme scheme : {NameScheme::kLegacy, NameScheme::kUtf8}) {
      const uint64_t before = allocations.load(std::memory_order_relaxed);
      const bool parsed = parse_grouping_key(path, false, scheme).has_value();
      EXPECT_EQ(allocations.load(std::memory_order_relaxed) - before, 1u) << path;
      EXPECT_TRUE(parsed) << path;
    }
  }
}

}  // namespace
}  // namespace sluice::parser
