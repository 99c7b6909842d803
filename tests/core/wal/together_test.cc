// What `always` acknowledges survives together: what one worker did because it had seen another's DELETE, type or wipe
// is not acknowledged before that is on disk too. And no clock is asked for any of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/wal/recovery.h"
#include "tests/core/wal/history.h"
#include "tests/core/wal/log_bench.h"

namespace sluice::wal {
namespace {

using store::ChangeKind;
using store::PushStatus;
using store::StepResult;
using store::testing::Labels;
using testing::Bench;
using testing::Families;
using testing::Groups;
using testing::History;
using testing::Mutation;
using testing::with;
using Acknowledged = LogSet::Acknowledged;

const Labels kOld = {{"job", "old"}};
const Labels kNew = {{"job", "new"}};
constexpr std::string_view kOldText = "instance=\"\",job=\"old\"";
constexpr std::string_view kNewText = "instance=\"\",job=\"new\"";

// Of each group the texts of its families.
Groups recovered(testing::SimulatedDisk& disk) {
  Groups groups;
  const auto storage = disk.open();
  Recovery recovery(*storage);
  EXPECT_TRUE(recovery.read(1));
  EXPECT_TRUE(recovery.figures().damages.empty());
  recovery.for_each_group(0, [&](const StoredGroup& group) {
    Families& families = groups[std::string(group.label_text)];
    for (const StoredFamily& family : group.families) {
      const size_t space = family.text.rfind(' ');
      families[std::string(family.name)] = family.text.substr(space + 1, family.text.size() - space - 2);
    }
  });
  return groups;
}

// Two workers; one of them waits for nobody's grace period.
struct Workers : Bench {
  explicit Workers(uint64_t seed) : Bench(with(Fsync::kAlways), 2, seed) { EXPECT_TRUE(logs.keep()); }

  uint64_t post(uint32_t worker, const Labels& labels, std::string_view body, int64_t wall_ns = 1) {
    clients[1 - worker]->writer().offline();
    const store::PushResult result = clients[worker]->post(labels, body, wall_ns);
    clients[1 - worker]->writer().online();
    EXPECT_EQ(result.status, PushStatus::kOk) << body;
    return result.stamp;
  }
  void secure(uint32_t worker) {
    log(worker).flush();
    sync(worker);
  }
  [[nodiscard]] bool is_acknowledged(uint64_t stamp) const { return logs.acknowledged(stamp) == Acknowledged::kYes; }
};

// The first worker has pushed `before`; the second one then does `change`, and the first builds on it with `after`.
// That is not acknowledged with one of the logs on disk, and with both exactly `wanted` is there behind a power cut.
template <typename Change>
void expect_together(std::string_view before, Change change, const Labels& labels, std::string_view after,
                     const Groups& wanted) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const auto first_synced = static_cast<uint32_t>(seed % 2);
    Workers workers(seed);
    const uint64_t old = workers.post(0, kOld, before);
    workers.secure(0);
    ASSERT_TRUE(workers.is_acknowledged(old));
    change(workers);
    const uint64_t stamp = workers.post(0, labels, after);
    workers.log(0).flush();
    workers.log(1).flush();
    workers.sync(first_synced);
    ASSERT_FALSE(workers.is_acknowledged(stamp)) << "the other worker's log is not on disk";
    workers.sync(1 - first_synced);
    ASSERT_TRUE(workers.is_acknowledged(stamp));
    workers.disk.power_cut();
    ASSERT_EQ(recovered(workers.disk), wanted) << "seed " << seed;
  }
}

TEST(Together, ADeleteThatAnotherWorkerSaw) {
  expect_together("x 1\n", [](Workers& workers) { EXPECT_TRUE(workers.clients[1]->erase(kOld).existed); }, kOld,
                  "y 2\n", {{std::string(kOldText), {{"y", "2"}}}});
}

TEST(Together, ATypeThatADeleteMadeFree) {
  expect_together("# TYPE x gauge\nx 1\n",
                  [](Workers& workers) { EXPECT_TRUE(workers.clients[1]->erase(kOld).existed); }, kNew,
                  "# TYPE x counter\nx 2\n", {{std::string(kNewText), {{"x", "2"}}}});
}

TEST(Together, ATypeThatAnotherWorkerChanged) {
  expect_together("# TYPE x gauge\nx 1\n", [](Workers& workers) { workers.post(1, kOld, "# TYPE x counter\nx 3\n"); },
                  kNew, "# TYPE x counter\nx 2\n",
                  {{std::string(kOldText), {{"x", "3"}}}, {std::string(kNewText), {{"x", "2"}}}});
}

// A DELETE that found nothing says that nothing is there: what took it away must not come back.
TEST(Together, ADeleteThatFoundNothingWaitsForTheOneThatLeftIt) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Workers workers(seed);
    workers.post(0, kOld, "x 1\n");
    workers.secure(0);
    ASSERT_TRUE(workers.clients[1]->erase(kOld).existed);
    const store::EraseResult nothing = workers.clients[0]->erase(kOld);
    ASSERT_FALSE(nothing.existed);
    workers.log(1).flush();
    ASSERT_FALSE(workers.is_acknowledged(nothing.stamp));
    workers.sync(1);
    ASSERT_TRUE(workers.is_acknowledged(nothing.stamp));
    workers.disk.power_cut();
    ASSERT_TRUE(recovered(workers.disk).empty());
  }
}

// ---- A wipe among pushes --------------------------------------------------------------------------------------------

