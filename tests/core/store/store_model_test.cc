// Random operations against the naive model: the same verdicts and the same contents after every one, through one and
// through several writers (one thread, their steps interleaved in fixed order).
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/naive_store.h"
#include "tests/core/store/random_push.h"
#include "tests/core/store/testing.h"

namespace sluice::store {
namespace {

using testing::Client;
using testing::Labels;
using testing::NaiveStore;
using testing::Pushed;
using testing::RandomPush;

struct Seen {
  uint64_t stored = 0;
  uint64_t types = 0;
  uint64_t suffixes = 0;
  uint64_t duplicates = 0;
  uint64_t erased = 0;
};

class ModelRun {
 public:
  ModelRun(uint64_t seed, unsigned writers) : random_(seed), model_(RandomPush::own_families()), store_(make(writers)) {
    for (unsigned i = 0; i < writers; ++i) clients_.push_back(std::make_unique<Client>(store_));
  }

  void run(int operations) {
    for (int i = 0; i < operations; ++i) {
      step();
      if (::testing::Test::HasFailure()) {
        ADD_FAILURE() << "operation " << i;
        return;
      }
    }
  }
  [[nodiscard]] const Seen& seen() const noexcept { return seen_; }

 private:
  static Options make(unsigned writers) {
    Options options;
    options.writers_max = writers;
    options.own_families = RandomPush::own_families();
    return options;
  }

  Client& client() { return *clients_[random_.below(clients_.size())]; }

  // All writers pass quiescent points while one works: grace periods end.
  template <typename Op>
  void finish(Op& op, Client& client) {
    testing::finish(op, client.writer(), [this] {
      for (auto& other : clients_) other->writer().quiescent();
    });
  }

  void step() {
    const uint64_t what = random_.below(100);
    const int64_t now = ++wall_ns_;
    Client& by = client();
    if (what < 75) {
      const Pushed pushed(random_.labels(), random_.body());
      if (pushed.conflict) return;
      push(by, pushed, random_.below(2) == 0, now);
    } else if (what < 80) {
      const model::GroupKey key = testing::key_of(random_.labels());
      PushOp op;
      op.start_fail(by.writer(), key, now);
      finish(op, by);
      model_.fail(key, now);
    } else if (what < 99) {
      const model::GroupKey key = testing::key_of(random_.labels());
      const bool existed = erase_group(by.writer(), key).existed;
      EXPECT_EQ(existed, model_.erase(key));
      if (existed) ++seen_.erased;
    } else {
      EXPECT_EQ(by.wipe(), model_.groups().size());
      model_.wipe();
    }
    if (random_.below(16) == 0) by.writer().housekeep();
    SnapshotRequest request;
    request.start(by.writer());
    finish(request, by);
    const SnapshotRef snapshot = request.take();
    EXPECT_TRUE(testing::groups_of(*snapshot) == model_.groups());
    for (auto& other : clients_) other->writer().quiescent();
  }

  void push(Client& by, const Pushed& pushed, bool replace, int64_t now) {
    PushOp op;
    op.start(by.writer(), pushed.request(replace, now));
    finish(op, by);
    const bool stored = model_.push(pushed, replace, now);
    ASSERT_EQ(op.result().status == PushStatus::kOk, stored) << pushed.body;
    if (stored) {
      ++seen_.stored;
      return;
    }
    const model::Conflict& conflict = op.result().conflict;
    ASSERT_LT(conflict.family, pushed.families.families.size());
    switch (conflict.kind) {
      case model::ConflictKind::kTypeMismatch:
        ++seen_.types;
        break;
      case model::ConflictKind::kSuffixCollision:
        ++seen_.suffixes;
        break;
      case model::ConflictKind::kDuplicateSeries:
        ++seen_.duplicates;
        break;
      default:
        ADD_FAILURE() << "an odd conflict";
    }
  }

  RandomPush random_;
  NaiveStore model_;
  Store store_;
  std::vector<std::unique_ptr<Client>> clients_;
  int64_t wall_ns_ = 0;
  Seen seen_;
};

uint64_t first_seed() {
  const char* text = std::getenv("SLUICE_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}
int seeds() {
  const char* text = std::getenv("SLUICE_SEEDS");
  return text != nullptr ? std::atoi(text) : 12;
}

void run_model(unsigned writers) {
  Seen sum;
  for (int i = 0; i < seeds(); ++i) {
    const uint64_t seed = first_seed() + static_cast<uint64_t>(i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    ModelRun run(seed, writers);
    run.run(600);
    if (::testing::Test::HasFailure()) return;
    sum.stored += run.seen().stored;
    sum.types += run.seen().types;
    sum.suffixes += run.seen().suffixes;
    sum.duplicates += run.seen().duplicates;
    sum.erased += run.seen().erased;
  }
  // The world is small enough that everything happens.
  EXPECT_GT(sum.stored, 100u);
  EXPECT_GT(sum.types, 100u);
  EXPECT_GT(sum.suffixes, 20u);
  EXPECT_GT(sum.duplicates, 20u);
  EXPECT_GT(sum.erased, 20u);
}

TEST(StoreModel, OneWriter) { run_model(1); }
TEST(StoreModel, ThreeWriters) { run_model(3); }

}  // namespace
}  // namespace sluice::store
