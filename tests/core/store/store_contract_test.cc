// One test for each sentence of the contract in architecture.md that does not need the network. What several threads do
// to it is in store_stress.cc, every interleaving of small cases in store_schedule.cc.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/limits.h"
#include "core/store/store.h"
#include "tests/core/store/naive_store.h"
#include "tests/core/store/testing.h"

namespace sluice::store {

using limits::Limit;

namespace {

using testing::Client;
using testing::Contents;
using testing::Labels;
using testing::NaiveStore;
using testing::Pushed;

Options options_for(unsigned writers) {
  Options options;
  options.writers_max = writers;
  return options;
}

Labels group(int i) { return {{"job", "t"}, {"instance", std::to_string(i)}}; }
std::string label_text(int i) { return "instance=\"" + std::to_string(i) + "\",job=\"t\""; }

std::string ten_families(int number) {
  std::string body;
  for (int i = 0; i < 10; ++i) body += "family_" + std::to_string(i) + " " + std::to_string(number) + "\n";
  return body;
}

// A walk that has begun and is not done: its first slice has no time.
void begin_walk(SnapshotRequest& request, Client& client) {
  request.start(client.writer());
  ASSERT_EQ(request.step(Deadline{1}), StepResult::kAgain);
}

TEST(Contract, A200IsVisibleToEveryScrapeThatStartsAfterIt) {
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(pusher.put(group(i % 7), "a " + std::to_string(i) + "\n").status, PushStatus::kOk);
    const Contents contents = scraper.contents();
    ASSERT_EQ(testing::sample_of(contents, label_text(i % 7), "a"), std::to_string(i));
    if (i % 5 == 4) {
      EXPECT_TRUE(pusher.erase(group(i % 7)).existed);
      ASSERT_FALSE(scraper.contents().contains(label_text(i % 7)));
    }
  }
}

TEST(Contract, A200IsVisibleToASharedSnapshotToo) {
  // All places are taken; the request that waits gets a snapshot that begins after it came.
  Store store(options_for(1));
  Client client(store);
  std::vector<SnapshotRef> held;
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) {
    client.put(group(2), "a 1\n");  // unchanged, they would be one
    held.push_back(client.snapshot());
  }
  client.put(group(2), "a 1\n");
  SnapshotRequest first;
  first.start(client.writer());
  EXPECT_EQ(first.step(Deadline::never()), StepResult::kParked);
  client.put(group(1), "a 1\n");
  SnapshotRequest second;
  second.start(client.writer());
  EXPECT_EQ(second.step(Deadline::never()), StepResult::kParked);
  held.pop_back();
  testing::finish(first, client.writer());
  testing::finish(second, client.writer());
  const SnapshotRef a = first.take();
  const SnapshotRef b = second.take();
  EXPECT_EQ(a->sequence(), b->sequence());  // shared
  EXPECT_EQ(b->groups(), 2u);
}

TEST(Contract, ASnapshotIsSharedAsLongAsNothingChanges) {
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  for (int i = 0; i < 300; ++i) pusher.put(group(i), "a 1\n");
  const SnapshotRef first = scraper.snapshot();
  EXPECT_EQ(store.settled_mutations(), first->mutations());
  for (Client* client : {&pusher, &scraper}) {
    SnapshotRequest request;
    request.start(client->writer());
    ASSERT_EQ(request.step(Deadline{1}), StepResult::kDone);  // without a walk
    EXPECT_EQ(request.take()->sequence(), first->sequence());
  }
  // A change that leaves no trace in the contents counts as well.
  pusher.put(group(1), "a 1\n");
  EXPECT_NE(store.settled_mutations(), first->mutations());
  EXPECT_NE(scraper.snapshot()->sequence(), first->sequence());
}

TEST(Contract, AWalkIsWaitedForAsLongAsNothingChanges) {
  for (const bool changes : {false, true}) {
    Store store(options_for(3));
    Client pusher(store);
    Client walker(store);
    Client scraper(store);
    for (int i = 0; i < 300; ++i) pusher.put(group(i), "a 1\n");
    SnapshotRequest walking;
    begin_walk(walking, walker);
    SnapshotRequest waiting;
    waiting.start(scraper.writer());
    EXPECT_EQ(waiting.step(Deadline{1}), StepResult::kParked);
    EXPECT_EQ(waiting.step(Deadline{1}), StepResult::kParked);
    if (changes) {
      pusher.put(group(300), "a 1\n");
      EXPECT_EQ(waiting.step(Deadline{1}), StepResult::kAgain);  // walks itself
    }
    testing::finish(walking, walker.writer());
    testing::finish(waiting, scraper.writer());
    const SnapshotRef a = walking.take();
    const SnapshotRef b = waiting.take();
    EXPECT_EQ(a->sequence() == b->sequence(), !changes);
    EXPECT_EQ(b->groups(), changes ? 301u : 300u);
  }
}

