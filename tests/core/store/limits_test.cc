// What the store counts for limits: exact at each of them, whatever came before, and from several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/base/limit_table.h"
#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store {

using limits::Limit;

namespace {

using testing::Client;
using testing::Labels;
using testing::Pushed;

Labels group(const std::string& job, int i) { return {{"job", job}, {"instance", std::to_string(i)}}; }

std::string series(int count, const std::string& name = "m") {
  std::string body;
  for (int i = 0; i < count; ++i) body += name + "{n=\"" + std::to_string(i) + "\"} 1\n";
  return body;
}

class Limits : public ::testing::Test {
 protected:
  Store& with(std::initializer_list<std::pair<Limit, uint64_t>> values, unsigned writers = 1) {
    Options options;
    options.writers_max = writers;
    for (const auto& [limit, value] : values) options.limits.set(limit, value);
    store_ = std::make_unique<Store>(options);
    return *store_;
  }
  static PushResult push(Client& client, const Labels& labels, const std::string& text, Pressure pressure,
                         const limits::Values* values = nullptr) {
    const Pushed pushed(labels, text);
    PushRequest request = pushed.request(true, 1);
    request.pressure = pressure;
    request.limits = values;
    PushOp op;
    op.start(client.writer(), request);
    testing::finish(op, client.writer());
    return op.result();
  }

 private:
  std::unique_ptr<Store> store_;
};

TEST_F(Limits, SeriesOfAllJobs) {
  Client client(with({{Limit::kSeries, 5}}));
  EXPECT_EQ(client.put(group("a", 1), series(3)).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("b", 1), series(3)).limit, Limit::kSeries);
  EXPECT_EQ(client.put(group("b", 1), series(2)).status, PushStatus::kOk);
  EXPECT_EQ(client.post(group("b", 1), "other 1\n").limit, Limit::kSeries);
  EXPECT_EQ(client.put(group("a", 1), series(3)).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 1), series(2)).status, PushStatus::kOk);
  EXPECT_EQ(client.post(group("b", 1), "other 1\n").status, PushStatus::kOk);
  EXPECT_TRUE(client.erase(group("a", 1)).existed);
  EXPECT_EQ(client.put(group("c", 1), series(2)).status, PushStatus::kOk);
}

TEST_F(Limits, BytesOfAllJobs) {
  Store& store = with({{Limit::kBytes, 1000}});
  Client client(store);
  int pushed = 0;
  while (client.put(group("a", pushed), series(1)).status == PushStatus::kOk) ++pushed;
  EXPECT_GT(pushed, 5);
  const uint64_t bytes = store.stats().text_bytes;
  EXPECT_LE(bytes, 1000u);
  EXPECT_GT(bytes + bytes / static_cast<unsigned>(pushed), 1000u) << "one more did not fit";
  EXPECT_EQ(client.put(group("a", 0), "m{n=\"0\"} 2\n").status, PushStatus::kOk);
  EXPECT_EQ(client.wipe(), static_cast<uint64_t>(pushed));
  EXPECT_EQ(store.stats().text_bytes, 0u);
}

TEST_F(Limits, OfAJobAndNotOfAnother) {
  Client client(with({{Limit::kGroupsPerJob, 2}, {Limit::kSeriesPerJob, 4}}));
  EXPECT_EQ(client.put(group("a", 1), series(2)).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 2), series(3)).limit, Limit::kSeriesPerJob);
  EXPECT_EQ(client.put(group("a", 2), series(2)).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 3), "").limit, Limit::kGroupsPerJob);
  EXPECT_EQ(client.fail(group("a", 3)).limit, Limit::kGroupsPerJob);
  EXPECT_EQ(client.put(group("b", 1), series(4)).status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "a"}, {"zone", "z"}}, "").limit, Limit::kGroupsPerJob) << "another kind of key";
  EXPECT_EQ(client.put(group("a", 1), series(1)).status, PushStatus::kOk);
  EXPECT_EQ(client.post(group("a", 2), "other 1\n").status, PushStatus::kOk);
  EXPECT_TRUE(client.erase(group("a", 1)).existed);
  EXPECT_EQ(client.put({{"job", "a"}, {"zone", "z"}}, "x 1\n").status, PushStatus::kOk);
  // A job that has ended begins anew.
  EXPECT_EQ(client.wipe(), 3u);
  EXPECT_EQ(client.put(group("a", 9), series(4)).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 9), series(5)).limit, Limit::kSeriesPerJob);
}

