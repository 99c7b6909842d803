// The small parts of core/sync on one thread: counters, cell, mailbox.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/sync/mailbox.h"
#include "core/sync/padded_counter.h"
#include "core/sync/ref_count.h"
#include "core/sync/retired.h"
#include "core/sync/stamp_counter.h"
#include "core/sync/version_cell.h"

namespace sluice::sync {
namespace {

TEST(StampCounterTest, StartsAtOneAndContinuesAboveWhatWasFound) {
  StampCounter stamps;
  EXPECT_EQ(stamps.last(), 0u);
  EXPECT_EQ(stamps.next(), 1u);
  stamps.advance_to(100);
  EXPECT_EQ(stamps.next(), 101u);
  stamps.advance_to(50);
  EXPECT_EQ(stamps.next(), 102u);
  EXPECT_EQ(stamps.last(), 102u);
}

TEST(RefCountTest, TheLastReleaseSaysSo) {
  RefCount count;
  EXPECT_TRUE(count.unique());
  count.add(2);
  EXPECT_FALSE(count.unique());
  EXPECT_FALSE(count.release());
  EXPECT_FALSE(count.release());
  EXPECT_TRUE(count.release());
}

TEST(RefCountDeathTest, OneReleaseTooManyAborts) {
  RefCount count;
  EXPECT_TRUE(count.release());
  EXPECT_DEATH(static_cast<void>(count.release()), "check failed");
}

TEST(VersionCellTest, ChangesOnlyFromWhatWasRead) {
  int first = 1;
  int second = 2;
  VersionCell<int> cell;
  int* seen = nullptr;
  EXPECT_TRUE(cell.compare_exchange(seen, &first));
  seen = nullptr;
  EXPECT_FALSE(cell.compare_exchange(seen, &second));
  EXPECT_EQ(seen, &first);
  EXPECT_TRUE(cell.compare_exchange(seen, cell.dead()));
  EXPECT_EQ(cell.current(), VersionCell<int>::dead());
  seen = &first;
  EXPECT_FALSE(cell.compare_exchange(seen, &second));
  EXPECT_EQ(seen, VersionCell<int>::dead());
}

TEST(PaddedCounterTest, SumsItsCells) {
  PaddedCounter counter(4);
  counter.add(0, 5);
  counter.add(3, 2);
  counter.add(1, -4);
  EXPECT_EQ(counter.sum(), 3);
  EXPECT_EQ(counter.cell(1), -4);
  EXPECT_EQ(counter.cells(), 4u);
}

struct Letter : Mail {
  explicit Letter(int value) : number(value) {}
  int number;
};

TEST(MailboxTest, DeliversInOrderAndWakesOnceUntilEmptied) {
  int wakes = 0;
  Mailbox<Letter> mailbox([](void* context) { ++*static_cast<int*>(context); }, &wakes);
  EXPECT_EQ(mailbox.take(), nullptr);
  Letter letters[4] = {Letter(0), Letter(1), Letter(2), Letter(3)};
  mailbox.post(&letters[0]);
  mailbox.post(&letters[1]);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(mailbox.take(), &letters[0]);
  mailbox.post(&letters[2]);
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(mailbox.take(), &letters[1]);
  EXPECT_EQ(mailbox.take(), &letters[2]);
  EXPECT_EQ(mailbox.take(), nullptr);
  mailbox.post(&letters[3]);
  EXPECT_EQ(wakes, 3);
  EXPECT_EQ(mailbox.take()->number, 3);
}

TEST(ChainQueueTest, TakesNodesOfAllChainsAndHandsTokensOn) {
  RetiredNode nodes[5];
  nodes[0].next = &nodes[1];
  nodes[1].next = &nodes[2];
  nodes[0].token = 7;
  nodes[2].token = 9;  // Its own.
  nodes[3].next = &nodes[4];
  nodes[3].token = 8;
  ChainQueue queue;
  queue.add(nullptr);
  EXPECT_TRUE(queue.empty());
  queue.add(&nodes[0]);
  queue.add(&nodes[3]);
  std::vector<uint64_t> tokens;
  while (RetiredNode* node = queue.take()) tokens.push_back(node->token);
  EXPECT_EQ(tokens, (std::vector<uint64_t>{8, 8, 7, 7, 9}));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace sluice::sync
