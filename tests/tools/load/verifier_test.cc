// The verification against scrapes that are right and against every lie that it is there to find.
#include "tools/load/verifier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::tools::load {
namespace {

constexpr const char* kBody = "# TYPE a gauge\na{x=\"1\"} {{seq}}.5\nb 9\n";

// A run of four groups on two threads; three pushes each, acknowledged, and the last of group 3 deleted.
class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() {
    for (int push = 0; push < 3; ++push) {
      for (Groups* groups : {&first_, &second_}) {
        for (uint64_t slot = 0; slot < 2; ++slot) groups->acknowledged(slot, groups->begin_push(slot));
      }
    }
    second_.acknowledged(1, second_.begin_delete(1));
  }

  static std::string group(uint64_t number, double a, const char* b = "9") {
    const std::string labels = fmt::format("instance=\"host-{}\",job=\"load\"", number);
    return fmt::format(
        "a{{{0},x=\"1\"}} {1}\nb{{{0}}} {2}\npush_time_seconds{{{0}}} 1.7e+09\n"
        "push_failure_time_seconds{{{0}}} 0\n",
        labels, a, b);
  }
  static std::string honest() {
    return "# TYPE a gauge\n" + group(0, 3.5) + group(1, 3.5) + group(2, 3.5) +
           "c{job=\"other\",instance=\"host-1\"} 1\nown_metric 5\n";
  }

  Verdict verdict(std::string_view scrape, size_t piece = 1000) {
    auto body = Body::make(kBody, BodyFormat::kText);
    EXPECT_TRUE(body.has_value());
    Verifier verifier(*body, names_, {&first_, &second_});
    for (size_t at = 0; at < scrape.size(); at += piece) verifier.feed(scrape.substr(at, piece));
    return verifier.finish();
  }
  void expect_lie(const std::string& scrape, const std::string& group, const std::string& what) {
    const Verdict found = verdict(scrape);
    ASSERT_FALSE(found.holds()) << what;
    EXPECT_EQ(found.violations[0].group, group);
    EXPECT_NE(found.violations[0].what.find(what), std::string::npos) << found.violations[0].what;
  }

  GroupNames names_{"load", 4, 2};
  Groups first_{2};
  Groups second_{2};
};

TEST_F(VerifierTest, AnHonestScrapeInPiecesOfAnySize) {
  for (const size_t piece : {1u, 2u, 7u, 100u, 10'000u}) {
    const Verdict found = verdict(honest(), piece);
    EXPECT_TRUE(found.holds()) << found.violations[0].group << found.violations[0].what;
    EXPECT_EQ(found.groups, 3u);
    EXPECT_EQ(found.series, 6u);
    EXPECT_EQ(found.other_series, 2u);
  }
}

TEST_F(VerifierTest, FindsEveryLie) {
  const std::string one = "{instance=\"host-1\",job=\"load\"}";
  const std::string rest = group(0, 3.5) + group(2, 3.5);
  expect_lie(rest + group(1, 2.5), one, "push 2 is stored although push 3 was acknowledged");
  expect_lie(rest + group(1, 4.5), one, "push 4 is stored and only 3 were sent");
  expect_lie(rest + group(1, 3.25), one, "shows 3.25, which was never sent");
  expect_lie(rest + group(1, 3.5, "8"), one, "b{} shows 8, which was never sent");
  expect_lie(rest, one, "push 3 was acknowledged and the group is not there");
  expect_lie(rest + group(1, 3.5) + "b{instance=\"host-1\",job=\"load\"} 9\n", one, "b{} is there twice");
  expect_lie(rest + group(1, 3.5) + "push_time_seconds{instance=\"host-1\",job=\"load\"} 9\n", one, "there twice");
  expect_lie(rest + group(1, 3.5) + "z{instance=\"host-1\",job=\"load\"} 9\n", one, "z{} was never pushed");
  expect_lie(rest + "a{instance=\"host-1\",job=\"load\",x=\"1\"} 3.5\n", one, "b{} is missing, 1 of 2");
  expect_lie(rest + "b{instance=\"host-1\",job=\"load\"} 9\na{instance=\"host-1\",job=\"load\",x=\"1\"} 3.5\n", one,
             "push_time_seconds is missing");
  const std::string three = "{instance=\"host-7\",job=\"load\"}";
  expect_lie(honest() + group(7, 3.5), three, "never pushed");
  expect_lie(honest() + "b{instance=\"x\",job=\"load\"} 9\n", "{instance=\"x\",job=\"load\"}", "never pushed");
}

TEST_F(VerifierTest, ADeletedGroupMayNotComeBackAfterItsName) {
  first_.acknowledged(0, first_.begin_retire(0));
  const Verdict without = verdict(group(1, 3.5) + group(2, 3.5));
  EXPECT_TRUE(without.holds());
  expect_lie(honest(), "{instance=\"host-0\",job=\"load\"}", "DELETE was acknowledged");
}

TEST_F(VerifierTest, ADeletedGroupWithoutALaterPushMayBeAbsentOnly) {
  // A DELETE in the middle: its number was never a value, but a push before it is older than what was acknowledged.
  expect_lie(honest() + group(3, 3.5), "{instance=\"host-3\",job=\"load\"}", "push 3 is stored although push 4");
}

TEST_F(VerifierTest, HalfOfTwoPushes) {
  auto body = Body::make("a {{seq}}\nb {{seq}}\n", BodyFormat::kText);
  const Groups& groups = first_;
  const GroupNames names("load", 2, 1);
  Verifier verifier(*body, names, {&groups});
  static_cast<void>(first_.begin_push(0));
  static_cast<void>(first_.begin_push(1));
  verifier.feed("a{instance=\"host-0\",job=\"load\"} 3\nb{instance=\"host-0\",job=\"load\"} 4\n");
  const Verdict found = verifier.finish();
  ASSERT_FALSE(found.holds());
  EXPECT_NE(found.violations[0].what.find("comes from push 4, others of the group from push 3"), std::string::npos);
}

TEST_F(VerifierTest, ManyLiesAreCountedAndAFewKept) {
  std::string scrape = honest();
  for (int i = 100; i < 400; ++i) scrape += fmt::format("b{{instance=\"host-{}\",job=\"load\"}} 9\n", i);
  const Verdict found = verdict(scrape);
  EXPECT_EQ(found.violations_total, 300u);
  EXPECT_EQ(found.violations.size(), Verifier::kViolationsKept);
}

}  // namespace
}  // namespace sluice::tools::load