TEST(Contract, AWalkThatIsGivenUpIsNotWaitedFor) {
  Store store(options_for(2));
  Client walker(store);
  Client scraper(store);
  for (int i = 0; i < 300; ++i) walker.put(group(i), "a 1\n");
  SnapshotRequest walking;
  begin_walk(walking, walker);
  SnapshotRequest waiting;
  waiting.start(scraper.writer());
  EXPECT_EQ(waiting.step(Deadline{1}), StepResult::kParked);
  walking.cancel();
  testing::finish(waiting, scraper.writer());
  EXPECT_EQ(waiting.take()->groups(), 300u);
}

TEST(Contract, AGroupAppearsInExactlyOneVersion) {
  // Ten families of every group carry the number of their push. Between any two slices of a walk all groups are pushed.
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  constexpr int kGroups = 300;
  for (int i = 0; i < kGroups; ++i) pusher.put(group(i), ten_families(0));
  int number = 0;
  SnapshotRequest request;
  begin_walk(request, scraper);
  while (request.step(Deadline{1}) != StepResult::kDone) {
    scraper.writer().quiescent();
    ++number;
    for (int i = 0; i < kGroups; i += 10) pusher.put(group((i + number) % kGroups), ten_families(number));
  }
  EXPECT_GT(number, 10);
  const SnapshotRef snapshot = request.take();
  const Contents contents = testing::contents_of(*snapshot);  // checks that each group is there once
  ASSERT_EQ(contents.size(), size_t{kGroups});
  for (const auto& [labels, content] : contents) {
    const std::string first = testing::sample_of(contents, labels, "family_0");
    for (int i = 1; i < 10; ++i) {
      ASSERT_EQ(testing::sample_of(contents, labels, "family_" + std::to_string(i)), first) << labels;
    }
    // The state at the stamp: what came after the walk began is not shown.
    EXPECT_EQ(first, "0");
  }
}

TEST(Contract, NoPushMakesAScrapeInconsistent) {
  // Between the slices of a walk a name changes its type and a series moves from group to group: what the walk has seen
  // before and what it sees afterwards would not fit together.
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  const NaiveStore model({});
  // A change of type waits until every worker has passed a quiescent point, the scraper too.
  const auto put = [&](const Labels& labels, const std::string& body) {
    const Pushed pushed(labels, body);
    PushOp op;
    op.start(pusher.writer(), pushed.request(true, 1));
    testing::finish(op, pusher.writer(), [&] { scraper.writer().quiescent(); });
    ASSERT_EQ(op.result().status, PushStatus::kOk);
  };
  for (int round = 0; round < 20; ++round) {
    pusher.wipe();
    for (int i = 0; i < 60; ++i) put(group(i), "x{zone=\"z\"} 1\n");
    SnapshotRequest request;
    begin_walk(request, scraper);
    int slices = 0;
    while (request.step(Deadline{1}) != StepResult::kDone) {
      scraper.writer().quiescent();
      if (++slices != 10 + round * 5) continue;
      for (int i = 0; i < 60; ++i) pusher.erase(group(i));
      for (int i = 0; i < 60; ++i) {
        const std::string instance = "{instance=\"" + std::to_string(i) + "\"}";
        put({{"job", "t"}, {"zone", "z"}, {"n", std::to_string(i)}},
            i % 2 == 0 ? "# TYPE x counter\nx" + instance + " 2\n" : "# TYPE x counter\nx 2\n");
      }
    }
    EXPECT_GT(slices, 10 + round * 5);
    const SnapshotRef snapshot = request.take();
    EXPECT_TRUE(model.consistent(testing::groups_of(*snapshot)));
  }
}

