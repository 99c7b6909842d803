// Bodies for the tests and benches of the fast parser: hand-written ones at its borders, and generated ones of the
// shapes that client libraries push.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace sluice::parser::test {

struct NamedBody {
  std::string_view name;
  std::string_view text;
};

// Bodies that the fast parser must take itself.
[[nodiscard]] std::span<const NamedBody> fast_bodies();
// Bodies that it must decline: errors, and what is valid but rare.
[[nodiscard]] std::span<const NamedBody> declined_bodies();

// Workload S: `families` gauges with TYPE lines and three labels, about 120 bytes each.
[[nodiscard]] std::string gauges_body(int families, uint64_t seed);
// One family of `series` gauges, two labels, about 100 bytes each.
[[nodiscard]] std::string series_body(int series, uint64_t seed);
// `series` histograms of 12 buckets in one family, two labels.
[[nodiscard]] std::string histograms_body(int series, uint64_t seed);
// Valid lines of every kind in random order, with comments, escapes, lone quotes, UTF-8, timestamps and long lines.
[[nodiscard]] std::string mixed_body(int lines, uint64_t seed);
// `body` with a few bytes replaced, removed, doubled or moved.
[[nodiscard]] std::string mutated(std::string body, std::mt19937_64& random);

}  // namespace sluice::parser::test
