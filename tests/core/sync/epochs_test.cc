// Epochs and snapshots on one thread (several participants may share it).
#include "core/sync/epochs.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace sluice::sync {
namespace {

struct Object {
  bool freed = false;
  void* context = nullptr;
  static void free(void* object, void* context) {
    auto* self = static_cast<Object*>(object);
    EXPECT_FALSE(self->freed);
    self->freed = true;
    self->context = context;
  }
};

// Lets the participants pass quiescent points and reclaim until nothing moves any more.
template <typename... Participants>
void settle(Participants&... participants) {
  for (int i = 0; i < 3; ++i) {
    (participants.quiescent(), ...);
    (participants.reclaim(), ...);
  }
}

TEST(EpochsTest, FreesAfterEveryOnlineParticipantWasQuiescent) {
  Epochs epochs;
  int context = 0;
  Epochs::Participant me(epochs, &context);
  Epochs::Participant other(epochs);
  Object object;
  me.retire(&object, &Object::free);
  EXPECT_EQ(epochs.retired(), 1u);
  settle(me);
  EXPECT_FALSE(object.freed);
  other.quiescent();
  me.reclaim();
  EXPECT_TRUE(object.freed);
  EXPECT_EQ(object.context, &context);
  EXPECT_EQ(epochs.retired(), 0u);
  EXPECT_TRUE(me.nothing_retired());
}

TEST(EpochsTest, OfflineParticipantsDelayNothing) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  Epochs::Participant other(epochs);
  other.offline();
  Object object;
  me.retire(&object, &Object::free);
  settle(me);
  EXPECT_TRUE(object.freed);
  other.online();
  Object second;
  me.retire(&second, &Object::free);
  settle(me);
  EXPECT_FALSE(second.freed);
  settle(me, other);
  EXPECT_TRUE(second.freed);
}

TEST(EpochsTest, OwnQuiescentPointIsNeeded) {
  Object object;  // outlives both, which free it at their end
  Epochs epochs;
  Epochs::Participant me(epochs);
  me.retire(&object, &Object::free);
  for (int i = 0; i < 5; ++i) me.reclaim();
  EXPECT_FALSE(object.freed);
}

TEST(EpochsTest, GraceTokens) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  Epochs::Participant other(epochs);
  const uint64_t token = epochs.begin_grace();
  EXPECT_FALSE(epochs.grace_passed(token));
  me.quiescent();
  EXPECT_FALSE(epochs.grace_passed(token));
  other.offline();
  EXPECT_TRUE(epochs.grace_passed(token));
  other.online();
  EXPECT_TRUE(epochs.grace_passed(token));
  EXPECT_FALSE(epochs.grace_passed(epochs.begin_grace()));
}

TEST(EpochsTest, ReclaimIsBoundedPerCall) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  std::vector<Object> objects(1000);
  for (Object& object : objects) me.retire(&object, &Object::free);
  me.reclaim();
  me.quiescent();
  EXPECT_EQ(me.reclaim(10), 10u);
  EXPECT_EQ(me.reclaim(), limits::kReclaimPerTurn);
  while (!me.nothing_retired()) me.reclaim();
  for (const Object& object : objects) EXPECT_TRUE(object.freed);
}

TEST(EpochsTest, ATurnFreesWhatItIsToldOrTwiceWhatItRetired) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  std::vector<Object> objects(1000);
  for (Object& object : objects) me.retire(&object, &Object::free);
  me.reclaim_turn(16);
  me.quiescent();
  EXPECT_EQ(me.reclaim_turn(16), 16u);
  std::vector<Object> later(20);
  for (Object& object : later) me.retire(&object, &Object::free);
  EXPECT_EQ(me.reclaim_turn(16), 40u);
  EXPECT_EQ(me.reclaim_turn(16), 16u);
  for (me.quiescent(); !me.nothing_retired(); me.quiescent()) me.reclaim();
}

TEST(EpochsTest, WhatALeavingParticipantRetiredIsFreedByOthers) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  Object waiting;
  Object pending;
  {
    Epochs::Participant leaving(epochs);
    leaving.retire(&waiting, &Object::free);
    leaving.reclaim();
    leaving.retire(&pending, &Object::free);
  }
  settle(me);
  EXPECT_TRUE(waiting.freed);
  EXPECT_TRUE(pending.freed);
}

TEST(EpochsTest, TheDomainFreesWhatIsLeft) {
  Object object;
  Object pinned;
  {
    Epochs epochs;
    Epochs::Participant me(epochs);
    const auto snapshot = me.open_snapshot();
    ASSERT_TRUE(snapshot);
    me.retire(&pinned, &Object::free, 1);
    settle(me);
    me.retire(&object, &Object::free);
    EXPECT_FALSE(pinned.freed);
  }
  EXPECT_TRUE(object.freed);
  EXPECT_TRUE(pinned.freed);
}