TEST_F(Limits, BytesOfAGroup) {
  Client client(with({{Limit::kBytesPerGroup, 200}}));
  int families = 0;
  while (client.post(group("a", 1), "m" + std::to_string(families) + " 1\n").status == PushStatus::kOk) ++families;
  EXPECT_GT(families, 1);
  EXPECT_EQ(client.post(group("a", 1), "more 1\n").limit, Limit::kBytesPerGroup);
  EXPECT_EQ(client.post(group("a", 1), "m0 2\n").status, PushStatus::kOk);
  EXPECT_EQ(client.post(group("a", 2), "more 1\n").status, PushStatus::kOk);
  EXPECT_EQ(push(client, group("a", 3), series(99), Pressure::kNone, &limits::kLargest).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 3), series(98)).status, PushStatus::kOk) << "it grows no more";
}

TEST_F(Limits, BytesOfAJob) {
  Store& store = with({{Limit::kBytesPerJob, 500}});
  Client client(store);
  int pushed = 0;
  while (client.put(group("a", pushed), series(1)).status == PushStatus::kOk) ++pushed;
  EXPECT_LE(store.stats().text_bytes, 500u);
  EXPECT_EQ(client.put(group("a", pushed), series(1)).limit, Limit::kBytesPerJob);
  EXPECT_EQ(client.put(group("b", pushed), series(1)).status, PushStatus::kOk);
}

