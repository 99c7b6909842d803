// What a run knows of its groups survives the file, and a file that is not one of ours is refused.
#include "tools/load/ledger.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/load/group_names.h"
#include "tools/load/random.h"
#include "tools/load/verifier.h"

namespace sluice::tools::load {
namespace {

constexpr std::string_view kHead = "sluice-load ledger 1\njob j\nbody s\nformat text\ngroups 5\nthreads 2\n";

// Random operations, some without an answer.
void work(Groups& groups, Random& random) {
  for (int step = 0; step < 200; ++step) {
    const uint64_t slot = random.below(groups.size());
    switch (random.below(5)) {
      case 0:
        if (groups.quiet(slot)) groups.acknowledged(slot, groups.begin_retire(slot));
        break;
      case 1:
        groups.acknowledged(slot, groups.begin_delete(slot));
        break;
      case 2:
        if (random.below(20) == 0) static_cast<void>(groups.begin_push(slot));
        break;
      default:
        groups.acknowledged(slot, groups.begin_push(slot));
        break;
    }
  }
}

TEST(Ledger, SaysTheSameAfterTheFile) {
  Random random(1);
  const Ledger head{"load_1", "file:/a folder/body.txt", BodyFormat::kProtobuf, 7, 2, {}};
  const GroupNames names(head.job, head.groups, head.threads);
  std::vector<Groups> groups;
  for (uint32_t thread = 0; thread < 2; ++thread) work(groups.emplace_back(names.groups_of(thread)), random);
  const auto read = parse_ledger(ledger_text(head, {groups.data(), &groups[1]}));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->job, head.job);
  EXPECT_EQ(read->body_name, head.body_name);
  EXPECT_EQ(read->format, head.format);
  EXPECT_EQ(read->groups, 7u);
  ASSERT_EQ(read->of_threads.size(), 2u);
  for (uint32_t thread = 0; thread < 2; ++thread) {
    ASSERT_EQ(read->of_threads[thread].size(), groups[thread].size());
    for (uint64_t slot = 0; slot < groups[thread].size(); ++slot) {
      const Allowed wanted = groups[thread].allowed(slot);
      const Allowed got = read->of_threads[thread].allowed(slot);
      EXPECT_EQ(got.floor, wanted.floor);
      EXPECT_EQ(got.sent, wanted.sent);
      EXPECT_EQ(got.absent, wanted.absent);
      EXPECT_EQ(got.untouched, wanted.untouched);
      EXPECT_EQ(read->of_threads[thread].generation(slot), groups[thread].generation(slot));
    }
  }
}

TEST(Ledger, ALostPushIsFoundByWhoReadsTheFile) {
  Groups groups(1);
  groups.acknowledged(0, groups.begin_push(0));
  groups.acknowledged(0, groups.begin_push(0));
  static_cast<void>(groups.begin_push(0));  // the gateway was killed
  const auto ledger = parse_ledger(ledger_text({"j", "one", BodyFormat::kText, 1, 1, {}}, {&groups}));
  ASSERT_TRUE(ledger.has_value());
  const auto body = Body::make("one {{seq}}\n", BodyFormat::kText);
  const GroupNames names(ledger->job, 1, 1);
  for (const auto& [number, holds] : {std::pair{1, false}, {2, true}, {3, true}, {4, false}}) {
    Verifier verifier(*body, names, {ledger->of_threads.data()});
    verifier.feed(fmt::format("one{0} {1}\npush_time_seconds{0} 1\npush_failure_time_seconds{0} 0\n",
                              "{instance=\"host-0\",job=\"j\"}", number));
    EXPECT_EQ(verifier.finish().holds(), holds) << number;
  }
}

TEST(Ledger, RefusesWhatIsNotOne) {
  const std::string head(kHead);
  EXPECT_TRUE(parse_ledger(head).has_value());
  EXPECT_TRUE(parse_ledger(head + "group 1 1 0 3 2 1\n").has_value());
  for (const std::string& more : {
           std::string("group 1 1 0 3 2 1"),      // the file ends in the middle
           std::string("group 2 0 0 3 2 1\n"),    // no such thread
           std::string("group 1 2 0 3 2 1\n"),    // no such slot
           std::string("group 1 1 0 3 4 1\n"),    // acknowledged and never sent
           std::string("group 1 1 0 3 2 4\n"),    // deleted and never sent
           std::string("group 1 1 0 3 2\n"),      // a number is missing
           std::string("group 1 1 0 3 2 1 0\n"),  // one too many
           std::string("group 1 1 0 x 2 1\n"),
           std::string("group 1 1 0 3 2 1\ngroup 1 1 0 3 2 1\n"),
           std::string("group 1 1 0 3 2 1\njob other\n"),
           std::string("colour blue\n"),
       }) {
    EXPECT_FALSE(parse_ledger(head + more).has_value()) << more;
  }
  EXPECT_FALSE(parse_ledger("").has_value());
  EXPECT_FALSE(parse_ledger("sluice-load ledger 2\n" + head.substr(head.find('\n') + 1)).has_value());
  EXPECT_FALSE(parse_ledger("sluice-load ledger 1\njob j\n").has_value());
  EXPECT_FALSE(parse_ledger("sluice-load ledger 1\njob j\ngroups 1\nthreads 2\n").has_value());
}

}  // namespace
}  // namespace sluice::tools::load
