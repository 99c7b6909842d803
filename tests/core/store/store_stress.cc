// Real threads on one store, checking themselves; clean under ThreadSanitizer and AddressSanitizer.
//
// SLUICE_STRESS_ROUNDS multiplies the work. What must have happened is asserted on counters, not on time.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/history.h"
#include "tests/core/store/naive_store.h"
#include "tests/core/store/random_push.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Contents;
using testing::HistoryOp;
using testing::Labels;
using testing::NaiveStore;
using testing::Pushed;
using testing::RandomPush;

int factor() {
  const char* text = std::getenv("SLUICE_STRESS_ROUNDS");
  return text != nullptr ? std::max(1, std::atoi(text)) : 1;
}

Options options_for(unsigned writers) {
  Options options;
  options.writers_max = writers;
  options.own_families = RandomPush::own_families();
  return options;
}

// Steps with almost no time and gives the processor away in between, so that operations overlap on any machine.
template <typename Op>
void overlap(Op& op, Writer& writer) {
  while (op.step(Deadline{1}) != StepResult::kDone) {
    writer.quiescent();
    std::this_thread::yield();
  }
  writer.quiescent();
}

// ---- Ten families of a group carry one push number -----------------------------------------------------------------

std::string ten_families(int number) {
  std::string body;
  for (int i = 0; i < 10; ++i) body += "family_" + std::to_string(i) + " " + std::to_string(number) + "\n";
  return body;
}

// Enough families that one step does not do it: pushes of the same group void each other's work.
std::string many_families(int number) {
  std::string body = ten_families(number);
  for (int i = 0; i < 150; ++i) body += "filler_" + std::to_string(i) + " 1\n";
  return body;
}

TEST(StoreStress, NoScrapeMixesTwoPushes) {
  constexpr unsigned kPushers = 3;
  constexpr int kGroups = 8;
  constexpr uint64_t kScrapesWanted = 10;
  const int pushes = 1500 * factor();
  Store store(options_for(kPushers + 2));
  std::atomic<unsigned> running{kPushers};
  std::atomic<uint64_t> scrapes{0};
  std::atomic<int> numbers{0};
  // How much overlaps is the machine's choice: the pushes go on until enough has, or for a minute at most.
  const Deadline patience = Deadline::in_ns(60'000'000'000);
  const uint64_t restarts_wanted = 100u * static_cast<unsigned>(factor());
  const auto enough = [&] { return scrapes.load() > kScrapesWanted && store.stats().restarts > restarts_wanted; };
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < kPushers; ++t) {
    threads.emplace_back([&, t] {
      Client client(store);
      RandomPush random(t + 1);
      for (int i = 0; i < pushes || (!enough() && !patience.passed()); ++i) {
        const Labels labels = {{"job", "t"}, {"instance", std::to_string(random.below(kGroups))}};
        if (random.below(20) == 0) {
          static_cast<void>(erase_group(client.writer(), testing::key_of(labels)));
          continue;
        }
        const int number = numbers.fetch_add(1) + 1;
        const Pushed pushed(labels, random.below(4) == 0 ? many_families(number) : ten_families(number));
        PushOp op;
        op.start(client.writer(), pushed.request(random.below(2) == 0, number));
        overlap(op, client.writer());
        ASSERT_EQ(op.result().status, PushStatus::kOk);
      }
      running.fetch_sub(1);
    });
  }
  for (int s = 0; s < 2; ++s) {
    threads.emplace_back([&] {
      Client client(store);
      while (running.load() != 0) {
        SnapshotRequest request;
        request.start(client.writer());
        overlap(request, client.writer());
        const SnapshotRef snapshot = request.take();
        const Contents contents = testing::contents_of(*snapshot);
        for (const auto& [labels, group] : contents) {
          const std::string first = testing::sample_of(contents, labels, "family_0");
          ASSERT_FALSE(first.empty());
          ASSERT_EQ(group.push_time_ns, std::stoll(first));
          for (int i = 1; i < 10; ++i) {
            ASSERT_EQ(testing::sample_of(contents, labels, "family_" + std::to_string(i)), first);
          }
        }
        scrapes.fetch_add(1);
      }
    });
  }
  threads.clear();
  const Stats stats = store.stats();
  std::printf("scrapes %llu, restarts %llu, compare-and-swap failures %llu, parks %llu\n",
              static_cast<unsigned long long>(scrapes.load()), static_cast<unsigned long long>(stats.restarts),
              static_cast<unsigned long long>(stats.cas_failures), static_cast<unsigned long long>(stats.parks));
  EXPECT_GT(scrapes.load(), kScrapesWanted);
  EXPECT_GT(stats.restarts, restarts_wanted);
  Client client(store);
  client.wipe();
  for (int i = 0; i < 20; ++i) client.settle();
  EXPECT_EQ(store.stats().groups, 0u);
  EXPECT_EQ(store.stats().bytes, 0u);
  EXPECT_EQ(store.stats().versions_retired, 0u);
}

