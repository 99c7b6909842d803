// Keys that were prepared to collide: 65,536 strings with one std::hash of libstdc++, and keys searched for with the
// hash that keyed_hash is without its secret. The tables that clients fill place them like any others.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/base/hash.h"
#include "core/map/map.h"
#include "core/map/table.h"
#include "tests/core/map/map_world.h"

namespace sluice::map::testing {
namespace {

using StdTable = Table<sync::StdAtomics>;
using Hash = std::function<uint64_t(std::string_view)>;

// One block of each pair, in order: all 2^16 strings have one MurmurHash64A with libstdc++'s seed.
constexpr std::string_view kBlocks[16][2] = {
    {"lfxctncsucyr8a2p", "bpcdp3eiG$n{9huH"}, {"gkk6ifn3wdr8ejb9", "h4jicglp~Rc5?KsR"},
    {"5m8w6cyndgowggmw", "tg0twsa2QXj~[YYt"}, {"1j8xb0bgzoxplcvg", "d1ixpmrg7q<jSXJ:"},
    {"7rtqt43igtjhza5m", "zepnnmqxB5f?TNVc"}, {"qomikanwg46vn4be", "vy78ph6gw!Xi6vn0"},
    {"zlul8lcxvhu46eb9", "2jltgdgxu@tzo&|L"}, {"q6nftklzs19kqwop", "vf2j9o2k0(ymb?&n"},
    {"qfc04ddbixdgfiuz", "oli4ddpc<h}{JF6N"}, {"17pkw3s7zjsbc9ky", "xvdx64p8a^lIGmo{"},
    {"975659igbzluigt4", "33td6ahh1-mU8<v}"}, {"hl5tpufj8cwq869n", "nyv56ibkjZYIq?s<"},
    {"ooxe3czmr2bcwlt7", "ty96yi5doaq3:*uP"}, {"n6wrrcpb2ve1j56v", "dkqnc8j6KrtyI<,g"},
    {"y4emdx5vxeq8h7hr", "w2pm21kkTE(:r7y="}, {"01k5hwn6o6ca3tx4", "tpw5vgga9goQ=C3o"},
};

std::vector<std::string> same_std_hash() {
  std::vector<std::string> keys(1 << 16);
  for (uint32_t i = 0; i < keys.size(); ++i) {
    for (uint32_t k = 0; k < 16; ++k) keys[i] += kBlocks[k][i >> k & 1];
  }
  return keys;
}

// Keys whose unkeyed hash has zeros where `mask` has ones.
std::vector<std::string> chosen_for_xxh3(size_t count, uint64_t mask) {
  std::vector<std::string> keys;
  for (uint32_t i = 0; keys.size() < count; ++i) {
    std::string key = "job-" + std::to_string(i);
    if ((stable_hash(key) & mask) == 0) keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<uint64_t> hashes(const std::vector<std::string>& keys, const Hash& hash) {
  std::vector<uint64_t> all;
  all.reserve(keys.size());
  for (const std::string& key : keys) all.push_back(hash(key));
  return all;
}

size_t distinct(const std::vector<uint64_t>& all) {
  return std::unordered_set<uint64_t>(all.begin(), all.end()).size();
}

// The most buckets that a look-up in the map passes, in tables as large as the map makes them.
size_t longest_probe(const std::vector<uint64_t>& all) {
  std::vector<std::vector<uint64_t>> shards(256);
  for (const uint64_t hash : all) shards[hash >> (64 - limits::kMapShardBits)].push_back(hash);
  size_t longest = 0;
  for (const std::vector<uint64_t>& shard : shards) {
    const unsigned log2 = StdTable::log2_buckets_for(shard.size());
    std::vector<size_t> used(size_t{1} << log2);
    for (const uint64_t hash : shard) {
      const size_t home = StdTable::position(hash) >> (64 - log2);
      size_t passed = 0;
      while (used[(home + passed) & (used.size() - 1)] == kSlotsPerBucket) ++passed;
      ++used[(home + passed) & (used.size() - 1)];
      longest = std::max(longest, passed);
    }
  }
  return longest;
}

// The most slots that a look-up in a parser's IndexTable passes: placed by the low bits, at most half full.
size_t longest_run(const std::vector<uint64_t>& all) {
  size_t slots = 64;
  while (slots < 2 * all.size()) slots *= 2;
  std::vector<bool> used(slots);
  size_t longest = 0;
  for (const uint64_t hash : all) {
    size_t passed = 0;
    while (used[(hash + passed) & (slots - 1)]) ++passed;
    used[(hash + passed) & (slots - 1)] = true;
    longest = std::max(longest, passed);
  }
  return longest;
}

// What random keys reach is below half of these for any number of keys here.
constexpr size_t kProbeMax = 8;
constexpr size_t kRunMax = 150;

void expect_harmless(const std::vector<std::string>& keys) {
  const std::vector<uint64_t> keyed = hashes(keys, keyed_hash);
  EXPECT_EQ(distinct(keyed), keys.size());
  EXPECT_LE(longest_probe(keyed), kProbeMax);
  EXPECT_LE(longest_run(keyed), kRunMax);
  EXPECT_EQ(distinct(hashes(keys, KeyedHash())), keys.size());
}

TEST(Collisions, OfTheStandardHash) {
  const std::vector<std::string> keys = same_std_hash();
  const std::unordered_set<std::string_view> all(keys.begin(), keys.begin() + 1000);
  ASSERT_EQ(all.size(), 1000u);
#if defined(__GLIBCXX__) && __SIZEOF_SIZE_T__ == 8
  EXPECT_EQ(distinct(hashes(keys, std::hash<std::string_view>())), 1u) << "they are what they are said to be";
#endif
  expect_harmless(keys);
}

TEST(Collisions, OfTheUpperBitsOfUnseededXxh3) {
  const std::vector<std::string> keys = chosen_for_xxh3(1000, UINT64_C(0xfffc) << 48);
  EXPECT_GE(longest_probe(hashes(keys, stable_hash)), 50u) << "without a secret they are an attack";
  expect_harmless(keys);
}

TEST(Collisions, OfTheLowerBitsOfUnseededXxh3) {
  const std::vector<std::string> keys = chosen_for_xxh3(1000, 0x3fff);
  EXPECT_GE(longest_run(hashes(keys, stable_hash)), 999u) << "without a secret they are an attack";
  expect_harmless(keys);
}

// What was prepared for one process is worth nothing against the next.
TEST(Collisions, OfAnotherSecret) {
  set_hash_secret_for_test(1);
  std::vector<std::string> keys;
  for (uint32_t i = 0; keys.size() < 1000; ++i) {
    std::string key = "job-" + std::to_string(i);
    if ((keyed_hash(key) & 0x3fff) == 0) keys.push_back(std::move(key));
  }
  EXPECT_GE(longest_run(hashes(keys, keyed_hash)), 999u);
  set_hash_secret_for_test(2);
  expect_harmless(keys);
}

}  // namespace
}  // namespace sluice::map::testing