TEST_F(Limits, GroupsThatOnlyEverFailed) {
  Store& store = with({{Limit::kFailedGroups, 2}});
  Client client(store);
  EXPECT_EQ(client.fail(group("a", 1)).status, PushStatus::kOk);
  EXPECT_EQ(client.fail(group("a", 2)).status, PushStatus::kOk);
  EXPECT_EQ(client.fail(group("a", 3)).limit, Limit::kFailedGroups);
  EXPECT_EQ(client.fail(group("a", 2)).status, PushStatus::kOk) << "no new one";
  EXPECT_EQ(store.stats().failed_groups, 2u);
  EXPECT_EQ(client.put(group("a", 3), "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.fail(group("a", 3)).status, PushStatus::kOk) << "it has been pushed to";
  EXPECT_EQ(store.stats().failed_groups, 2u);
  EXPECT_EQ(client.put(group("a", 1), "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.fail(group("a", 4)).status, PushStatus::kOk);
  EXPECT_TRUE(client.erase(group("a", 4)).existed);
  EXPECT_EQ(client.fail(group("a", 5)).status, PushStatus::kOk);
  EXPECT_EQ(store.stats().failed_groups, 2u);
}

TEST_F(Limits, PressureTellsGrowthFromUpdates) {
  Client client(with({}));
  ASSERT_EQ(push(client, group("a", 1), series(4), Pressure::kNone).status, PushStatus::kOk);
  EXPECT_EQ(push(client, group("a", 2), series(1), Pressure::kNoGrowth).limit, Limit::kMemory);
  EXPECT_EQ(push(client, group("a", 1), series(5), Pressure::kNoGrowth).limit, Limit::kMemory);
  EXPECT_EQ(push(client, group("a", 1), series(4, "name_that_is_longer"), Pressure::kNoGrowth).limit, Limit::kMemory);
  std::string longer_numbers = series(4);
  longer_numbers.replace(longer_numbers.size() - 2, 1, "1.5");
  EXPECT_EQ(push(client, group("a", 1), longer_numbers, Pressure::kNoGrowth).status, PushStatus::kOk);
  EXPECT_EQ(push(client, group("a", 1), longer_numbers, Pressure::kShrinkOnly).limit, Limit::kMemory);
  EXPECT_EQ(push(client, group("a", 1), series(3), Pressure::kShrinkOnly).status, PushStatus::kOk);
  EXPECT_EQ(push(client, group("a", 1), series(2), Pressure::kStop).limit, Limit::kMemory);
  const model::GroupKey key = testing::key_of(group("a", 3));
  PushOp op;
  op.start_fail(client.writer(), key, 1, nullptr, Pressure::kNoGrowth);
  testing::finish(op, client.writer());
  EXPECT_EQ(op.result().limit, Limit::kMemory);
  EXPECT_TRUE(client.erase(group("a", 1)).existed);
}

// What was stored once comes back after a restart, whatever the flags say by then.
TEST_F(Limits, ARestoredGroupIsBeyondAllOfThem) {
  Client client(with({{Limit::kGroups, 1},
                      {Limit::kSeries, 1},
                      {Limit::kSeriesPerJob, 1},
                      {Limit::kGroupsPerJob, 1},
                      {Limit::kFamiliesPerGroup, 1},
                      {Limit::kNameSetsPerJob, 1},
                      {Limit::kShapes, 2}}));
  for (int i = 0; i < 5; ++i) {
    const std::string text = series(3) + series(3, "f" + std::to_string(i));
    EXPECT_EQ(push(client, group("a", i), text, Pressure::kNone, &limits::kLargest).status, PushStatus::kOk);
  }
  EXPECT_EQ(push(client, {{"job", "a"}}, "x 1\n", Pressure::kNone, &limits::kLargest).status, PushStatus::kOk);
  EXPECT_EQ(client.put(group("a", 5), "x 1\n").limit, Limit::kGroups);
  EXPECT_EQ(client.put(group("a", 1), series(2)).status, PushStatus::kOk) << "it shrinks";
  EXPECT_EQ(client.post(group("a", 1), series(3)).limit, Limit::kSeries);
}

// Two writers push to and delete groups of one job, which never has more than its limit; in the end what is counted is
// what is there.
TEST_F(Limits, ThreadsNeverGoBeyondAJobsLimit) {
  constexpr int kMost = 20;
  constexpr int kGroups = 6;
  Store& store = with({{Limit::kSeriesPerJob, kMost}}, 3);
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      Client client(store);
      std::mt19937 dice(20261127 + thread);
      for (int round = 0; round < 3000; ++round) {
        const Labels labels = group("a", static_cast<int>(dice() % kGroups));
        if (dice() % 4 == 0) {
          static_cast<void>(client.erase(labels));
        } else {
          const auto result = client.push(labels, series(static_cast<int>(dice() % 8)), dice() % 2 == 0);
          if (result.limit) refused.fetch_add(1);
        }
        client.writer().quiescent();
      }
      client.writer().offline();
    });
  }
  std::thread reader([&] {
    Client client(store);
    while (!stop.load()) {
      const SnapshotRef snapshot = client.snapshot();
      uint64_t stored = 0;
      for (const Snapshot::Bucket& bucket : snapshot->buckets()) {
        for (const Snapshot::Chunk& chunk : bucket.chunks) {
          for (const model::Version* version : chunk) stored += version->series();
        }
      }
      EXPECT_LE(stored, static_cast<uint64_t>(kMost));
    }
    client.writer().offline();
  });
  for (std::thread& thread : threads) thread.join();
  stop.store(true);
  reader.join();
  EXPECT_GT(refused.load(), 0);
  Client client(store);
  for (int i = 1; i < kGroups; ++i) static_cast<void>(client.erase(group("a", i)));
  EXPECT_EQ(client.put(group("a", 0), series(1)).status, PushStatus::kOk);  // the job lives on
  EXPECT_EQ(client.put(group("a", 1), series(kMost)).limit, Limit::kSeriesPerJob);
  EXPECT_EQ(client.put(group("a", 1), series(kMost - 1)).status, PushStatus::kOk);
}

}  // namespace
}  // namespace sluice::store
