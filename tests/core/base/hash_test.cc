#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {
namespace {

// Run by the next one in a process of its own.
TEST(Hash, DISABLED_Print) { std::printf("hash %016zx\n", KeyedHash()("job")); }

std::string hash_of_another_process() {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command = "'" + program + "' --gtest_also_run_disabled_tests --gtest_filter=Hash.DISABLED_Print";
  FILE* const output = popen(command.c_str(), "r");
  EXPECT_NE(output, nullptr);
  std::string hash;
  for (std::array<char, 256> line; std::fgets(line.data(), line.size(), output) != nullptr;) {
    if (std::string_view(line.data()).starts_with("hash ")) hash = line.data();
  }
  EXPECT_EQ(pclose(output), 0);
  return hash;
}

// Prepared collisions are of no use against a table whose secret nobody knows.
TEST(Hash, EveryProcessHasASecretOfItsOwn) {
  const std::string first = hash_of_another_process();
  EXPECT_EQ(first.size(), std::string("hash 0123456789abcdef\n").size());
  EXPECT_NE(first, hash_of_another_process());
}

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