// Tells a log, and keeps the DELETEs of a wipe.
class Eraser final : public store::Journal {
 public:
  explicit Eraser(Log& log) : log_(log) {}
  [[nodiscard]] Verdict begin(size_t bytes) noexcept override { return log_.begin(bytes); }
  void append(const store::Change& change) noexcept override {
    erased.push_back({ChangeKind::kErase, change.stamp, std::string(change.label_text), {}, false, false});
    log_.append(change);
  }
  void abandon() noexcept override { log_.abandon(); }

  std::vector<Mutation> erased;

 private:
  Log& log_;
};

// The first worker wipes, slice by slice; the second goes on pushing. Each log is written and synced at its own times.
class Wiping {
 public:
  explicit Wiping(uint64_t seed) : random_(seed), workers_(seed) {
    workers_.clients[0]->writer().set_journal(&eraser_);
  }
  ~Wiping() { workers_.clients[0]->writer().set_journal(nullptr); }
  Wiping(const Wiping&) = delete;
  Wiping& operator=(const Wiping&) = delete;

  // Empty, or what is wrong with what a power cut leaves.
  std::string run() {
    for (int group = 0; group < kGroups; ++group) push(group);
    now_and_then(1);
    now_and_then(1);
    const int before = value_;
    store::WipeOp wipe;
    wipe.start(workers_.clients[0]->writer());
    uint64_t wiped = 0;
    for (uint64_t turns = below(900); turns > 0; --turns) {
      const bool done = wiped == 0 && wipe.step(Deadline::in_ns(0)) == StepResult::kDone;
      if (done) wiped = wipe.stamp();
      for (Mutation& mutation : eraser_.erased) waiting_.push_back(history_.add(std::move(mutation)));
      eraser_.erased.clear();
      if (below(6) == 0) push(static_cast<int>(below(kGroups)));
      now_and_then(8);
      for (auto& client : workers_.clients) client->writer().quiescent();
    }
    wipe.cancel();
    const bool acknowledged = wiped != 0 && workers_.is_acknowledged(wiped);
    workers_.disk.power_cut();
    const Groups groups = recovered(workers_.disk);
    if (acknowledged) {
      ++acknowledged_wipes;
      for (const auto& [group, families] : groups) {
        for (const auto& [name, value] : families) {
          if (std::stoi(value) <= before) return fmt::format("{} {} {} is older than the wipe", group, name, value);
        }
      }
    }
    return history_.check(groups, true);
  }

  static inline int acknowledged_wipes = 0;

 private:
  static constexpr int kGroups = 60;

  uint64_t below(uint64_t bound) { return random_() % bound; }

  void push(int group) {
    Mutation mutation;
    mutation.group = fmt::format("instance=\"\",job=\"j{}\"", group);
    const std::string name = fmt::format("m{}", below(2));
    mutation.families[name] = std::to_string(++value_);
    const std::string body = fmt::format("{} {}\n", name, value_);
    mutation.stamp = workers_.post(1, {{"job", fmt::format("j{}", group)}}, body);
    waiting_.push_back(history_.add(std::move(mutation)));
  }

  // One in so many times each log is written, and synced.
  void now_and_then(uint64_t many) {
    for (const uint32_t log : {0U, 1U}) {
      if (below(many) == 0) workers_.log(log).flush();
      if (below(many) == 0 && workers_.log(log).wants_sync(0) != nullptr) workers_.sync(log);
    }
    std::erase_if(waiting_, [&](size_t index) {
      Mutation& mutation = history_.at(index);
      mutation.on_disk = workers_.is_acknowledged(mutation.stamp);
      return mutation.on_disk;
    });
  }

  std::mt19937_64 random_;
  Workers workers_;
  Eraser eraser_{workers_.log(0)};
  History history_;
  std::vector<size_t> waiting_;
  int value_ = 0;
};

TEST(Together, AWipeAmongPushes) {
  for (uint64_t seed = 1; seed <= 150; ++seed) ASSERT_EQ(Wiping(seed).run(), "") << "seed " << seed;
  EXPECT_GT(Wiping::acknowledged_wipes, 20);
}

// ---- The clock ------------------------------------------------------------------------------------------------------

constexpr int64_t kHourNs = 3'600'000'000'000;

TEST(Clock, BackAnHourItChangesNothingButPushTimes) {
  for (const bool power_cut : {false, true}) {
    Workers workers(1);
    int64_t now = 10 * kHourNs;
    const uint64_t first = workers.post(0, kOld, "x 1\nz 1\n", now);
    now -= kHourNs;
    EXPECT_TRUE(workers.clients[1]->erase(kOld).existed);
    const uint64_t again = workers.post(1, kOld, "x 2\n", now);
    now -= kHourNs;
    const uint64_t last = workers.post(0, kOld, "y 3\n", now);
    EXPECT_LT(first, again);
    EXPECT_LT(again, last);
    for (const uint32_t worker : {0U, 1U}) workers.secure(worker);
    ASSERT_TRUE(workers.is_acknowledged(last));
    if (power_cut) {
      workers.disk.power_cut();
    } else {
      workers.disk.restart_process();
    }
    EXPECT_EQ(recovered(workers.disk), (Groups{{std::string(kOldText), {{"x", "2"}, {"y", "3"}}}}));
    const auto storage = workers.disk.open();
    Recovery recovery(*storage);
    ASSERT_TRUE(recovery.read(1));
    EXPECT_EQ(recovery.figures().stamp_max, last);
    recovery.for_each_group(0, [&](const StoredGroup& group) {
      EXPECT_EQ(group.push_time_ns, now) << "the clock's, as it was";
      EXPECT_EQ(group.families[0].push_time_ns, now + kHourNs);
    });
  }
}

}  // namespace
}  // namespace sluice::wal