TEST(Contract, WritersNeverWaitForScrapes) {
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  for (int i = 0; i < 100; ++i) pusher.put(group(i), ten_families(0));
  std::vector<SnapshotRef> held;
  for (uint32_t i = 0; i + 1 < limits::kSnapshotsMax; ++i) {
    held.push_back(scraper.snapshot());
    pusher.put(group(0), ten_families(0));
  }
  SnapshotRequest walking;
  begin_walk(walking, scraper);
  const uint64_t parks = store.stats().parks;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(pusher.put(group(i % 100), ten_families(i)).status, PushStatus::kOk);
    if (i % 3 == 0) pusher.erase(group(i % 100));
  }
  EXPECT_EQ(store.stats().parks, parks);  // none of them ever parked
}

TEST(Contract, ScrapesNeverWaitForWriters) {
  Store store(options_for(3));
  Client first(store);
  Client second(store);
  Client scraper(store);
  first.put(group(1), "# TYPE x gauge\nx 1\n");
  first.put(group(2), "# TYPE y gauge\ny 1\n");
  // A job's second set of label names waits until every worker has passed a quiescent point.
  second.writer().offline();
  scraper.writer().offline();
  first.put({{"job", "t"}}, "w 1\n");
  second.writer().online();
  scraper.writer().online();
  // One push holds the registry's lock, contesting a shape; another is stopped in the middle. Neither is ever stepped
  // on.
  const Pushed contesting(group(1), "# TYPE x counter\nx 1\n");
  PushOp op;
  op.start(first.writer(), contesting.request(true, 1));
  ASSERT_EQ(op.step(Deadline::never()), StepResult::kParked);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "many_" + std::to_string(i) + " 1\n";
  const Pushed big(group(2), many);
  PushOp stopped;
  stopped.start(second.writer(), big.request(false, 1));
  ASSERT_EQ(stopped.step(Deadline{1}), StepResult::kAgain);
  SnapshotRequest request;
  request.start(scraper.writer());
  StepResult result = StepResult::kAgain;
  while ((result = request.step(Deadline::in_ns(50'000))) == StepResult::kAgain) scraper.writer().quiescent();
  EXPECT_EQ(result, StepResult::kDone);
  const SnapshotRef snapshot = request.take();
  EXPECT_EQ(snapshot->groups(), 3u);
}

TEST(Contract, ASlowReaderKeepsTheStateOfItsStartAtOneVersionAGroup) {
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  constexpr int kGroups = 100;
  for (int i = 0; i < kGroups; ++i) pusher.put(group(i), ten_families(0));
  pusher.settle();
  scraper.settle();
  const uint64_t bytes_before = store.stats().bytes;
  SnapshotRef snapshot = scraper.snapshot();
  const Contents at_start = testing::contents_of(*snapshot);
  for (int round = 1; round <= 100; ++round) {
    for (int i = 0; i < kGroups; ++i) pusher.put(group(i), ten_families(round));
    scraper.writer().quiescent();
  }
  for (int i = 0; i < 10; ++i) {
    pusher.settle();
    scraper.settle();
  }
  const Stats stats = store.stats();
  EXPECT_LE(stats.versions_pinned, uint64_t{kGroups});
  // One version a group beside the current ones, and 5 % for longer numbers.
  EXPECT_LE(stats.bytes, 2 * bytes_before + bytes_before / 20);
  Contents now = testing::contents_of(*snapshot);
  ASSERT_EQ(now.size(), at_start.size());
  for (const auto& [labels, content] : at_start) {
    EXPECT_EQ(now.at(labels).families, content.families);
    EXPECT_EQ(now.at(labels).stamp, content.stamp);
  }
  snapshot.release();
  for (int i = 0; i < 10; ++i) {
    scraper.settle();
    pusher.settle();
  }
  EXPECT_EQ(store.stats().versions_pinned, 0u);
  EXPECT_LE(store.stats().bytes, bytes_before + bytes_before / 20);
}

TEST(Contract, AHeldSnapshotSurvivesDeletion) {
  Store store(options_for(2));
  Client pusher(store);
  Client scraper(store);
  for (int i = 0; i < 50; ++i) pusher.put(group(i), ten_families(i));
  const SnapshotRef snapshot = scraper.snapshot();
  const Contents before = testing::contents_of(*snapshot);
  EXPECT_EQ(pusher.wipe(), 50u);
  // The change of type waits until the scraper has passed a quiescent point.
  scraper.writer().offline();
  pusher.put(group(1), "# TYPE family_1 counter\nfamily_1 1\n");
  scraper.writer().online();
  for (int i = 0; i < 10; ++i) {
    pusher.settle();
    scraper.settle();
  }
  EXPECT_EQ(testing::contents_of(*snapshot).size(), 50u);
  EXPECT_EQ(testing::contents_of(*snapshot).at(label_text(49)).families, before.at(label_text(49)).families);
}

TEST(Contract, TheOrderIsStableWhileNothingChanges) {
  Store store(options_for(1));
  Client client(store);
  for (int i = 0; i < 500; ++i) client.put(group(i), i % 2 == 0 ? "a 1\n" : "b 1\n");
  const auto order_of = [](const Snapshot& snapshot) {
    std::vector<std::string> order;
    for (const Snapshot::Bucket& bucket : snapshot.buckets()) {
      for (const Snapshot::Chunk& chunk : bucket.chunks) {
        for (const model::Version* version : chunk) order.emplace_back(version->label_text());
      }
    }
    return order;
  };
  const SnapshotRef a = client.snapshot();
  client.put(group(1), "b 2\n");
  const SnapshotRef b = client.snapshot();
  EXPECT_NE(a->mutations(), b->mutations());
  ASSERT_EQ(a->buckets().size(), 2u);
  for (size_t i = 0; i < 2; ++i) ASSERT_EQ(a->buckets()[i].shape, b->buckets()[i].shape);
  EXPECT_EQ(order_of(*a), order_of(*b));
}

TEST(Contract, LimitsRefuseGrowthOnly) {
  Options options = options_for(1);
  options.limits.set(Limit::kGroups, 2);
  options.limits.set(Limit::kFamiliesPerGroup, 3);
  options.limits.set(Limit::kNameSetsPerJob, 2);
  Store store(options);
  Client client(store);
  EXPECT_EQ(client.put(group(1), "a 1\nb 1\nc 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.post(group(1), "d 1\n").limit, Limit::kFamiliesPerGroup);
  EXPECT_EQ(client.put(group(1), "a 2\nb 2\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "t"}, {"zone", "z"}}, "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(group(2), "a 1\n").limit, Limit::kGroups);
  EXPECT_EQ(client.fail(group(2)).limit, Limit::kGroups);
  EXPECT_EQ(client.put(group(1), "a 3\n").status, PushStatus::kOk);
  EXPECT_TRUE(client.erase(group(1)).existed);
  EXPECT_EQ(client.put({{"job", "t"}, {"path", "p"}}, "x 1\n").status, PushStatus::kOk);
  EXPECT_TRUE(client.erase({{"job", "t"}, {"zone", "z"}}).existed);
  EXPECT_EQ(client.put({{"job", "t"}, {"third", "3"}}, "y 1\n").status, PushStatus::kOk);  // the unused set is gone
  EXPECT_EQ(store.stats().limit_hits, 3u);
}

TEST(Contract, TheNumberOfNameSetsOfAJobIsLimited) {
  Options options = options_for(1);
  options.limits.set(Limit::kNameSetsPerJob, 2);
  Store store(options);
  Client client(store);
  EXPECT_EQ(client.put({{"job", "t"}, {"one", "1"}}, "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "t"}, {"two", "1"}}, "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "t"}, {"three", "1"}}, "x 1\n").limit, Limit::kNameSetsPerJob);
  EXPECT_EQ(client.put({{"job", "t"}, {"two", "2"}}, "x 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "u"}, {"three", "1"}}, "x 1\n").status, PushStatus::kOk);
}

TEST(Contract, ShapesAndNamesAreLimitedAndShrinkingPasses) {
  Options options = options_for(1);
  options.limits.set(Limit::kShapes, 4);
  options.limits.set(Limit::kFamilyNames, 8);  // the two push times among them
  Store store(options);
  Client client(store);
  EXPECT_EQ(client.put(group(1), "a 1\nb 1\nc 1\nd 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(group(2), "e 1\nf 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(group(3), "g 1\n").limit, Limit::kFamilyNames);
  EXPECT_EQ(client.put(group(3), "a 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(group(4), "a 1\nb 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(group(5), "b 1\n").limit, Limit::kShapes);
  EXPECT_EQ(client.put(group(1), "a 1\nb 1\nc 1\n").status, PushStatus::kOk);  // shrinks
  // Unused shapes and names do not count.
  EXPECT_TRUE(client.erase(group(2)).existed);
  EXPECT_EQ(client.put(group(5), "g 1\n").status, PushStatus::kOk);
}

}  // namespace
}  // namespace sluice::store