TEST(EpochsTest, SlotsAreReused) {
  Epochs epochs;
  for (uint32_t i = 0; i < 3 * limits::kParticipantsMax; ++i) {
    Epochs::Participant me(epochs);
    EXPECT_EQ(me.index(), 0u);
  }
}

TEST(SnapshotListTest, AtMostFour) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  std::vector<SnapshotId> open;
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) {
    const auto id = me.open_snapshot();
    ASSERT_TRUE(id);
    open.push_back(*id);
  }
  EXPECT_FALSE(me.open_snapshot());
  EXPECT_EQ(epochs.snapshots().live(), size_t{limits::kSnapshotsMax});
  me.close_snapshot(open[2]);
  EXPECT_TRUE(me.open_snapshot());
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) me.close_snapshot(SnapshotId{i});
}

TEST(SnapshotListTest, PinsWhatItCanSeeAndNothingElse) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  Object before;
  me.retire(&before, &Object::free, 1);
  me.reclaim();  // Sealed before the snapshot opens: it cannot have been seen.
  const auto id = me.open_snapshot();
  ASSERT_TRUE(id);
  Object old;
  Object walking;
  me.retire(&old, &Object::free, 5);
  me.retire(&walking, &Object::free, 1000);  // The walk goes on: any birth may have been seen.
  settle(me);
  EXPECT_TRUE(before.freed);
  EXPECT_FALSE(old.freed);
  EXPECT_FALSE(walking.freed);
  EXPECT_EQ(epochs.snapshots().pinned(), 2u);
  me.set_bound(*id, 10);
  Object at_bound;
  Object newer;
  Object table;
  me.retire(&at_bound, &Object::free, 10);
  me.retire(&newer, &Object::free, 11);
  me.retire(&table, &Object::free);
  settle(me);
  EXPECT_FALSE(at_bound.freed);
  EXPECT_TRUE(newer.freed);
  EXPECT_TRUE(table.freed);
  EXPECT_EQ(epochs.snapshots().pinned(), 3u);
  me.close_snapshot(*id);
  me.reclaim();
  EXPECT_TRUE(old.freed && walking.freed && at_bound.freed);
  EXPECT_EQ(epochs.snapshots().pinned(), 0u);
}

TEST(SnapshotListTest, AClosingSnapshotHandsOnToTheNextOlder) {
  Epochs epochs;
  Epochs::Participant me(epochs);
  const auto oldest = me.open_snapshot();
  me.set_bound(*oldest, 10);
  const auto middle = me.open_snapshot();
  me.set_bound(*middle, 20);
  const auto newest = me.open_snapshot();
  me.set_bound(*newest, 30);
  Object seen_by_all;
  Object seen_by_two;
  me.retire(&seen_by_all, &Object::free, 10);
  me.retire(&seen_by_two, &Object::free, 15);
  settle(me);
  me.close_snapshot(*newest);
  settle(me);
  EXPECT_FALSE(seen_by_all.freed);
  EXPECT_FALSE(seen_by_two.freed);
  EXPECT_EQ(epochs.snapshots().pinned(), 2u);
  me.close_snapshot(*middle);
  settle(me);
  EXPECT_FALSE(seen_by_all.freed);
  EXPECT_TRUE(seen_by_two.freed);
  me.close_snapshot(*oldest);
  settle(me);
  EXPECT_TRUE(seen_by_all.freed);
}

// A slow reader: however often each of its groups is overwritten, one version per group stays.
TEST(SnapshotListTest, HoldsOneVersionPerGroup) {
  constexpr size_t kGroups = 100;
  Epochs epochs;
  Epochs::Participant me(epochs);
  uint64_t stamp = 0;
  std::vector<uint64_t> births(kGroups);
  for (auto& birth : births) birth = ++stamp;
  const auto id = me.open_snapshot();
  ASSERT_TRUE(id);
  me.set_bound(*id, stamp);
  std::vector<std::unique_ptr<Object>> objects;
  for (int round = 0; round < 100; ++round) {
    for (auto& birth : births) {
      me.retire(objects.emplace_back(std::make_unique<Object>()).get(), &Object::free, birth);
      birth = ++stamp;
    }
    me.quiescent();
    me.reclaim(1'000'000);
  }
  settle(me);
  EXPECT_EQ(epochs.snapshots().pinned(), kGroups);
  EXPECT_EQ(epochs.retired(), kGroups);
  me.close_snapshot(*id);
  settle(me);
  EXPECT_EQ(epochs.retired(), 0u);
}

}  // namespace
}  // namespace sluice::sync
