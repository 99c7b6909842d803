// The run queue: order, fairness, the bound of a turn, and owners that go away while they run.
#include "net/loop/runnable.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop/contention.h"

namespace sluice::net::loop {
namespace {

using Again = Runnable::Again;
using Left = RunQueue::Left;

class Item final : public Runnable {
 public:
  explicit Item(std::function<Again()> work) : work_(std::move(work)) {}
  Again run(Deadline deadline) override {
    EXPECT_FALSE(deadline.at_ns == INT64_MAX);
    return work_();
  }

 private:
  std::function<Again()> work_;
};

TEST(RunQueue, RunsEachOnceARoundInOrder) {
  RunQueue queue;
  std::string order;
  int a_left = 2;
  Item a([&] {
    order += 'a';
    return --a_left > 0 ? Again::kYes : Again::kNo;
  });
  Item b([&] {
    order += 'b';
    return Again::kNo;
  });
  queue.schedule(a);
  queue.schedule(b);
  queue.schedule(a);  // no effect
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(queue.run_round(), Left::kNothing);
  EXPECT_EQ(order, "aba");
}

TEST(RunQueue, LongWorkThatIsLeftOutIsWorkStill) {
  RunQueue queue;
  std::string order;
  Item parked([&] {
    order += 'p';
    return Again::kParked;
  });
  Item large([&] {
    order += 'L';
    return Again::kNo;
  });
  queue.schedule(large, Runnable::Work::kLong);
  queue.schedule(parked);
  // However often what is parked says so, it is not the only one that is left.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.run_round(0), Left::kWork);
  EXPECT_EQ(order, "ppp");
  EXPECT_EQ(queue.run_round(), Left::kParkedOnly);
  EXPECT_EQ(order, "ppppL");
  queue.unschedule(parked);
}

TEST(RunQueue, ATurnHasABoundedNumberOfSlices) {
  RunQueue queue;
  int runs = 0;
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 30; ++i)
    items.push_back(std::make_unique<Item>([&] {
      ++runs;
      return Again::kNo;
    }));
  for (const auto& item : items) queue.schedule(*item);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(runs, static_cast<int>(RunQueue::kSlicesPerTurn - 1));
  queue.run_round();
  EXPECT_EQ(queue.run_round(), Left::kNothing);
  EXPECT_EQ(runs, 30);
}

TEST(RunQueue, OfShortWorkNoneButTheFirstBeginsTooLate) {
  RunQueue queue;
  std::string order;
  Item first([&] {
    order += '1';
    return Again::kNo;
  });
  Item second([&] {
    order += '2';
    return Again::kNo;
  });
  Item large([&] {
    order += 'L';
    return Again::kYes;
  });
  queue.schedule(first);
  queue.schedule(second);
  queue.schedule(large, Runnable::Work::kLong);
  EXPECT_EQ(queue.run_round(limits::kSliceNs, Deadline{0}), Left::kWork);
  EXPECT_EQ(order, "1L");
  EXPECT_EQ(queue.run_round(limits::kSliceNs, Deadline{0}), Left::kWork);
  EXPECT_EQ(order, "1L2L");
  queue.unschedule(large);
}

TEST(RunQueue, WhatHasYetToBeginGoesBeforeOneSliceOfWhatIsLong) {
  RunQueue queue;
  std::string order;
  const auto item = [&](char name, Again again) {
    return std::make_unique<Item>([&order, name, again] {
      order += name;
      return again;
    });
  };
  const auto first = item('A', Again::kYes);
  const auto second = item('B', Again::kYes);
  const auto small = item('s', Again::kNo);
  const auto other = item('t', Again::kNo);
  queue.schedule(*first, Runnable::Work::kLong);
  queue.schedule(*second, Runnable::Work::kLong);
  for (int i = 0; i < 4; ++i) {
    queue.schedule(*small);
    queue.schedule(*other);
    EXPECT_TRUE(queue.long_work());
    EXPECT_EQ(queue.run_round(), Left::kWork);
  }
  EXPECT_EQ(order, "stAstBstAstB");
  queue.unschedule(*first);
  queue.unschedule(*second);
}

TEST(RunQueue, LongWorkIsNeverLeftOut) {
  RunQueue queue;
  int short_runs = 0;
  int long_runs = 0;
  std::vector<std::unique_ptr<Item>> items;
  items.reserve(100);
  for (int i = 0; i < 100; ++i)
    items.push_back(std::make_unique<Item>([&] {
      ++short_runs;
      return Again::kNo;
    }));
  Item long_work([&] {
    ++long_runs;
    return Again::kYes;
  });
  queue.schedule(long_work, Runnable::Work::kLong);
  for (int round = 1; round <= 5; ++round) {
    for (const auto& item : items) queue.schedule(*item);
    queue.run_round();
    EXPECT_EQ(long_runs, round);
    EXPECT_EQ(short_runs, round * static_cast<int>(RunQueue::kSlicesPerTurn - 1));
  }
  queue.unschedule(long_work);
  for (const auto& item : items) queue.unschedule(*item);
}

TEST(RunQueue, KnowsWhetherItsLongWorkWasSurplus) {
  RunQueue queue;
  Item surplus([] { return Again::kNo; });
  Item long_work([] { return Again::kNo; });
  Item small([] { return Again::kNo; });
  queue.schedule(surplus, Runnable::Work::kSurplus);
  queue.schedule(long_work, Runnable::Work::kLong);
  queue.schedule(small);
  EXPECT_TRUE(queue.long_work());
  queue.run_round(0);
  EXPECT_FALSE(queue.surplus_ran());
  queue.run_round();
  EXPECT_TRUE(queue.surplus_ran());
  queue.run_round();
  EXPECT_FALSE(queue.surplus_ran());
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Contention, LongWorkHasATenthAndSurplusATwentieth) {
  constexpr int64_t kFrom = 1'000'000'000;
  const auto waits = [](int64_t worked_ns, bool surplus) {
    Contention contention;
    contention.long_worked(kFrom, kFrom + worked_ns, surplus);
    int64_t waits_ns = 0;
    while (!contention.long_is_due(kFrom + worked_ns + waits_ns)) waits_ns += 10'000;
    return waits_ns;
  };
  EXPECT_EQ(waits(50'000, false), 450'000);
  EXPECT_EQ(waits(50'000, true), 950'000);
  // At least, and at most: the machine may have stood still.
  EXPECT_EQ(waits(0, false), limits::kLongWaitsNs);
  EXPECT_EQ(waits(0, true), limits::kLongWaitsNs);
  EXPECT_EQ(waits(10'000'000, false), 5 * limits::kLongWaitsNs);
  EXPECT_EQ(waits(10'000'000, true), 10 * limits::kLongWaitsNs);
}

TEST(RunQueue, TellsParkedWorkFromWork) {
  RunQueue queue;
  Item parked([] { return Again::kParked; });
  Again answer = Again::kYes;
  Item other([&] { return answer; });
  queue.schedule(parked);
  EXPECT_EQ(queue.run_round(), Left::kParkedOnly);
  queue.schedule(other);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  answer = Again::kNo;
  EXPECT_EQ(queue.run_round(), Left::kParkedOnly);
  // A round in which parked work wakes real work.
  Item waker([&] {
    queue.schedule(other);
    return Again::kParked;
  });
  queue.unschedule(parked);
  queue.schedule(waker);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  queue.unschedule(waker);
  queue.unschedule(other);
}

TEST(RunQueue, KnowsThatAllAreParkedAlsoWhenThereAreMany) {
  RunQueue queue;
  std::vector<std::unique_ptr<Item>> items;
  const uint32_t count = 3 * RunQueue::kSlicesPerTurn - 6;  // more than two rounds run, no more than three
  for (uint32_t i = 0; i < count; ++i) items.push_back(std::make_unique<Item>([] { return Again::kParked; }));
  for (const auto& item : items) queue.schedule(*item);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(queue.run_round(), Left::kParkedOnly);
  EXPECT_EQ(queue.run_round(), Left::kParkedOnly);
  Item fresh([] { return Again::kYes; });
  queue.schedule(fresh);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  queue.unschedule(fresh);
  for (const auto& item : items) queue.unschedule(*item);
}

TEST(RunQueue, OwnersMayGoWhileTheyRun) {
  RunQueue queue;
  std::unique_ptr<Item> self;
  std::unique_ptr<Item> other = std::make_unique<Item>([] {
    ADD_FAILURE() << "gone";
    return Again::kNo;
  });
  self = std::make_unique<Item>([&] {
    queue.unschedule(*other);
    other.reset();
    queue.unschedule(*self);
    return Again::kYes;  // must not put it back
  });
  queue.schedule(*self);
  queue.schedule(*other);
  EXPECT_EQ(queue.run_round(), Left::kNothing);
  self.reset();
  EXPECT_EQ(queue.size(), 0u);
}

TEST(RunQueue, MayScheduleItselfAnew) {
  RunQueue queue;
  int runs = 0;
  Item item([&]() -> Again {
    if (++runs < 3) queue.schedule(item);
    return Again::kNo;
  });
  queue.schedule(item);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(queue.run_round(), Left::kWork);
  EXPECT_EQ(queue.run_round(), Left::kNothing);
  EXPECT_EQ(runs, 3);
}

}  // namespace
}  // namespace sluice::net::loop
