// Which values a group may show: the bounds against every order in which a gateway may have done the operations.
#include "tools/load/groups.h"

#include <gtest/gtest.h>

#include <vector>

#include "tools/load/group_names.h"
#include "tools/load/random.h"

namespace sluice::tools::load {
namespace {

TEST(Groups, OneAfterTheOther) {
  Groups groups(2);
  EXPECT_TRUE(groups.allowed(0).untouched);
  for (uint32_t i = 1; i <= 5; ++i) {
    const Operation push = groups.begin_push(0);
    EXPECT_EQ(push.sequence, i);
    EXPECT_EQ(groups.allowed(0).floor, i - 1);
    EXPECT_EQ(groups.allowed(0).sent, i);
    groups.acknowledged(0, push);
    EXPECT_EQ(groups.allowed(0).floor, i);
    EXPECT_FALSE(groups.allowed(0).absent);
  }
  EXPECT_TRUE(groups.allowed(1).untouched);
}

TEST(Groups, OverlappingOnesMayHaveHappenedInAnyOrder) {
  Groups groups(1);
  const Operation first = groups.begin_push(0);
  const Operation second = groups.begin_push(0);
  groups.acknowledged(0, second);
  EXPECT_EQ(groups.allowed(0).floor, 1u);
  groups.acknowledged(0, first);
  EXPECT_EQ(groups.allowed(0).floor, 1u);
  const Operation third = groups.begin_push(0);
  groups.acknowledged(0, third);
  EXPECT_EQ(groups.allowed(0).floor, 3u);
}

TEST(Groups, TheFloorRisesAlthoughSomethingIsAlwaysInFlight) {
  Groups groups(1);
  Operation older = groups.begin_push(0);
  for (int i = 0; i < 1000; ++i) {
    const Operation newer = groups.begin_push(0);
    groups.acknowledged(0, older);
    older = newer;
  }
  EXPECT_GE(groups.allowed(0).floor, 990u);
  EXPECT_EQ(groups.allowed(0).sent, 1001u);
}

TEST(Groups, WhatHasNoAnswerMayHappenLater) {
  Groups groups(1);
  const Operation acknowledged = groups.begin_push(0);
  groups.acknowledged(0, acknowledged);
  static_cast<void>(groups.begin_push(0));  // its connection broke
  groups.unknown(0);
  for (int i = 0; i < 10; ++i) {
    const Operation push = groups.begin_push(0);
    groups.acknowledged(0, push);
  }
  EXPECT_LE(groups.allowed(0).floor, 2u);
}

TEST(Groups, DeletesAndRefusals) {
  Groups groups(1);
  groups.acknowledged(0, groups.begin_push(0));
  const Operation removal = groups.begin_delete(0);
  groups.acknowledged(0, removal);
  EXPECT_TRUE(groups.allowed(0).absent);
  groups.refused(0, groups.begin_push(0));
  EXPECT_TRUE(groups.allowed(0).absent);
  groups.acknowledged(0, groups.begin_push(0));
  EXPECT_FALSE(groups.allowed(0).absent);
}

TEST(Groups, ARetiredGroupIsFollowedByANewOne) {
  const GroupNames names("load", 7, 2);
  Groups groups(names.groups_of(1));
  EXPECT_FALSE(groups.quiet(2));
  groups.acknowledged(2, groups.begin_push(2));
  EXPECT_TRUE(groups.quiet(2));
  const Operation retire = groups.begin_retire(2);
  EXPECT_TRUE(groups.retiring(2));
  groups.acknowledged(2, retire);
  EXPECT_EQ(groups.generation(2), 1u);
  EXPECT_TRUE(groups.allowed(2).untouched);
}

TEST(GroupNames, EveryPlaceHasItsOwnNumber) {
  for (const uint32_t threads : {1u, 2u, 3u}) {
    const GroupNames names("load", 10, threads);
    std::vector<int> seen(40);
    uint64_t slots = 0;
    for (uint32_t thread = 0; thread < threads; ++thread) {
      slots += names.groups_of(thread);
      for (uint64_t slot = 0; slot < names.groups_of(thread); ++slot) {
        for (uint32_t generation = 0; generation < 3; ++generation) {
          const uint64_t number = names.number_of({thread, slot, generation});
          EXPECT_EQ(++seen.at(number), 1);
          const GroupNames::Place place = names.place_of(number);
          EXPECT_EQ(place.thread, thread);
          EXPECT_EQ(place.slot, slot);
          EXPECT_EQ(place.generation, generation);
        }
      }
    }
    EXPECT_EQ(slots, 10u);
  }
  EXPECT_EQ(GroupNames::number_in("host-12"), 12u);
  for (const char* const bad : {"host-", "host-1x", "host-01", "hostess-1", "", "host--1"}) {
    EXPECT_FALSE(GroupNames::number_in(bad).has_value()) << bad;
  }
}

// Random overlapping pushes on a gateway that does each at a random moment between its sending and its answer: what it
// then stores is always allowed, and once all is answered the floor is one of the last that overlapped.
TEST(Groups, NeverBlameAnHonestGateway) {
  struct Flight {
    Operation operation;
    bool done;
  };
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Groups groups(1);
    std::vector<Flight> flights;
    uint32_t stored = 0;
    for (int step = 0; step < 500; ++step) {
      const uint64_t choice = random.below(3);
      if (choice == 0 && flights.size() < 5) {
        flights.push_back({groups.begin_push(0), false});
      } else if (!flights.empty()) {
        const size_t index = random.below(flights.size());
        Flight& flight = flights[index];
        if (!flight.done) stored = flight.operation.sequence;
        flight.done = true;
        if (choice == 2) {
          groups.acknowledged(0, flight.operation);
          flights.erase(flights.begin() + static_cast<int64_t>(index));
        }
      }
      const Allowed allowed = groups.allowed(0);
      ASSERT_LE(allowed.floor, stored) << "seed " << seed << " step " << step;
      ASSERT_LE(stored, allowed.sent) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace sluice::tools::load
