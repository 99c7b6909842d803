// Parts of a snapshot: disjoint, together the whole, in its order, and the same in every process and version.
#include "core/store/snapshot_part.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;

std::vector<const model::Version*> versions_of(std::span<const Snapshot::Bucket> buckets) {
  std::vector<const model::Version*> versions;
  for (const Snapshot::Bucket& bucket : buckets) {
    size_t groups = 0;
    for (const Snapshot::Chunk& chunk : bucket.chunks) {
      EXPECT_FALSE(chunk.empty());
      versions.insert(versions.end(), chunk.begin(), chunk.end());
      groups += chunk.size();
    }
    EXPECT_EQ(groups, bucket.groups);
  }
  return versions;
}

TEST(SnapshotPart, HasEveryPlaceOnce) {
  for (const uint32_t count : {1u, 2u, 3u, 7u, 16u, 1000u, limits::kScrapePartsMax}) {
    std::vector<size_t> places(count);
    uint32_t last = 0;
    for (uint32_t place = 0; place < 65536; ++place) {
      uint32_t found = 0;
      for (uint32_t index = last; index < count && index < last + 2; ++index) {
        if (!Part{index, count}.has(static_cast<uint16_t>(place))) continue;
        ++found;
        ++places[index];
        last = index;
      }
      ASSERT_EQ(found, 1u) << place << " of " << count;
    }
    for (const size_t has : places) EXPECT_NEAR(static_cast<double>(has), 65536.0 / count, 1);
  }
}

// Changing what is written here would move groups between the Prometheus servers of everybody who divides scrapes.
TEST(SnapshotPart, PlacesAreForEver) {
  const auto place = [](const testing::Labels& labels) {
    return place_of(stable_hash(testing::key_of(labels).bytes()));
  };
  EXPECT_EQ(place({{"job", "t"}}), 38881);
  EXPECT_EQ(place({{"job", "etl"}, {"instance", "a"}}), 4574);
  EXPECT_EQ(place({{"job", "etl"}, {"zone", "\xc3\xa4"}, {"instance", ""}}), 60808);
}

TEST(SnapshotPart, PartsAreTheWhole) {
  Store store{Options{}};
  Client client{store};
  // Three shapes of which one has a single group: in all parts but one it has none.
  for (int i = 0; i < 3000; ++i) {
    const std::string body = i == 7 ? "seven 7\n" : i % 3 == 0 ? "a 1\nb 2\n" : "a 1\n";
    client.put({{"job", "t"}, {"instance", "i" + std::to_string(i)}}, body);
  }
  const SnapshotRef snapshot = client.snapshot();
  const std::vector<const model::Version*> whole = versions_of(snapshot->buckets());
  ASSERT_EQ(whole.size(), 3000u);
  for (const uint32_t count : {1u, 2u, 5u, 64u, limits::kScrapePartsMax}) {
    std::set<const model::Version*> all;
    for (uint32_t index = 0; index < count; ++index) {
      SnapshotPart part;
      // A deadline that has passed: as many calls as there are steps.
      while (!part.step(*snapshot, {index, count}, Deadline::in_ns(0))) {
      }
      ASSERT_EQ(part.buckets().size(), snapshot->buckets().size());
      for (size_t i = 0; i < part.buckets().size(); ++i) {
        const Snapshot::Bucket& bucket = part.buckets()[i];
        EXPECT_EQ(bucket.shape, snapshot->buckets()[i].shape);
        EXPECT_EQ(bucket.groups + bucket.groups_elsewhere, snapshot->buckets()[i].groups);
      }
      const std::vector<const model::Version*> versions = versions_of(part.buckets());
      if (count <= 5) {
        EXPECT_NEAR(static_cast<double>(versions.size()), 3000.0 / count, 150);
      }
      size_t at = 0;
      for (const model::Version* version : versions) {
        while (at != whole.size() && whole[at] != version) ++at;
        EXPECT_TRUE(all.insert(version).second);
      }
      EXPECT_LT(at, whole.size() + (versions.empty() ? 1 : 0)) << "not in the order of the whole";
    }
    EXPECT_EQ(all.size(), whole.size()) << count;
  }
}

}  // namespace
}  // namespace sluice::store
