// Seeded schedules of the whole store: core/store is compiled here once more, over the scheduler's atomics with delayed
// stores, and conflicting operations run as fibers.
//
// Shown for every interleaving that is tried: some serial order that respects real time gives the same verdicts and the
// same final state (so no push that fails is seen in anybody's verdict); each group by itself is linearizable, scrapes
// included; no snapshot shows a conflict.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/model/label_text.h"
#include "core/store/store.h"
#include "tests/core/store/history.h"
#include "tests/core/store/naive_store.h"
#include "tests/core/store/random_push.h"
#include "tests/core/store/testing.h"
#include "tests/core/sync/schedule.h"

namespace sluice::store {
namespace {

using sync::testing::for_each_seed;
using sync::testing::Schedule;
using testing::Client;
using testing::HistoryOp;
using testing::Labels;
using testing::NaiveStore;
using testing::Pushed;
using testing::RandomPush;

// What one fiber does, prepared before the run.
struct Plan {
  std::vector<HistoryOp> ops;
};

class World {
 public:
  explicit World(unsigned fibers) : store_(options(fibers)), plans_(fibers) {}

  void prepare(HistoryOp op) {
    Client client(store_);
    uint64_t clock = 0;
    execute(client, op, clock);
    const SnapshotRef snapshot = client.snapshot();
    before_ = testing::groups_of(*snapshot);
  }
  void plan(unsigned fiber, HistoryOp op) { plans_[fiber].ops.push_back(std::move(op)); }

  HistoryOp push(const Labels& labels, const std::string& text, bool replace) {
    const Pushed& pushed = *bodies_.emplace_back(std::make_unique<Pushed>(labels, text));
    HistoryOp op;
    op.kind = pushed.conflict ? HistoryOp::Kind::kFail : HistoryOp::Kind::kPush;
    op.pushed = &pushed;
    op.replace = replace;
    op.wall_ns = ++wall_ns_;
    op.key = pushed.key;
    return op;
  }
  static HistoryOp erase(const Labels& labels) {
    HistoryOp op;
    op.kind = HistoryOp::Kind::kErase;
    op.key = testing::key_of(labels);
    return op;
  }
  static HistoryOp read() {
    HistoryOp op;
    op.kind = HistoryOp::Kind::kRead;
    return op;
  }

  // Runs all plans under the schedule and checks everything.
  void run(uint64_t seed) {
    uint64_t clock = 0;
    {
      Schedule schedule(seed);
      for (Plan& plan : plans_) {
        schedule.spawn([&] {
          Client client(store_);
          for (HistoryOp& op : plan.ops) execute(client, op, clock);
        });
      }
      ASSERT_TRUE(schedule.run());
      failed_exchanges_ += schedule.failed_exchanges();
    }
    Client client(store_);
    client.settle();
    check(client);
  }

  [[nodiscard]] Stats stats() const { return store_.stats(); }
  [[nodiscard]] const std::vector<Plan>& plans() const { return plans_; }

 private:
  static Options options(unsigned fibers) {
    Options options;
    options.writers_max = fibers + 1;
    options.own_families = RandomPush::own_families();
    return options;
  }

  static void execute(Client& client, HistoryOp& op, uint64_t& clock) {
    op.begin = ++clock;
    switch (op.kind) {
      case HistoryOp::Kind::kPush: {
        PushOp push;
        push.start(client.writer(), op.pushed->request(op.replace, op.wall_ns));
        testing::finish(push, client.writer());
        op.done = push.result().status == PushStatus::kOk;
        op.stamp = op.done ? push.result().stamp : 0;
        break;
      }
      case HistoryOp::Kind::kFail: {
        PushOp push;
        push.start_fail(client.writer(), op.key, op.wall_ns);
        testing::finish(push, client.writer());
        op.stamp = push.result().stamp;
        break;
      }
      case HistoryOp::Kind::kErase: {
        const EraseResult erased = erase_group(client.writer(), op.key);
        op.done = erased.existed;
        op.stamp = op.done ? erased.stamp : 0;
        break;
      }
      case HistoryOp::Kind::kRead: {
        const SnapshotRef snapshot = client.snapshot();
        op.read = testing::groups_of(*snapshot);
        break;
      }
    }
    op.end = ++clock;
    client.writer().quiescent();
  }