// ---- Histories of conflicting operations ---------------------------------------------------------------------------

class Rounds {
 public:
  static constexpr unsigned kThreads = 3;
  static constexpr int kOpsEach = 3;

  explicit Rounds(int rounds) : rounds_(rounds), store_(options_for(kThreads + 1)), barrier_(kThreads + 1) {}

  void run() {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back([this, t] { work(t); });
    Client client(store_);
    RandomPush random(99);
    NaiveStore::Groups before;
    for (int round = 0; round < rounds_; ++round) {
      plan(random);
      client.writer().offline();
      barrier_.arrive_and_wait();
      barrier_.arrive_and_wait();
      client.writer().online();
      const SnapshotRef snapshot = client.snapshot();
      NaiveStore::Groups after = testing::groups_of(*snapshot);
      if (!::testing::Test::HasFailure()) check(round, before, after);
      before = std::move(after);
    }
  }

  [[nodiscard]] Stats stats() const { return store_.stats(); }

 private:
  void plan(RandomPush& random) {
    bodies_.clear();
    for (auto& ops : plans_) {
      ops.clear();
      for (int i = 0; i < kOpsEach; ++i) {
        HistoryOp& op = ops.emplace_back();
        const uint64_t what = random.below(10);
        if (what < 7) {
          const Pushed& pushed = *bodies_.emplace_back(std::make_unique<Pushed>(random.labels(), random.body()));
          op.kind = pushed.conflict ? HistoryOp::Kind::kFail : HistoryOp::Kind::kPush;
          op.pushed = &pushed;
          op.key = pushed.key;
          op.replace = what < 4;
          op.wall_ns = ++wall_ns_;
        } else if (what < 9) {
          op.kind = HistoryOp::Kind::kErase;
          op.key = testing::key_of(random.labels());
        } else {
          op.kind = HistoryOp::Kind::kRead;
        }
      }
    }
  }

  void work(unsigned thread) {
    Client client(store_);
    for (int round = 0; round < rounds_; ++round) {
      client.writer().offline();
      barrier_.arrive_and_wait();
      client.writer().online();
      for (HistoryOp& op : plans_[thread]) execute(client.writer(), op);
      client.writer().offline();
      barrier_.arrive_and_wait();
      client.writer().online();
    }
  }

  void execute(Writer& writer, HistoryOp& op) {
    op.begin = clock_.fetch_add(1);
    switch (op.kind) {
      case HistoryOp::Kind::kPush: {
        PushOp push;
        push.start(writer, op.pushed->request(op.replace, op.wall_ns));
        overlap(push, writer);
        op.done = push.result().status == PushStatus::kOk;
        break;
      }
      case HistoryOp::Kind::kFail: {
        PushOp push;
        push.start_fail(writer, op.key, op.wall_ns);
        overlap(push, writer);
        break;
      }
      case HistoryOp::Kind::kErase:
        op.done = erase_group(writer, op.key).existed;
        break;
      case HistoryOp::Kind::kRead: {
        SnapshotRequest request;
        request.start(writer);
        overlap(request, writer);
        const SnapshotRef snapshot = request.take();
        op.read = testing::groups_of(*snapshot);
        break;
      }
    }
    op.end = clock_.fetch_add(1);
  }

  void check(int round, const NaiveStore::Groups& before, const NaiveStore::Groups& after) {
    SCOPED_TRACE("round " + std::to_string(round));
    const NaiveStore model(RandomPush::own_families());
    EXPECT_TRUE(model.consistent(after));
    std::vector<HistoryOp> all;
    for (const auto& ops : plans_) {
      for (const HistoryOp& op : ops) {
        all.push_back(op);
        if (op.kind != HistoryOp::Kind::kRead) continue;
        EXPECT_TRUE(model.consistent(op.read));
      }
    }
    EXPECT_TRUE(testing::serial_order_exists(all, before, after));
    EXPECT_EQ(testing::first_group_not_linearizable(all, before), "");
  }

  const int rounds_;
  Store store_;
  std::barrier<> barrier_;
  std::atomic<uint64_t> clock_{0};
  // Written between the barriers by run(), each plan by its thread within a round.
  std::vector<HistoryOp> plans_[kThreads];
  std::vector<std::unique_ptr<Pushed>> bodies_;
  int64_t wall_ns_ = 0;
};

TEST(StoreStress, EveryRoundHasASerialOrder) {
  Rounds rounds(300 * factor());
  rounds.run();
  const Stats stats = rounds.stats();
  std::printf("conflicts %llu, restarts %llu, parks %llu\n", static_cast<unsigned long long>(stats.conflicts),
              static_cast<unsigned long long>(stats.restarts), static_cast<unsigned long long>(stats.parks));
  EXPECT_GT(stats.conflicts, 50u);
  EXPECT_GT(stats.parks, 50u);
}

}  // namespace
}  // namespace sluice::store
