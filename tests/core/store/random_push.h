// Random pushes from a small world, so that conflicts of every kind are frequent.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store::testing {

class RandomPush {
 public:
  explicit RandomPush(uint64_t seed) : random_(seed) {}

  // Families that a store in the tests exposes itself.
  [[nodiscard]] static std::vector<OwnFamily> own_families();

  [[nodiscard]] uint64_t below(uint64_t bound) { return random_() % bound; }
  // A grouping key of one of two jobs with one of six sets of names.
  [[nodiscard]] Labels labels();
  // Up to three families of a few names and any type; may be empty. Always parses.
  [[nodiscard]] std::string body();

 private:
  [[nodiscard]] std::string series_labels();
  void add_family(std::string& out, const std::string& name, uint64_t type);

  std::mt19937_64 random_;
};

}  // namespace sluice::store::testing