  void check(Client& client) {
    NaiveStore::Groups after;
    testing::Contents contents;
    {
      const SnapshotRef snapshot = client.snapshot();
      after = testing::groups_of(*snapshot);
      contents = testing::contents_of(*snapshot);
    }
    const NaiveStore model(RandomPush::own_families());
    EXPECT_TRUE(model.consistent(after));
    std::vector<HistoryOp> all;
    for (const Plan& plan : plans_) {
      for (const HistoryOp& op : plan.ops) {
        all.push_back(op);
        if (op.kind != HistoryOp::Kind::kRead) continue;
        EXPECT_TRUE(model.consistent(op.read)) << "a snapshot with a conflict";
      }
    }
    check_stamps(all, contents);
    EXPECT_TRUE(testing::serial_order_exists(all, before_, after));
    EXPECT_EQ(testing::first_group_not_linearizable(all, before_), "");
    for (const auto& [label, group] : after) {
      SCOPED_TRACE(label);
      for (const auto& [name, family] : group.families) EXPECT_FALSE(family.series.empty()) << name;
    }
  }

  // The newest stamp of a group's mutations says what has become of it: that is how a log is read.
  static void check_stamps(const std::vector<HistoryOp>& all, const testing::Contents& contents) {
    std::map<std::string, const HistoryOp*> newest;
    std::set<uint64_t> stamps;
    for (const HistoryOp& op : all) {
      if (op.stamp == 0) continue;
      EXPECT_TRUE(stamps.insert(op.stamp).second) << op.stamp;
      std::string label;
      model::append_label_text(label, op.key);
      const HistoryOp*& last = newest[label];
      if (last == nullptr || last->stamp < op.stamp) last = &op;
    }
    for (const auto& [label, op] : newest) {
      const auto group = contents.find(label);
      if (op->kind == HistoryOp::Kind::kErase) {
        EXPECT_EQ(group, contents.end()) << label;
      } else {
        ASSERT_NE(group, contents.end()) << label;
        EXPECT_EQ(group->second.stamp, op->stamp) << label;
      }
    }
  }

