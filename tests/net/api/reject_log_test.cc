// The log of refused pushes: counted together, bounded, and the last error of a group for its own failure only.
#include "net/api/reject_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::net::api {
namespace {

RejectedPush push(int64_t time_ns, uint64_t group, std::string_view reason) {
  RejectedPush out;
  out.time_ns = time_ns;
  out.status = 400;
  out.method = "PUT";
  out.client = "127.0.0.1:1";
  out.content_type = "text/plain";
  out.path = "/x";
  out.key_hash = group;
  out.reason = reason;
  out.sets_failure_time = true;
  return out;
}

std::vector<RejectLog::Recent> recent(RejectLog& log) {
  std::vector<RejectLog::Recent> out;
  EXPECT_TRUE(log.recent(out));
  return out;
}

TEST(RejectLog, CountsEqualOnesTogether) {
  RejectLog log(10);
  EXPECT_TRUE(recent(log).empty());
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(log.note(push(i, 7, "one")).missed, 0u);
  RejectedPush other = push(3, 7, "two");
  other.client = "127.0.0.1:2";
  EXPECT_EQ(log.note(other).evicted, 0u);
  const auto all = recent(log);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].reason, "one");
  EXPECT_EQ(all[0].count, 5u);
  EXPECT_EQ(all[0].time_ns, 5);
  EXPECT_EQ(all[1].client, "127.0.0.1:2");
  EXPECT_EQ(all[1].count, 1u);
}

TEST(RejectLog, KeepsTheNewestKinds) {
  RejectLog log(0);
  for (size_t i = 0; i < limits::kRecentRejectsMax + 10; ++i) {
    static_cast<void>(log.note(push(static_cast<int64_t>(i), 1, "reason " + std::to_string(i))));
  }
  const auto all = recent(log);
  ASSERT_EQ(all.size(), limits::kRecentRejectsMax);
  EXPECT_EQ(all.front().reason, "reason " + std::to_string(limits::kRecentRejectsMax + 9));
  EXPECT_EQ(all.back().reason, "reason 10");
}

TEST(RejectLog, KnowsTheLastErrorOfAGroup) {
  RejectLog log(2);
  static_cast<void>(log.note(push(1, 7, "first")));
  static_cast<void>(log.note(push(2, 7, "second")));
  RejectLog::Detail detail;
  EXPECT_EQ(log.find(7, 1, detail), RejectLog::Found::kNo) << "that failure is not the last one";
  ASSERT_EQ(log.find(7, 2, detail), RejectLog::Found::kYes);
  EXPECT_EQ(detail.reason, "second");
  EXPECT_EQ(detail.client, "127.0.0.1:1");
  EXPECT_EQ(detail.content_type, "text/plain");
  EXPECT_EQ(log.find(8, 2, detail), RejectLog::Found::kNo);
  RejectedPush malformed = push(9, 9, "malformed");
  malformed.sets_failure_time = false;
  static_cast<void>(log.note(malformed));
  EXPECT_EQ(log.find(9, 9, detail), RejectLog::Found::kNo);
}

TEST(RejectLog, GroupsGiveWayInTheOrderInWhichTheyCame) {
  RejectLog log(2);
  EXPECT_EQ(log.note(push(1, 1, "a")).evicted, 0u);
  EXPECT_EQ(log.note(push(2, 2, "b")).evicted, 0u);
  EXPECT_EQ(log.note(push(3, 3, "c")).evicted, 1u);
  RejectLog::Detail detail;
  EXPECT_EQ(log.find(1, 1, detail), RejectLog::Found::kNo);
  EXPECT_EQ(log.find(2, 2, detail), RejectLog::Found::kYes);
  EXPECT_EQ(log.find(3, 3, detail), RejectLog::Found::kYes);
  RejectLog none(0);
  EXPECT_EQ(none.note(push(1, 1, "a")).evicted, 1u);
  EXPECT_EQ(none.find(1, 1, detail), RejectLog::Found::kNo);
}

TEST(RejectLog, CutsLongTextsBetweenCharacters) {
  RejectLog log(1);
  std::string reason(limits::kRejectTextBytesMax - 1, 'x');
  reason += "\xc3\xa4 and more";
  static_cast<void>(log.note(push(1, 1, reason)));
  EXPECT_EQ(recent(log)[0].reason, std::string(limits::kRejectTextBytesMax - 1, 'x'));
  RejectLog::Detail detail;
  ASSERT_EQ(log.find(1, 1, detail), RejectLog::Found::kYes);
  EXPECT_EQ(detail.reason, std::string(limits::kRejectTextBytesMax - 1, 'x'));
}

}  // namespace
}  // namespace sluice::net::api
