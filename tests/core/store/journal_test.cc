// What a journal hears: every mutation once, in an order by stamps that gives the store's content; and what it may hold
// up or refuse.
#include "core/store/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/random_push.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Contents;
using testing::GroupContent;
using testing::Labels;
using testing::Pushed;
using testing::RandomPush;

// A Change that owns what it says.
struct Told {
  ChangeKind kind = ChangeKind::kPost;
  bool created = false;
  uint64_t stamp = 0;
  std::string label;
  int64_t push_time_ns = 0;
  int64_t push_failure_time_ns = 0;
  std::map<std::string, std::string> families;
};

class Recorder final : public Journal {
 public:
  Verdict begin(size_t bytes) noexcept override {
    EXPECT_FALSE(open_);
    most_bytes = bytes;
    if (parks_left > 0) {
      --parks_left;
      return Verdict::kPark;
    }
    if (refuse) return Verdict::kRefuse;
    open_ = true;
    return Verdict::kAccept;
  }
  void append(const Change& change) noexcept override {
    EXPECT_TRUE(open_);
    open_ = false;
    Told& told = all.emplace_back();
    told.kind = change.kind;
    told.created = change.created;
    told.stamp = change.stamp;
    told.label = change.label_text;
    EXPECT_EQ(change.version == nullptr, change.kind == ChangeKind::kErase);
    if (change.version != nullptr) {
      EXPECT_EQ(change.version->stamp(), change.stamp);
      EXPECT_EQ(change.version->label_text(), change.label_text);
      told.push_time_ns = change.version->push_time_ns();
      told.push_failure_time_ns = change.version->push_failure_time_ns();
    }
    EXPECT_EQ(change.push != nullptr, change.kind == ChangeKind::kPost || change.kind == ChangeKind::kPut);
    if (change.push == nullptr) return;
    size_t bytes = 0;
    for (const model::CanonicalFamily& family : change.push->families) {
      const model::Fragment fragment = change.push->fragment(family);
      bytes += family.name.size() + family.help.size() + fragment.text().size() + fragment.record().size();
      told.families[std::string(family.name)] = std::to_string(static_cast<int>(family.type)) + "|" +
                                                (family.has_help ? std::string(family.help) : "(none)") + "|" +
                                                std::string(fragment.text());
    }
    EXPECT_LE(bytes, most_bytes);
  }
  void abandon() noexcept override {
    EXPECT_TRUE(open_);
    open_ = false;
    ++abandoned;
  }

  std::vector<Told> all;
  size_t most_bytes = 0;
  uint64_t abandoned = 0;
  int parks_left = 0;
  bool refuse = false;

 private:
  bool open_ = false;
};

// The content that the changes make, one after the other by their stamps.
Contents replay(std::vector<Told> changes) {
  std::ranges::sort(changes, {}, &Told::stamp);
  Contents contents;
  for (const Told& told : changes) {
    if (told.kind == ChangeKind::kErase) {
      EXPECT_EQ(contents.erase(told.label), 1u);
      continue;
    }
    const auto [at, created] = contents.try_emplace(told.label);
    EXPECT_EQ(created, told.created) << told.label << " at " << told.stamp;
    GroupContent& group = at->second;
    group.stamp = told.stamp;
    group.push_time_ns = told.push_time_ns;
    group.push_failure_time_ns = told.push_failure_time_ns;
    if (told.kind == ChangeKind::kPut) group.families.clear();
    for (const auto& [name, family] : told.families) group.families[name] = family;
  }
  return contents;
}

void expect_equal(const Contents& got, const Contents& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [label, group] : wanted) {
    const auto found = got.find(label);
    ASSERT_NE(found, got.end()) << label;
    EXPECT_EQ(found->second.families, group.families) << label;
    EXPECT_EQ(found->second.stamp, group.stamp) << label;
    EXPECT_EQ(found->second.push_time_ns, group.push_time_ns) << label;
    EXPECT_EQ(found->second.push_failure_time_ns, group.push_failure_time_ns) << label;
  }
}

