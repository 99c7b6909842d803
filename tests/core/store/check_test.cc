// The consistency check on one writer: the reference's verdicts (client_golang registry.go, Gatherers.Gather), and that
// a rejected push leaves nothing behind that others could run into.
#include <gtest/gtest.h>

#include <string>

#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using model::ConflictKind;
using testing::Client;
using testing::Labels;

Options options_with_own() {
  Options options;
  options.own_families = {{"own_gauge", model::MetricType::kGauge}, {"own_summary", model::MetricType::kSummary}};
  return options;
}

class CheckTest : public ::testing::Test {
 protected:
  // The kind of conflict, kNoConflict when the push was stored.
  ConflictKind put(const Labels& labels, std::string_view text) { return kind(client_.put(labels, text)); }
  ConflictKind post(const Labels& labels, std::string_view text) { return kind(client_.post(labels, text)); }
  ConflictKind kind(const PushResult& result) {
    last_ = result.conflict;
    return result.status == PushStatus::kOk ? ConflictKind::kNoConflict : result.conflict.kind;
  }

  Store store_{options_with_own()};
  Client client_{store_};
  model::Conflict last_;
};

const Labels kA = {{"job", "t"}, {"instance", "a"}};
const Labels kB = {{"job", "t"}, {"instance", "b"}};
const std::string kHistogram = "# TYPE x histogram\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n";
const std::string kSummary = "# TYPE x summary\nx_sum 1\nx_count 1\n";

