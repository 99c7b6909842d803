// The store's operations on one writer: PUT, POST, DELETE, failure times, wipe, snapshots, with the reference's rules.
#include "core/store/store.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Contents;
using testing::Labels;
using testing::sample_of;

const std::string kGroupT = "instance=\"\",job=\"t\"";

class StoreTest : public ::testing::Test {
 protected:
  Store store_{Options{}};
  Client client_{store_};
};

TEST_F(StoreTest, PutThenScrape) {
  const PushResult result = client_.put({{"job", "t"}}, "# TYPE a gauge\n# HELP a Some help.\na{x=\"1\"} 2\na 1\n", 5);
  EXPECT_EQ(result.status, PushStatus::kOk);
  EXPECT_TRUE(result.created);
  EXPECT_GT(result.stamp, 0u);
  const Contents contents = client_.contents();
  ASSERT_EQ(contents.size(), 1u);
  const auto& group = contents.at(kGroupT);
  EXPECT_EQ(group.push_time_ns, 5);
  EXPECT_EQ(group.push_failure_time_ns, 0);
  ASSERT_EQ(group.families.size(), 1u);
  EXPECT_EQ(group.families.at("a"),
            "1|Some help.|a{instance=\"\",job=\"t\"} 1\na{instance=\"\",job=\"t\",x=\"1\"} 2\n");
}

TEST_F(StoreTest, PutReplacesEverything) {
  client_.put({{"job", "t"}}, "a 1\nb 2\n");
  const PushResult result = client_.put({{"job", "t"}}, "b 3\nc 4\n");
  EXPECT_FALSE(result.created);
  const Contents contents = client_.contents();
  EXPECT_EQ(sample_of(contents, kGroupT, "a"), "");
  EXPECT_EQ(sample_of(contents, kGroupT, "b"), "3");
  EXPECT_EQ(sample_of(contents, kGroupT, "c"), "4");
}

TEST_F(StoreTest, PostReplacesFamiliesOfTheSameNameOnly) {
  client_.post({{"job", "t"}}, "a{x=\"1\"} 1\na{x=\"2\"} 2\nb 2\n");
  client_.post({{"job", "t"}}, "# TYPE a counter\na 7\nc 9\n");
  const Contents contents = client_.contents();
  EXPECT_EQ(contents.at(kGroupT).families.at("a"), "0|(none)|a{instance=\"\",job=\"t\"} 7\n");
  EXPECT_EQ(sample_of(contents, kGroupT, "b"), "2");
  EXPECT_EQ(sample_of(contents, kGroupT, "c"), "9");
}

TEST_F(StoreTest, EmptyPutEmptiesTheGroupAndSetsPushTime) {
  client_.put({{"job", "t"}}, "a 1\n", 10);
  client_.put({{"job", "t"}}, "", 20);
  const Contents contents = client_.contents();
  EXPECT_TRUE(contents.at(kGroupT).families.empty());
  EXPECT_EQ(contents.at(kGroupT).push_time_ns, 20);
}

TEST_F(StoreTest, EmptyPostKeepsFamiliesAndSetsPushTime) {
  client_.put({{"job", "t"}}, "a 1\n", 10);
  client_.post({{"job", "t"}}, "", 20);
  const Contents contents = client_.contents();
  EXPECT_EQ(sample_of(contents, kGroupT, "a"), "1");
  EXPECT_EQ(contents.at(kGroupT).push_time_ns, 20);
  client_.post({{"job", "new"}}, "", 30);
  EXPECT_EQ(client_.contents().at("instance=\"\",job=\"new\"").push_time_ns, 30);
}

TEST_F(StoreTest, FailureTimeIsKeptByPutAndPost) {
  client_.put({{"job", "t"}}, "a 1\n", 10);
  client_.fail({{"job", "t"}}, 15);
  Contents contents = client_.contents();
  EXPECT_EQ(contents.at(kGroupT).push_time_ns, 10);
  EXPECT_EQ(contents.at(kGroupT).push_failure_time_ns, 15);
  EXPECT_EQ(sample_of(contents, kGroupT, "a"), "1");
  client_.put({{"job", "t"}}, "b 1\n", 20);
  client_.post({{"job", "t"}}, "c 1\n", 30);
  contents = client_.contents();
  EXPECT_EQ(contents.at(kGroupT).push_time_ns, 30);
  EXPECT_EQ(contents.at(kGroupT).push_failure_time_ns, 15);
}