Options options(unsigned writers) {
  Options options;
  options.writers_max = writers;
  options.own_families = RandomPush::own_families();
  return options;
}

const Labels kA = {{"job", "t"}, {"instance", "a"}};
const Labels kB = {{"job", "t"}, {"instance", "b"}};

TEST(StoreJournal, HearsEveryKind) {
  Store store(options(1));
  Client client(store);
  Recorder journal;
  client.writer().set_journal(&journal);
  client.put(kA, "# HELP x help\n# TYPE x gauge\nx 1\ny 2\n", 5);
  client.post(kA, "y 3\n", 6);
  client.fail(kB, 7);
  EXPECT_TRUE(client.erase(kA).existed);
  EXPECT_FALSE(client.erase(kA).existed);
  client.put(kA, "", 8);
  EXPECT_EQ(client.wipe(), 2u);

  ASSERT_EQ(journal.all.size(), 7u);
  const auto expect = [&](size_t at, ChangeKind kind, bool created, const std::string& label) {
    EXPECT_EQ(journal.all[at].kind, kind) << at;
    EXPECT_EQ(journal.all[at].created, created) << at;
    EXPECT_EQ(journal.all[at].label, label) << at;
    EXPECT_GT(journal.all[at].stamp, at > 0 ? journal.all[at - 1].stamp : 0);
  };
  const std::string a = "instance=\"a\",job=\"t\"";
  const std::string b = "instance=\"b\",job=\"t\"";
  expect(0, ChangeKind::kPut, true, a);
  expect(1, ChangeKind::kPost, false, a);
  expect(2, ChangeKind::kFail, true, b);
  expect(3, ChangeKind::kErase, false, a);
  expect(4, ChangeKind::kPut, true, a);
  EXPECT_EQ(journal.all[5].kind, ChangeKind::kErase);
  EXPECT_EQ(journal.all[6].kind, ChangeKind::kErase);
  EXPECT_EQ(journal.all[0].families.size(), 2u);
  EXPECT_EQ(journal.all[0].families["x"], "1|help|x{instance=\"a\",job=\"t\"} 1\n");
  EXPECT_EQ(journal.all[1].families.size(), 1u);
  EXPECT_EQ(journal.all[1].push_time_ns, 6);
  EXPECT_EQ(journal.all[2].push_failure_time_ns, 7);
  EXPECT_EQ(journal.abandoned, 0u);
}

TEST(StoreJournal, ARefusedChangeChangesNothing) {
  Store store(options(1));
  Client client(store);
  client.put(kA, "x 1\n");
  Recorder journal;
  journal.refuse = true;
  client.writer().set_journal(&journal);
  const Contents before = client.contents();
  EXPECT_EQ(client.put(kA, "x 2\n").status, PushStatus::kRefused);
  EXPECT_EQ(client.post(kB, "x 2\n").status, PushStatus::kRefused);
  EXPECT_EQ(client.fail(kA).status, PushStatus::kRefused);
  EXPECT_EQ(client.erase(kA).status, EraseResult::Status::kRefused);
  EXPECT_EQ(client.erase(kB).status, EraseResult::Status::kDone);
  WipeOp wipe;
  wipe.start(client.writer());
  testing::finish(wipe, client.writer());
  EXPECT_TRUE(wipe.refused());
  EXPECT_EQ(wipe.groups(), 0u);
  expect_equal(client.contents(), before);
  EXPECT_TRUE(journal.all.empty());

  journal.refuse = false;
  EXPECT_EQ(client.put(kA, "x 2\n").status, PushStatus::kOk);
  EXPECT_EQ(journal.all.size(), 1u);
}