TEST_F(CheckTest, AnotherTypeInAnotherGroupIsAConflict) {
  EXPECT_EQ(put(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "a 1\n# TYPE x counter\nx 1\n"), ConflictKind::kTypeMismatch);
  EXPECT_EQ(last_.family, 1u);
  EXPECT_EQ(last_.other_type, model::MetricType::kGauge);
  EXPECT_FALSE(last_.other_is_own);
  EXPECT_EQ(client_.contents().size(), 1u);
  EXPECT_EQ(put(kB, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, AGroupMayChangeItsOwnType) {
  EXPECT_EQ(put(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "# TYPE x counter\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(post(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "# TYPE x counter\nx 1\n"), ConflictKind::kTypeMismatch);
  EXPECT_TRUE(client_.erase(kB).existed);
  EXPECT_EQ(put(kA, "# TYPE x counter\nx 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, DeletingTheOtherGroupFreesTheType) {
  EXPECT_EQ(put(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_TRUE(client_.erase(kA).existed);
  EXPECT_EQ(put(kB, "# TYPE x counter\nx 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, ReplacingTheOtherGroupFreesTheType) {
  EXPECT_EQ(put(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "y 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "# TYPE x counter\nx 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, HelpMayDiffer) {
  EXPECT_EQ(put(kA, "# HELP x one\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "# HELP x two\nx 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, SuffixesOfHistograms) {
  EXPECT_EQ(put(kA, kHistogram), ConflictKind::kNoConflict);
  for (const char* suffix : {"count", "sum", "bucket"}) {
    EXPECT_EQ(put(kB, "# TYPE x_" + std::string(suffix) + " gauge\nx_" + suffix + " 1\n"),
              ConflictKind::kSuffixCollision);
    EXPECT_EQ(last_.other_name, "x");
  }
  EXPECT_EQ(put(kB, "x_max 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, SuffixesOfSummaries) {
  EXPECT_EQ(put(kA, kSummary), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "x_count 1\n"), ConflictKind::kSuffixCollision);
  EXPECT_EQ(put(kB, "x_sum 1\n"), ConflictKind::kSuffixCollision);
  EXPECT_EQ(put(kB, "x_bucket 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, SuffixesFromTheOtherSide) {
  EXPECT_EQ(put(kA, "x_bucket 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, kHistogram), ConflictKind::kSuffixCollision);
  EXPECT_EQ(last_.other_name, "x_bucket");
  EXPECT_EQ(put(kB, kSummary), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "x_sum 1\n"), ConflictKind::kSuffixCollision);
}

TEST_F(CheckTest, SuffixesWithinAMergedGroup) {
  EXPECT_EQ(put(kA, "x_count 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(post(kA, kHistogram), ConflictKind::kSuffixCollision);
  EXPECT_EQ(last_.family, 0u);
  EXPECT_EQ(put(kA, kHistogram), ConflictKind::kNoConflict);  // a PUT leaves x_count out
  EXPECT_EQ(post(kA, "x_sum 1\n"), ConflictKind::kSuffixCollision);
  EXPECT_EQ(post(kA, "# TYPE x gauge\nx 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(post(kA, "x_sum 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, OwnFamilies) {
  EXPECT_EQ(put(kA, "# TYPE own_gauge counter\nown_gauge 1\n"), ConflictKind::kTypeMismatch);
  EXPECT_TRUE(last_.other_is_own);
  EXPECT_EQ(put(kA, "# TYPE own_gauge gauge\nown_gauge 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "own_summary_count 1\n"), ConflictKind::kSuffixCollision);
  EXPECT_TRUE(last_.other_is_own);
  EXPECT_EQ(put(kB, "# TYPE own histogram\nown_bucket{le=\"+Inf\"} 1\nown_sum 1\nown_count 1\n"),
            ConflictKind::kNoConflict);
}

TEST_F(CheckTest, DuplicateAgainstASubsetOfOurNames) {
  EXPECT_EQ(put({{"job", "t"}}, "x{instance=\"a\"} 1\nx{instance=\"q\"} 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kB, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "y 1\nx{l=\"1\"} 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "y 1\nx{l=\"1\"} 1\nx 1\n"), ConflictKind::kDuplicateSeries);
  EXPECT_EQ(last_.family, 1u);
  EXPECT_EQ(last_.metric, 2u);
  EXPECT_EQ(put({{"job", "u"}, {"instance", "a"}}, "x 1\n"), ConflictKind::kNoConflict);  // another job
}

TEST_F(CheckTest, DuplicateAgainstASupersetOfOurNames) {
  EXPECT_EQ(put(kA, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}}, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}}, "x{instance=\"b\"} 1\nx{instance=\"a\"} 1\n"), ConflictKind::kDuplicateSeries);
  EXPECT_EQ(last_.metric, 1u);
  EXPECT_TRUE(client_.erase(kA).existed);
  EXPECT_EQ(put({{"job", "t"}}, "x{instance=\"b\"} 1\nx{instance=\"a\"} 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(kA, "x 1\n"), ConflictKind::kDuplicateSeries);
}

TEST_F(CheckTest, DuplicateBetweenOverlappingNames) {
  const Labels zone = {{"job", "t"}, {"zone", "z"}};
  EXPECT_EQ(put(kA, "x{zone=\"z\"} 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(zone, "x{instance=\"a\"} 1\n"), ConflictKind::kDuplicateSeries);
  EXPECT_EQ(put(zone, "x{instance=\"b\"} 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put(zone, "x{instance=\"a\",m=\"\"} 1\n"), ConflictKind::kNoConflict);
}

TEST_F(CheckTest, DuplicateWithEmptyValues) {
  EXPECT_EQ(put({{"job", "t"}, {"zone", ""}}, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}}, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}}, "x{zone=\"\"} 1\n"), ConflictKind::kDuplicateSeries);
}

TEST_F(CheckTest, DuplicateHistogramsAndSummaries) {
  EXPECT_EQ(put(kA, kHistogram), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}},
                "# TYPE x histogram\nx_bucket{instance=\"b\",le=\"1\"} 1\nx_bucket{instance=\"b\",le=\"+Inf\"} 1\n"
                "x_sum{instance=\"b\"} 1\nx_count{instance=\"b\"} 1\nx_bucket{instance=\"a\",le=\"+Inf\"} 1\n"
                "x_sum{instance=\"a\"} 1\nx_count{instance=\"a\"} 1\n"),
            ConflictKind::kDuplicateSeries);
  EXPECT_EQ(last_.metric, 1u);
}

TEST_F(CheckTest, KeptFamiliesOfAPostAreCheckedToo) {
  // x comes into kA by a POST, stays through the next POST of y, and still stands against another group's x.
  EXPECT_EQ(post(kA, "x 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(post(kA, "y 1\n"), ConflictKind::kNoConflict);
  EXPECT_EQ(put({{"job", "t"}}, "x{instance=\"a\"} 1\n"), ConflictKind::kDuplicateSeries);
  EXPECT_EQ(put(kB, "# TYPE x counter\nx 1\n"), ConflictKind::kTypeMismatch);
}

TEST_F(CheckTest, UnusedNameSetsAreForgotten) {
  for (int i = 0; i < 100; ++i) {
    const Labels labels = {{"job", "t"}, {"label_" + std::to_string(i), "1"}};
    EXPECT_EQ(put(labels, "x 1\n"), ConflictKind::kNoConflict) << i;  // far more than name_sets_per_job_max
    EXPECT_TRUE(client_.erase(labels).existed);
  }
}

TEST(CheckOffTest, NothingIsCompared) {
  Options options;
  options.check = false;
  Store store(options);
  Client client(store);
  EXPECT_EQ(client.put(kA, "# TYPE x gauge\nx 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put(kB, "# TYPE x counter\nx 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.put({{"job", "t"}}, "# TYPE x gauge\nx{instance=\"a\"} 1\n").status, PushStatus::kOk);
  EXPECT_EQ(client.contents().size(), 3u);
}

}  // namespace
}  // namespace sluice::store