TEST_F(StoreTest, FailureCreatesTheGroupWithoutAPushTime) {
  const PushResult result = client_.fail({{"job", "t"}}, 15);
  EXPECT_TRUE(result.created);
  const Contents contents = client_.contents();
  EXPECT_EQ(contents.at(kGroupT).push_time_ns, 0);
  EXPECT_EQ(contents.at(kGroupT).push_failure_time_ns, 15);
  EXPECT_TRUE(contents.at(kGroupT).families.empty());
}

TEST_F(StoreTest, EraseForgetsTheFailureTimeToo) {
  client_.put({{"job", "t"}}, "a 1\n");
  client_.fail({{"job", "t"}}, 15);
  EXPECT_TRUE(client_.erase({{"job", "t"}}).existed);
  EXPECT_FALSE(client_.erase({{"job", "t"}}).existed);
  EXPECT_TRUE(client_.contents().empty());
  EXPECT_TRUE(client_.put({{"job", "t"}}, "a 2\n", 40).created);
  EXPECT_EQ(client_.contents().at(kGroupT).push_failure_time_ns, 0);
}

TEST_F(StoreTest, ExpectingChangesNothing) {
  const uint64_t hash = testing::key_of({{"job", "t"}}).hash();
  const auto expect_all = [&] {
    for (const auto near : {Writer::Near::kLookup, Writer::Near::kGroup, Writer::Near::kVersion}) {
      client_.writer().expect(hash, near);
    }
  };
  expect_all();
  EXPECT_TRUE(client_.contents().empty());
  client_.fail({{"job", "t"}}, 5);
  expect_all();
  EXPECT_EQ(client_.contents().at(kGroupT).push_time_ns, 0);
  client_.put({{"job", "t"}}, "a 1\n");
  expect_all();
  EXPECT_EQ(sample_of(client_.contents(), kGroupT, "a"), "1");
  client_.erase({{"job", "t"}});
  expect_all();
  EXPECT_TRUE(client_.contents().empty());
}

TEST_F(StoreTest, StampsGrow) {
  const uint64_t first = client_.put({{"job", "t"}}, "a 1\n").stamp;
  const uint64_t second = client_.post({{"job", "u"}}, "a 1\n").stamp;
  const uint64_t third = client_.erase({{"job", "t"}}).stamp;
  const uint64_t missing = client_.erase({{"job", "t"}}).stamp;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_GE(missing, third);
}

TEST_F(StoreTest, AnEmptyInstanceIsTheSameGroup) {
  client_.put({{"job", "t"}, {"instance", ""}}, "a 1\n");
  client_.post({{"job", "t"}}, "b 1\n");
  const Contents contents = client_.contents();
  ASSERT_EQ(contents.size(), 1u);
  EXPECT_EQ(contents.at(kGroupT).families.size(), 2u);
}

TEST_F(StoreTest, LabelTextIsEscaped) {
  client_.put({{"job", "a\"b\\c\nd"}, {"zone", "z"}, {"alpha", ""}}, "a 1\n");
  EXPECT_EQ(client_.contents().begin()->first, "alpha=\"\",instance=\"\",job=\"a\\\"b\\\\c\\nd\",zone=\"z\"");
}

