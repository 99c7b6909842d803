#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Hash, StableHashIsTheSameOnEveryMachine) {
  EXPECT_EQ(stable_hash(""), 0x2d06800538d394c2ull);
  EXPECT_EQ(stable_hash("job"), stable_hash(std::string("job")));
}

TEST(Hash, KeyedHashDependsOnTheSecret) {
  set_hash_secret_for_test(1);
  const uint64_t first = keyed_hash("job");
  set_hash_secret_for_test(2);
  EXPECT_NE(first, keyed_hash("job"));
  set_hash_secret_for_test(1);
  EXPECT_EQ(first, keyed_hash("job"));
  EXPECT_NE(first, stable_hash("job"));
}

}  // namespace
}  // namespace sluice
