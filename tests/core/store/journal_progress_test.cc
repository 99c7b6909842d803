// A push that its journal has no room for holds nobody up: neither another writer's pushes of its job, nor those whose
// families are new; and two that are held up again and again both come to an end.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/store/journal.h"
#include "core/store/store.h"
#include "tests/core/store/random_push.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Labels;
using testing::Pushed;
using testing::RandomPush;

// More than any push here takes.
constexpr int kStepsMax = 300;

// Its worker writes the buffer in turns of its own only.
class SmallJournal final : public Journal {
 public:
  Verdict begin(size_t bytes) noexcept override {
    ++asked;
    return full || (used_ != 0 && used_ + bytes > bytes_max) ? Verdict::kPark : Verdict::kAccept;
  }
  void append(const Change& change) noexcept override {
    used_ += change.label_text.size();
    if (change.push != nullptr) used_ += change.push->used_bytes;
  }
  void abandon() noexcept override {}
  void write() noexcept { used_ = 0; }

  bool full = false;
  size_t bytes_max = SIZE_MAX;
  int asked = 0;

 private:
  size_t used_ = 0;
};

Options options() {
  Options options;
  options.writers_max = 3;
  options.own_families = RandomPush::own_families();
  return options;
}

// Two workers, each with a journal.
struct Workers {
  ~Workers() {
    for (Client& client : clients) client.writer().set_journal(nullptr);
  }
  // Before there are journals; the second worker delays no grace period.
  void put(const Labels& labels, std::string_view body) {
    clients[1].writer().offline();
    EXPECT_EQ(clients[0].put(labels, body).status, PushStatus::kOk);
    clients[1].writer().online();
  }
  // One step of each that is under way, first the first one's. Whether the second one's push is done.
  bool turn(PushOp& first, PushOp& second) {
    if (first.step(Deadline::never()) == StepResult::kDone) ADD_FAILURE() << "its journal has no room";
    const bool done = second.step(Deadline::never()) == StepResult::kDone;
    for (Client& client : clients) client.writer().quiescent();
    return done;
  }
  // The first one's journal is full, and its push is at the point where it finds that out.
  void hold_up(PushOp& op) {
    journals[0].full = true;
    for (int i = 0; i < kStepsMax && journals[0].asked == 0; ++i) {
      ASSERT_EQ(op.step(Deadline::never()), StepResult::kParked);
      for (Client& client : clients) client.writer().quiescent();
    }
    ASSERT_GT(journals[0].asked, 0);
  }
  [[nodiscard]] bool finishes(PushOp& first, PushOp& second) {
    for (int i = 0; i < kStepsMax; ++i) {
      if (turn(first, second)) return true;
    }
    return false;
  }
  // With room again.
  [[nodiscard]] PushStatus finish_first(PushOp& first) {
    journals[0].full = false;
    for (int i = 0; i < kStepsMax; ++i) {
      if (first.step(Deadline::never()) == StepResult::kDone) return first.result().status;
      for (Client& client : clients) client.writer().quiescent();
    }
    ADD_FAILURE() << "it does not end";
    return PushStatus::kRefused;
  }
  void journal_all() {
    for (size_t i = 0; i < clients.size(); ++i) clients[i].writer().set_journal(&journals[i]);
  }

  Store store{options()};
  std::array<SmallJournal, 2> journals;
  std::array<Client, 2> clients{Client(store), Client(store)};
};

// With several sets of grouping label names a push publishes under its job's lock.
TEST(JournalProgress, AHeldUpPushDoesNotKeepTheLockOfItsJob) {
  Workers workers;
  const Labels with_instance = {{"job", "t"}, {"instance", "a"}};
  const Labels with_zone = {{"job", "t"}, {"zone", "b"}};
  workers.put(with_instance, "x 1\n");
  workers.put(with_zone, "x 1\n");
  workers.journal_all();
  const Pushed held(with_instance, "x 2\n");
  const Pushed other(with_zone, "x 3\n");
  PushOp first;
  first.start(workers.clients[0].writer(), held.request(true, 1));
  workers.hold_up(first);
  PushOp second;
  second.start(workers.clients[1].writer(), other.request(true, 2));
  ASSERT_TRUE(workers.finishes(first, second)) << "it waits for another writer's journal";
  EXPECT_EQ(second.result().status, PushStatus::kOk);
  EXPECT_EQ(workers.finish_first(first), PushStatus::kOk);
}

// What was checked while it was held up is checked again: the other push may have brought the same series.
TEST(JournalProgress, AHeldUpPushSeesTheDuplicateThatCameMeanwhile) {
  Workers workers;
  const Labels with_instance = {{"job", "t"}, {"instance", "a"}};
  const Labels with_zone = {{"job", "t"}, {"zone", "b"}};
  workers.put(with_instance, "other 1\n");
  workers.put(with_zone, "other2 1\n");
  workers.journal_all();
  const Pushed held(with_instance, "x{zone=\"b\"} 2\n");
  const Pushed other(with_zone, "x{instance=\"a\"} 3\n");
  PushOp first;
  first.start(workers.clients[0].writer(), held.request(true, 1));
  workers.hold_up(first);
  PushOp second;
  second.start(workers.clients[1].writer(), other.request(true, 2));
  ASSERT_TRUE(workers.finishes(first, second));
  EXPECT_EQ(second.result().status, PushStatus::kOk);
  EXPECT_EQ(workers.finish_first(first), PushStatus::kConflict);
  EXPECT_EQ(first.result().conflict.kind, model::ConflictKind::kDuplicateSeries);
}

