// Walks without a snapshot, versions that are held, and wipes of some groups.
#include "core/store/group_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/base/hash.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;

class GroupWalkTest : public ::testing::Test {
 protected:
  // Label text and push time of every group that a walk visits; `between` is called between its steps.
  template <typename Between>
  std::map<std::string, int64_t> walk(Between between, WalkPace pace = WalkPace::kBucket) {
    std::map<std::string, int64_t> seen;
    GroupWalk walk;
    walk.start(client_.writer(), pace);
    const GroupWalk::Visitor visit = [&](const GroupView& group) {
      EXPECT_EQ(group.stable_hash, stable_hash(group.key));
      EXPECT_EQ(group.hash, keyed_hash(group.key));
      EXPECT_TRUE(seen.emplace(std::string(group.version.label_text()), group.version.push_time_ns()).second)
          << "visited twice";
    };
    while (walk.step(Deadline::in_ns(0), visit) != StepResult::kDone) {
      client_.writer().quiescent();
      between();
    }
    return seen;
  }

  Store store_{Options{}};
  Client client_{store_};
};

TEST_F(GroupWalkTest, VisitsEveryGroupOnce) {
  EXPECT_TRUE(walk([] {}).empty());
  for (int i = 0; i < 1000; ++i) client_.put({{"job", "j"}, {"n", std::to_string(i)}}, "x 1\n", i + 1);
  client_.erase({{"job", "j"}, {"n", "7"}});
  client_.fail({{"job", "failed"}});
  const auto seen = walk([] {});
  EXPECT_EQ(seen, walk([] {}, WalkPace::kGroup));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen.at("instance=\"\",job=\"j\",n=\"41\""), 42);
  EXPECT_EQ(seen.at("instance=\"\",job=\"failed\""), 0);
  EXPECT_FALSE(seen.contains("instance=\"\",job=\"j\",n=\"7\""));
}

TEST_F(GroupWalkTest, WhatStaysIsVisitedWhileOthersComeAndGo) {
  for (int i = 0; i < 500; ++i) client_.put({{"job", "stays"}, {"n", std::to_string(i)}}, "x 1\n");
  int next = 0;
  const auto seen = walk([&] {
    client_.put({{"job", "comes"}, {"n", std::to_string(next)}}, "x 1\n");
    client_.erase({{"job", "comes"}, {"n", std::to_string(next - 3)}});
    ++next;
  });
  size_t stays = 0;
  for (const auto& [labels, time] : seen) stays += labels.find("stays") != std::string::npos ? 1 : 0;
  EXPECT_EQ(stays, 500u);
  EXPECT_GT(next, 100) << "it was one step";
}

TEST_F(GroupWalkTest, AHeldVersionIsReadableWhenItsGroupIsGone) {
  client_.put({{"job", "j"}}, "x 17\n");
  client_.post({{"job", "j"}}, "y 18\n");  // shares the block of the first
  VersionHold held;
  GroupWalk walk;
  walk.start(client_.writer());
  ASSERT_EQ(walk.step(Deadline::never(),
                      [&](const GroupView& group) { held = VersionHold(client_.writer(), group.version); }),
            StepResult::kDone);
  client_.put({{"job", "j"}}, "x 18\n");
  client_.erase({{"job", "j"}});
  client_.settle();
  ASSERT_TRUE(held);
  ASSERT_EQ(held->shape().size(), 2u);
  EXPECT_EQ(held->fragment(0).text(), "x{instance=\"\",job=\"j\"} 17\n");
  EXPECT_EQ(held->fragment(1).text(), "y{instance=\"\",job=\"j\"} 18\n");
  const uint64_t bytes = store_.stats().bytes;
  EXPECT_GT(bytes, 0u);
  VersionHold other = std::move(held);
  EXPECT_EQ(store_.stats().bytes, bytes);
  other = VersionHold();
  EXPECT_EQ(store_.stats().bytes, 0u);
}

TEST_F(GroupWalkTest, AWipeWithAFilterLeavesTheRest) {
  for (int i = 0; i < 300; ++i)
    client_.put({{"job", i % 3 == 0 ? "a" : "b"}, {"n", std::to_string(i)}}, "x 1\n", i + 1);
  WipeOp op;
  op.start(client_.writer(), [](const GroupView& group) {
    return group.version.push_time_ns() > 150 && model::GroupKey::from_bytes(group.key).job() != "a";
  });
  testing::finish(op, client_.writer());
  EXPECT_GT(op.groups(), 0u);
  for (const auto& [labels, content] : client_.contents()) {
    EXPECT_TRUE(content.push_time_ns <= 150 || labels.find("job=\"a\"") != std::string::npos) << labels;
  }
  EXPECT_EQ(client_.contents().size(), 300 - op.groups());
}

TEST_F(GroupWalkTest, AWipeWithAFilterSparesWhatWasPushedAfterItsStart) {
  client_.put({{"job", "a"}}, "x 1\n");
  client_.put({{"job", "b"}}, "x 1\n");
  WipeOp op;
  op.start(client_.writer(), [](const GroupView&) { return true; });
  client_.put({{"job", "b"}}, "x 2\n");
  testing::finish(op, client_.writer());
  EXPECT_EQ(op.groups(), 1u);
  EXPECT_EQ(client_.contents().size(), 1u);
}

TEST_F(GroupWalkTest, AWipeDeletesNoMoreThanItMay) {
  for (int i = 0; i < 300; ++i) client_.put({{"job", "a"}, {"n", std::to_string(i)}}, "x 1\n", i + 1);
  WipeOp op;
  op.start(client_.writer(), [](const GroupView&) { return true; }, 100);
  testing::finish(op, client_.writer());
  EXPECT_EQ(op.groups(), 100u);
  EXPECT_EQ(client_.contents().size(), 200u);
}

TEST_F(GroupWalkTest, AStepVisitsOneGroupWhenThatTakesLong) {
  for (int i = 0; i < 3000; ++i) client_.put({{"job", "a"}, {"n", std::to_string(i)}}, "x 1\n", i + 1);
  GroupWalk walk;
  walk.start(client_.writer(), WalkPace::kGroup);
  std::set<std::string> seen;
  size_t most = 0;
  for (StepResult step = StepResult::kAgain; step == StepResult::kAgain;) {
    size_t visited = 0;
    step = walk.step({0}, [&](const GroupView& group) {
      ++visited;
      EXPECT_TRUE(seen.emplace(group.key).second);
    });
    most = std::max(most, visited);
    client_.writer().quiescent();
  }
  EXPECT_EQ(seen.size(), 3000u);
  EXPECT_EQ(most, 1u);
}

}  // namespace
}  // namespace sluice::store
