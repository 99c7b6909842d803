// What a steady push does to lines that other threads use too: at most two read-modify-writes, the stamp's and the
// group's own cell. More of them, and N workers are not N times as fast.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/core/store/counting_atomics.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::modify_counts;
using testing::Pushed;

constexpr uint32_t kWriters = 3;
constexpr uint32_t kReader = kWriters;  // scrapes only
constexpr int kGroups = 4;              // of each writer
constexpr int kRounds = 50;

std::string body_of(int value) {
  std::string body;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "batch_metric_" + std::to_string(i);
    body += "# TYPE ";
    body += name;
    body += " gauge\n";
    body += name;
    body += "{stage=\"production\"} ";
    body += std::to_string(value + i);
    body += '\n';
  }
  return body;
}

class SharedWritesTest : public ::testing::Test {
 protected:
  SharedWritesTest() {
    Options options;
    options.writers_max = kWriters + 1;
    store_ = std::make_unique<Store>(options);
    for (uint32_t i = 0; i <= kWriters; ++i) clients_.push_back((act_as(i), std::make_unique<Client>(*store_)));
  }
  ~SharedWritesTest() override {
    for (uint32_t i = 0; i <= kWriters; ++i) act_as(i), clients_[i].reset();
  }

  static void act_as(uint32_t writer) { modify_counts().writer = writer; }

  // One push with the turn that follows; returns its read-modify-writes on what is shared.
  uint64_t push(uint32_t writer, int group, int value, bool replace) {
    act_as(writer);
    const Pushed pushed({{"job", "t"}, {"instance", std::to_string(group)}}, body_of(value));
    const uint64_t before = modify_counts().on_shared;
    PushOp op;
    op.start(clients_[writer]->writer(), pushed.request(replace, 1));
    EXPECT_EQ(op.step(Deadline::never()), StepResult::kDone);
    EXPECT_EQ(op.result().status, PushStatus::kOk);
    const uint64_t in_push = modify_counts().on_shared - before;
    clients_[writer]->writer().quiescent();
    return in_push;
  }

  void scrape() {
    act_as(kReader);
    EXPECT_EQ(clients_[kReader]->contents().size(), size_t{kWriters * kGroups});
    clients_[kReader]->settle();
  }

  // Every group exists, every writer has pushed and every cell has been read by somebody else.
  void warm_up() {
    for (int value = 0; value < 3; ++value) {
      for (int group = 0; group < int{kWriters} * kGroups; ++group) {
        act_as(static_cast<uint32_t>(group / kGroups));
        testing::Client& client = *clients_[modify_counts().writer];
        const Pushed pushed({{"job", "t"}, {"instance", std::to_string(group)}}, body_of(value));
        PushOp op;
        op.start(client.writer(), pushed.request(true, 1));
        while (op.step(Deadline::never()) != StepResult::kDone) {
          for (uint32_t i = 0; i <= kWriters; ++i) act_as(i), clients_[i]->writer().quiescent();
          act_as(static_cast<uint32_t>(group / kGroups));
        }
      }
      for (uint32_t i = 0; i <= kWriters; ++i) act_as(i), clients_[i]->settle();
    }
  }

  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(SharedWritesTest, ASteadyPushMakesTwo) {
  warm_up();
  for (int round = 0; round < kRounds; ++round) {
    if (round % 10 == 0) scrape();
    for (int group = 0; group < int{kWriters} * kGroups; ++group) {
      const uint64_t count = push(static_cast<uint32_t>(group / kGroups), group, round, group % 2 == 0);
      EXPECT_GE(count, 1u) << "the stamp's counter is shared by everybody: this test does not count";
      EXPECT_LE(count, 2u) << "round " << round << ", group " << group;
    }
  }
}

// Groups that come to another worker with each push, as behind a load balancer: what the other one wrote is given back
// too, outside of the push.
TEST_F(SharedWritesTest, NorDoesOneOfAnotherWritersGroup) {
  warm_up();
  scrape();
  for (int round = 0; round < kRounds; ++round) {
    for (int group = 0; group < int{kWriters} * kGroups; ++group) {
      EXPECT_LE(push(static_cast<uint32_t>((group + round) % int{kWriters}), group, round, group % 2 == 0), 2u);
    }
  }
}

// What the turns after the pushes do, freeing included, is not more.
TEST_F(SharedWritesTest, FreeingAddsLittle) {
  warm_up();
  scrape();
  const uint64_t before = modify_counts().on_shared;
  for (int round = 0; round < kRounds; ++round) {
    for (int group = 0; group < int{kWriters} * kGroups; ++group) {
      static_cast<void>(push(static_cast<uint32_t>(group / kGroups), group, round, true));
    }
  }
  const double pushes = double{kRounds} * kWriters * kGroups;
  const double each = static_cast<double>(modify_counts().on_shared - before) / pushes;
  RecordProperty("shared_writes_per_push_and_turn", std::to_string(each));
  EXPECT_LE(each, 2.5) << "one push in each turn, the turn's own included";
}

}  // namespace
}  // namespace sluice::store