TEST(StoreJournal, WhatHasNoRoomIsTriedAgain) {
  Store store(options(1));
  Client client(store);
  Recorder journal;
  client.writer().set_journal(&journal);
  journal.parks_left = 3;
  EXPECT_EQ(client.put(kA, "x 1\n").status, PushStatus::kOk);
  journal.parks_left = 1;
  EXPECT_EQ(client.erase(kA).status, EraseResult::Status::kParked);
  EXPECT_EQ(client.erase(kA).status, EraseResult::Status::kDone);
  for (int i = 0; i < 100; ++i) client.put({{"job", "t"}, {"instance", std::to_string(i)}}, "x 1\n");
  journal.parks_left = 2;
  EXPECT_EQ(client.wipe(), 100u);
  EXPECT_TRUE(client.contents().empty());
  EXPECT_EQ(journal.all.size(), 202u);
  EXPECT_TRUE(replay(journal.all).empty());
}

TEST(StoreJournal, APushThatDiesWhileItWaitsLeavesNothing) {
  Store store(options(1));
  Client client(store);
  Recorder journal;
  journal.parks_left = 1;
  client.writer().set_journal(&journal);
  const Pushed pushed(kA, "x 1\n");
  {
    PushOp op;
    op.start(client.writer(), pushed.request(true, 1));
    EXPECT_EQ(op.step(Deadline::never()), StepResult::kParked);
  }
  client.settle();
  EXPECT_TRUE(client.contents().empty());
  EXPECT_TRUE(journal.all.empty());
}

// Who acknowledges a wipe waits for its stamp: a DELETE that left it nothing to do must not vanish behind it.
TEST(StoreJournal, AWipeIsNotOlderThanADeleteThatItSaw) {
  Store store(options(2));
  Client client(store), other(store);
  client.put(kA, "x 1\n");
  WipeOp wipe;
  wipe.start(client.writer());
  const EraseResult erased = other.erase(kA);
  EXPECT_TRUE(erased.existed);
  while (wipe.step(Deadline::never()) != StepResult::kDone) {
  }
  EXPECT_EQ(wipe.groups(), 0u);
  EXPECT_GE(wipe.stamp(), erased.stamp);
}

TEST(StoreJournal, StampsGoOnAboveWhatWasFound) {
  Store store(options(1));
  store.continue_stamps_after(1'000'000);
  Client client(store);
  EXPECT_GT(client.put(kA, "x 1\n").stamp, 1'000'000u);
}

// Two threads on few groups: by their stamps, what both journals heard makes the content of the store.
TEST(StoreJournal, TwoWritersOnTheSameGroups) {
  const uint64_t seed = std::random_device{}();
  printf("seed %lu\n", static_cast<unsigned long>(seed));
  for (int round = 0; round < 20; ++round) {
    Store store(options(3));
    Recorder journals[2];
    const auto work = [&](unsigned who) {
      RandomPush random(seed + static_cast<uint64_t>(2 * round) + who);
      Client client(store);
      client.writer().set_journal(&journals[who]);
      for (int i = 0; i < 300; ++i) {
        const Labels labels = random.labels();
        const uint64_t what = random.below(100);
        if (what == 0) {
          client.wipe();
        } else if (what < 30) {
          static_cast<void>(client.erase(labels));
        } else if (what < 40) {
          client.fail(labels, static_cast<int64_t>(i));
        } else {
          const Pushed pushed(labels, random.body());
          if (pushed.conflict) continue;
          if (random.below(8) == 0) journals[who].parks_left = 1;
          PushOp op;
          op.start(client.writer(), pushed.request(what < 70, i));
          // A worker waits before it tries again, too: two that never do can keep each other going.
          testing::finish(op, client.writer(),
                          [&] { std::this_thread::sleep_for(std::chrono::microseconds(random.below(50))); });
        }
        client.writer().quiescent();
      }
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    std::vector<Told> all = journals[0].all;
    all.insert(all.end(), journals[1].all.begin(), journals[1].all.end());
    Client client(store);
    expect_equal(client.contents(), replay(all));
  }
}

}  // namespace
}  // namespace sluice::store