TEST_F(StoreTest, PostSharesWhatItKeeps) {
  std::string big;
  for (int i = 0; i < 15'000; ++i) big += "big{i=\"" + std::to_string(i) + "\"} 1\n";
  client_.put({{"job", "t"}}, big);
  client_.settle();
  const uint64_t before = store_.stats().bytes;
  for (int i = 0; i < 50; ++i) client_.post({{"job", "t"}}, "small " + std::to_string(i) + "\n");
  client_.settle();
  EXPECT_LT(store_.stats().bytes, before + 4096);
  EXPECT_EQ(sample_of(client_.contents(), kGroupT, "small"), "49");
}

TEST_F(StoreTest, DeadFragmentsAreCompacted) {
  // Each push replaces all but one family of the last; without compaction every block would stay for its one family.
  const std::string filler(2000, 'x');
  for (int i = 0; i < 200; ++i) {
    std::string body = "keep_" + std::to_string(i) + " 1\n";
    for (int j = 0; j < 3; ++j) body += "f" + std::to_string(j) + "{x=\"" + filler + "\"} 1\n";
    client_.post({{"job", "t"}}, body);
  }
  client_.settle();
  const SnapshotRef snapshot = client_.snapshot();
  EXPECT_EQ(snapshot->buckets()[0].shape->size(), 203u);
  EXPECT_LT(store_.stats().bytes, 2 * snapshot->fragment_bytes() + 16 * 1024);
  EXPECT_GT(store_.stats().compactions, 0u);
}

TEST_F(StoreTest, ManyTinyPostsKeepFewBlocks) {
  for (int i = 0; i < 2'000; ++i)
    client_.post({{"job", "t"}}, "family_" + std::to_string(i) + " " + std::to_string(i) + "\n");
  client_.settle();
  const Contents contents = client_.contents();
  ASSERT_EQ(contents.at(kGroupT).families.size(), 2'000u);
  for (int i = 0; i < 2'000; ++i)
    EXPECT_EQ(sample_of(contents, kGroupT, "family_" + std::to_string(i)), std::to_string(i));
  EXPECT_LT(store_.stats().shapes, 1'000u);  // the lists that came before are collected
}

// As if all that began before it came before it: what was pushed behind its beginning stays, with nothing older.
TEST_F(StoreTest, AWipeLeavesNothingThatIsOlder) {
  const auto group = [](const char* name) { return Labels{{"job", name}}; };
  for (const char* name : {"posted", "put", "failed", "again", "left"}) client_.put(group(name), "old 1\n");
  WipeOp wipe;
  wipe.start(client_.writer());
  client_.post(group("posted"), "young 2\n");
  client_.put(group("put"), "young 2\n");
  client_.post(group("put"), "younger 3\n");
  client_.fail(group("failed"), 9);
  client_.erase(group("again"));
  client_.post(group("again"), "young 2\n");
  client_.fail(group("made"), 9);
  testing::finish(wipe, client_.writer());
  EXPECT_EQ(wipe.groups(), 3U) << "posted, failed, left";
  const Contents contents = client_.contents();
  ASSERT_EQ(contents.size(), 3U);
  EXPECT_EQ(contents.at("instance=\"\",job=\"put\"").families.size(), 2U);
  EXPECT_EQ(contents.at("instance=\"\",job=\"again\"").families.size(), 1U);
  EXPECT_TRUE(contents.contains("instance=\"\",job=\"made\""));
  EXPECT_EQ(client_.wipe(), 3U);
}

TEST_F(StoreTest, WipeDeletesAll) {
  for (int i = 0; i < 500; ++i) client_.put({{"job", "t"}, {"instance", std::to_string(i)}}, "a 1\n");
  EXPECT_EQ(client_.wipe(), 500u);
  EXPECT_TRUE(client_.contents().empty());
  client_.settle();
  EXPECT_EQ(store_.stats().groups, 0u);
  EXPECT_EQ(store_.stats().series, 0u);
  EXPECT_EQ(store_.stats().bytes, 0u);
}

TEST_F(StoreTest, StatsCountWhatIsStored) {
  client_.put({{"job", "t"}},
              "a{x=\"1\"} 1\na{x=\"2\"} 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n");
  client_.put({{"job", "u"}}, "a 1\n");
  Stats stats = store_.stats();
  EXPECT_EQ(stats.groups, 2u);
  EXPECT_EQ(stats.series, 4u);
  EXPECT_EQ(stats.samples, 6u);
  EXPECT_EQ(stats.mutations, 2u);
  client_.erase({{"job", "t"}});
  client_.settle();
  stats = store_.stats();
  EXPECT_EQ(stats.groups, 1u);
  EXPECT_EQ(stats.series, 1u);
  EXPECT_EQ(stats.mutations, 3u);
  EXPECT_EQ(stats.versions_retired, 0u);
}

TEST_F(StoreTest, ARequestThatFindsEverySnapshotHeldStarves) {
  std::vector<SnapshotRef> held;
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) {
    client_.put({{"job", "t"}}, "a " + std::to_string(i) + "\n");
    held.push_back(client_.snapshot());
  }
  client_.put({{"job", "t"}}, "a 17\n");
  EXPECT_FALSE(store_.snapshots_starve());
  {
    SnapshotRequest given_up;
    given_up.start(client_.writer());
    EXPECT_EQ(given_up.step(Deadline::never()), StepResult::kParked);
    EXPECT_TRUE(store_.snapshots_starve());
  }
  EXPECT_FALSE(store_.snapshots_starve());
  SnapshotRequest request;
  request.start(client_.writer());
  EXPECT_EQ(request.step(Deadline::never()), StepResult::kParked);
  EXPECT_EQ(request.step(Deadline::never()), StepResult::kParked);
  EXPECT_TRUE(store_.snapshots_starve());
  held.pop_back();
  EXPECT_FALSE(store_.snapshots_starve()) << "there is one for it";
  EXPECT_EQ(request.step(Deadline::never()), StepResult::kDone);
  EXPECT_FALSE(store_.snapshots_starve());
}

}  // namespace
}  // namespace sluice::store
