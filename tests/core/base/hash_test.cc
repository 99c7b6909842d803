#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {
namespace {

constexpr const char* kPrint = "SLUICE_PRINT_HASH";

// In the process that the next one starts; in others nothing but that there is a hash.
TEST(Hash, Print) {
  EXPECT_EQ(KeyedHash()("job"), keyed_hash("job"));
  if (std::getenv(kPrint) != nullptr) std::printf("hash %016zx\n", KeyedHash()("job"));
}

std::string hash_of_another_process() {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command = std::string(kPrint) + "=1 '" + program + "' --gtest_filter=Hash.Print";
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