// A push that contradicts a type which is registered and out of use publishes under the registry's lock.
struct Contested : Workers {
  Contested() {
    put({{"job", "old"}}, "# TYPE x gauge\nx 1\n");
    EXPECT_TRUE(clients[0].erase({{"job", "old"}}).existed);
    journal_all();
    first.start(clients[0].writer(), held.request(true, 1));
    hold_up(first);
  }

  const Pushed held{{{"job", "t"}}, "# TYPE x counter\nx 2\n"};
  PushOp first;
};

TEST(JournalProgress, AHeldUpPushDoesNotKeepTheLockOfTheShapes) {
  Contested workers;
  const Pushed other({{"job", "u"}}, "never_seen 3\n");
  PushOp second;
  second.start(workers.clients[1].writer(), other.request(true, 2));
  ASSERT_TRUE(workers.finishes(workers.first, second)) << "it waits for another writer's journal";
  EXPECT_EQ(second.result().status, PushStatus::kOk);
  EXPECT_EQ(workers.finish_first(workers.first), PushStatus::kOk);
}

TEST(JournalProgress, AHeldUpPushKeepsNobodyFromTheTypeThatItContests) {
  Contested workers;
  const Pushed other({{"job", "u"}}, "# TYPE x gauge\nx 3\n");
  PushOp second;
  second.start(workers.clients[1].writer(), other.request(true, 2));
  ASSERT_TRUE(workers.finishes(workers.first, second)) << "it waits for another writer's journal";
  EXPECT_EQ(second.result().status, PushStatus::kOk);
  EXPECT_EQ(workers.finish_first(workers.first), PushStatus::kConflict);
}

// While its journal is full it costs a look at the journal, and no other work.
TEST(JournalProgress, AHeldUpPushAsksTheJournalFirst) {
  Contested workers;
  const uint64_t restarts = workers.store.stats().restarts;
  const int asked = workers.journals[0].asked;
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(workers.first.step(Deadline::never()), StepResult::kParked);
    for (Client& client : workers.clients) client.writer().quiescent();
  }
  EXPECT_EQ(workers.journals[0].asked, asked + 50);
  EXPECT_EQ(workers.store.stats().restarts, restarts);
}

// ---- Two that are held up against each other ------------------------------------------------------------------------

// A worker with a small buffer, which is written now and then; one push after the other.
class Pusher {
 public:
  Pusher(Store& store, uint64_t seed) : random_(seed), client_(store), period_(1 + random_.below(9)) {
    journal_.bytes_max = random_.below(300);
    client_.writer().set_journal(&journal_);
  }
  ~Pusher() {
    op_.reset();
    client_.writer().set_journal(nullptr);
  }
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

  // False: its push has had more turns than any may take.
  bool turn(bool slices) {
    if (++turns_ % period_ == 0) journal_.write();
    if (!op_) {
      begin();
    } else if (op_->step(slices ? Deadline::in_ns(0) : Deadline::never()) == StepResult::kDone) {
      op_.reset();
      ++done;
      steps_ = 0;
    } else if (++steps_ > kStepsMax) {
      return false;
    }
    client_.writer().quiescent();
    return true;
  }

  uint64_t done = 0;

 private:
  void begin() {
    const Labels labels = random_.labels();
    if (random_.below(6) == 0) {
      static_cast<void>(client_.erase(labels));
      return;
    }
    pushed_ = std::make_unique<Pushed>(labels, random_.body());
    if (pushed_->conflict) return;
    op_.emplace();
    op_->start(client_.writer(), pushed_->request(random_.below(2) == 0, 1));
  }

  RandomPush random_;
  SmallJournal journal_;
  Client client_;
  const uint64_t period_;
  std::unique_ptr<Pushed> pushed_;
  std::optional<PushOp> op_;
  uint64_t turns_ = 0;
  int steps_ = 0;
};

TEST(JournalProgress, NoTwoPushersKeepEachOtherGoing) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Store store(options());
    Pusher first(store, 2 * seed), second(store, 2 * seed + 1);
    RandomPush order(seed);
    // By turns, or one of them more often than the other.
    const uint64_t of_first = order.below(4);
    for (uint64_t turn = 0; turn < 2000; ++turn) {
      const bool is_first = of_first == 0 ? turn % 2 == 0 : order.below(4) < of_first;
      ASSERT_TRUE((is_first ? first : second).turn(seed % 2 == 0)) << "seed " << seed << " turn " << turn;
    }
    EXPECT_GT(first.done, 10U) << "seed " << seed;
    EXPECT_GT(second.done, 10U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::store