  Store store_;
  std::vector<Plan> plans_;
  std::vector<std::unique_ptr<Pushed>> bodies_;
  NaiveStore::Groups before_;
  int64_t wall_ns_ = 0;
  uint64_t failed_exchanges_ = 0;
};

const Labels kT = {{"job", "t"}};
const Labels kA = {{"job", "t"}, {"instance", "a"}};
const Labels kB = {{"job", "t"}, {"instance", "b"}};

TEST(StoreSchedule, TwoTypesForOneName) {
  for_each_seed(300, [](uint64_t seed) {
    World world(2);
    world.plan(0, world.push(kA, "# TYPE x gauge\nx 1\n", true));
    world.plan(1, world.push(kB, "# TYPE x counter\nx 1\n", true));
    world.run(seed);
  });
}

TEST(StoreSchedule, ATypeChangesWhileAnotherGroupComesAndGoes) {
  for_each_seed(300, [](uint64_t seed) {
    World world(3);
    world.prepare(world.push(kA, "# TYPE x gauge\nx 1\n", true));
    world.plan(0, world.push(kA, "# TYPE x counter\nx 1\n", true));
    world.plan(0, world.push(kA, "# TYPE x gauge\nx 2\n", false));
    world.plan(1, world.push(kB, "# TYPE x gauge\nx 1\n", true));
    world.plan(1, World::erase(kB));
    world.plan(2, World::read());
    world.plan(2, World::read());
    world.run(seed);
  });
}

TEST(StoreSchedule, ADoomedPushHarmsNobody) {
  // Fiber 0's push always fails: y collides with the other group's. So fiber 1's must succeed if nothing else is wrong.
  for_each_seed(300, [](uint64_t seed) {
    World world(2);
    world.prepare(world.push(kA, "# TYPE y gauge\ny 1\n", true));
    world.plan(0, world.push(kB, "# TYPE x gauge\nx 1\n# TYPE y counter\ny 1\n", true));
    world.plan(1, world.push({{"job", "u"}}, "# TYPE x counter\nx 1\n", true));
    world.run(seed);
    EXPECT_FALSE(world.plans()[0].ops[0].done);
    EXPECT_TRUE(world.plans()[1].ops[0].done);
  });
}

TEST(StoreSchedule, ADoomedDuplicateHarmsNobody) {
  // The same with a push that fails by a duplicate after its shape was registered.
  for_each_seed(300, [](uint64_t seed) {
    World world(2);
    world.prepare(world.push(kA, "y 1\n", true));
    world.plan(0, world.push(kT, "# TYPE x gauge\nx 1\ny{instance=\"a\"} 1\n", true));
    world.plan(1, world.push({{"job", "u"}}, "# TYPE x counter\nx 1\n", true));
    world.run(seed);
    EXPECT_FALSE(world.plans()[0].ops[0].done);
    EXPECT_TRUE(world.plans()[1].ops[0].done);
  });
}

TEST(StoreSchedule, DuplicatesOfTwoNewNameSets) {
  uint64_t both_orders[2] = {};
  for_each_seed(300, [&](uint64_t seed) {
    World world(3);
    world.plan(0, world.push(kT, "x{instance=\"a\"} 1\n", true));
    world.plan(1, world.push(kA, "x 1\n", true));
    world.plan(2, World::read());
    world.run(seed);
    const bool first = world.plans()[0].ops[0].done;
    EXPECT_NE(first, world.plans()[1].ops[0].done);
    ++both_orders[first ? 1 : 0];
  });
  EXPECT_GT(both_orders[0], 0u);
  EXPECT_GT(both_orders[1], 0u);
}

TEST(StoreSchedule, DuplicatesThatMoveBetweenGroups) {
  for_each_seed(300, [](uint64_t seed) {
    World world(3);
    world.prepare(world.push(kA, "x 1\n", true));
    world.plan(0, World::erase(kA));
    world.plan(0, world.push(kT, "x{instance=\"a\"} 2\n", true));
    world.plan(1, world.push(kA, "x 3\n", false));
    world.plan(1, world.push(kA, "y 3\n", true));
    world.plan(2, World::read());
    world.plan(2, World::read());
    world.run(seed);
  });
}

TEST(StoreSchedule, OneGroupPushedPostedAndErased) {
  for_each_seed(300, [](uint64_t seed) {
    World world(3);
    world.plan(0, world.push(kA, "x 1\ny 1\n", true));
    world.plan(0, World::erase(kA));
    world.plan(1, world.push(kA, "y 2\n", false));
    world.plan(1, world.push(kA, "z 2\n", false));
    world.plan(2, world.push(kA, "x 3\n", false));
    world.plan(2, World::read());
    world.run(seed);
  });
}

TEST(StoreSchedule, RandomPlans) {
  for_each_seed(400, [](uint64_t seed) {
    RandomPush random(seed);
    World world(3);
    for (uint64_t i = random.below(3); i > 0; --i) {
      HistoryOp op = world.push(random.labels(), random.body(), true);
      world.prepare(std::move(op));
    }
    for (unsigned fiber = 0; fiber < 3; ++fiber) {
      for (int i = 0; i < 3; ++i) {
        const uint64_t what = random.below(10);
        if (what < 7) {
          world.plan(fiber, world.push(random.labels(), random.body(), what < 4));
        } else if (what < 9) {
          world.plan(fiber, World::erase(random.labels()));
        } else {
          world.plan(fiber, World::read());
        }
      }
    }
    world.run(seed);
  });
}

}  // namespace
}  // namespace sluice::store
