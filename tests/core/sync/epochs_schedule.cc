// Seeded schedules of reclamation: writers replace versions in cells and retire the old ones, readers follow them
// between quiescent points, across going offline, and in snapshots that outlive many. Nothing is followed after it was
// freed, and everything is freed in the end. The scheduler delays stores, which is what "announce, then look" code
// fails under.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/base/check.h"
#include "core/sync/epochs.h"
#include "core/sync/mailbox.h"
#include "core/sync/stamp_counter.h"
#include "core/sync/version_cell.h"
#include "tests/core/sync/schedule.h"

namespace sluice::sync::testing {
namespace {

using SimEpochs = BasicEpochs<SimAtomics>;
using SimParticipant = SimEpochs::Participant;

struct Version {
  uint64_t birth = 0;
  size_t* freed_count = nullptr;
  bool freed = false;

  static void free(void* object, void* /*context*/) {
    auto* self = static_cast<Version*>(object);
    SLUICE_CHECK(!self->freed && "freed twice");
    self->freed = true;
    ++*self->freed_count;
  }
  void follow() const { SLUICE_CHECK(!freed && "a version was followed after it was freed"); }
};

constexpr size_t kCells = 3;

struct World {
  World() {
    for (auto& cell : cells) {
      Version* none = nullptr;
      EXPECT_TRUE(cell.compare_exchange(none, make()));
    }
  }

  Version* make() {
    Version* version = versions.emplace_back(std::make_unique<Version>()).get();
    version->freed_count = &freed;
    version->birth = stamps.next();
    return version;
  }

  void replace(size_t cell, SimParticipant& me) {
    Version* seen = cells[cell].current();
    while (true) {
      seen->follow();
      Version* version = make();
      if (cells[cell].compare_exchange(seen, version)) break;
      version->freed = true;  // Never published.
      ++freed;
    }
    me.retire(seen, &Version::free, seen->birth);
  }

  // Everything but what stands in the cells is freed once nobody looks any more.
  void expect_all_freed() {
    SimParticipant me(epochs);
    for (int i = 0; i < 4; ++i) {
      me.quiescent();
      me.reclaim(1'000'000);
    }
    EXPECT_EQ(freed + kCells, versions.size());
    EXPECT_EQ(epochs.retired(), 0u);
    EXPECT_EQ(epochs.snapshots().pinned(), 0u);
  }

  SimEpochs epochs;
  BasicStampCounter<SimAtomics> stamps;
  VersionCell<Version, SimAtomics> cells[kCells];
  std::vector<std::unique_ptr<Version>> versions;
  size_t freed = 0;
};

void write(World& world, Random& random, size_t times) {
  SimParticipant me(world.epochs);
  for (size_t i = 0; i < times; ++i) {
    world.replace(random.below(kCells), me);
    if (random.one_in(2)) {
      me.quiescent();
      me.reclaim(random.below(4));
    }
  }
}

// Loads pointers, and follows them again and again up to the quiescent point.
void read(World& world, Random& random, size_t times) {
  SimParticipant me(world.epochs);
  for (size_t i = 0; i < times; ++i) {
    Version* seen[kCells];
    for (size_t cell = 0; cell < kCells; ++cell) {
      seen[cell] = world.cells[cell].current();
      seen[cell]->follow();
    }
    for (int again = 0; again < 3; ++again) {
      static_cast<void>(world.stamps.last());  // A place to be interrupted.
      for (const Version* version : seen) version->follow();
    }
    if (random.one_in(2)) {
      me.offline();
      me.online();
    } else {
      me.quiescent();
    }
  }
}

TEST(EpochsSchedule, ReadersAndWriters) {
  for_each_seed(600, [](uint64_t seed) {
    World world;
    Schedule schedule(seed);
    for (int i = 0; i < 2; ++i) schedule.spawn([&] { write(world, schedule.random(), 20); });
    for (int i = 0; i < 2; ++i) schedule.spawn([&] { read(world, schedule.random(), 10); });
    ASSERT_TRUE(schedule.run());
    world.expect_all_freed();
  });
}

// A snapshot collects one version per cell, with quiescent points in between, bounds itself at the end of the walk, and
// reads for long after.
void snapshot(World& world, Random& random, size_t times) {
  SimParticipant me(world.epochs);
  for (size_t i = 0; i < times; ++i) {
    const auto id = me.open_snapshot();
    if (!id) {
      me.quiescent();
      me.reclaim();
      continue;
    }
    std::vector<const Version*> seen;
    for (auto& cell : world.cells) {
      seen.push_back(cell.current());
      if (random.one_in(2)) me.quiescent();
    }
    const uint64_t bound = world.stamps.last();
    for (const Version* version : seen) {
      version->follow();
      EXPECT_LE(version->birth, bound);
    }
    me.set_bound(*id, bound);
    for (uint64_t slice = random.below(12); slice > 0; --slice) {
      for (const Version* version : seen) version->follow();
      me.quiescent();
      me.reclaim(random.below(3));
      if (random.one_in(4)) {
        me.offline();
        me.online();
      }
    }
    for (const Version* version : seen) version->follow();
    me.close_snapshot(*id);
    me.reclaim(random.below(8));
    me.quiescent();
  }
}

TEST(EpochsSchedule, SnapshotsAndWriters) {
  for_each_seed(600, [](uint64_t seed) {
    World world;
    Schedule schedule(seed);
    for (int i = 0; i < 2; ++i) schedule.spawn([&] { write(world, schedule.random(), 30); });
    for (int i = 0; i < 3; ++i) schedule.spawn([&] { snapshot(world, schedule.random(), 4); });
    ASSERT_TRUE(schedule.run());
    world.expect_all_freed();
  });
}

TEST(EpochsSchedule, MoreSnapshotsThanSlots) {
  for_each_seed(200, [](uint64_t seed) {
    World world;
    Schedule schedule(seed);
    schedule.spawn([&] { write(world, schedule.random(), 40); });
    for (int i = 0; i < 6; ++i) schedule.spawn([&] { snapshot(world, schedule.random(), 3); });
    ASSERT_TRUE(schedule.run());
    world.expect_all_freed();
  });
}

// A parked push's grace token: once passed, everybody who might have read the old state has let go of it.
TEST(EpochsSchedule, GraceTokens) {
  for_each_seed(600, [](uint64_t seed) {
    SimEpochs epochs;
    SimAtomic<uint64_t> state{0};
    std::vector<uint64_t> in_use(2, UINT64_MAX);  // what each reader acts on between quiescent points
    Schedule schedule(seed);
    for (size_t i = 0; i < in_use.size(); ++i) {
      schedule.spawn([&, i] {
        SimParticipant me(epochs);
        for (int n = 0; n < 12; ++n) {
          in_use[i] = state.load(std::memory_order_acquire);
          static_cast<void>(state.load(std::memory_order_acquire));
          in_use[i] = UINT64_MAX;
          if (schedule.random().one_in(2)) {
            me.quiescent();
          } else {
            me.offline();
            me.online();
          }
        }
      });
    }
    schedule.spawn([&] {
      SimParticipant me(epochs);
      for (uint64_t n = 1; n < 6; ++n) {
        state.store(n, std::memory_order_release);
        const uint64_t token = epochs.begin_grace();
        me.quiescent();
        while (!epochs.grace_passed(token)) me.quiescent();
        for (const uint64_t used : in_use) EXPECT_TRUE(used == UINT64_MAX || used >= n);
      }
    });
    ASSERT_TRUE(schedule.run());
  });
}

struct Letter : Mail {
  size_t sender = 0;
  int number = 0;
};

TEST(MailboxSchedule, EveryLetterOnceInItsSendersOrderAndNoWakeUpIsLost) {
  for_each_seed(400, [](uint64_t seed) {
    SimAtomic<uint64_t> signal{0};
    Mailbox<Letter, SimAtomics> mailbox(
        [](void* context) { static_cast<SimAtomic<uint64_t>*>(context)->fetch_add(1, std::memory_order_acq_rel); },
        &signal);
    std::vector<Letter> letters(12);
    std::vector<int> next(3, 0);
    Schedule schedule(seed);
    for (size_t sender = 0; sender < 3; ++sender) {
      schedule.spawn([&, sender] {
        for (int i = 0; i < 4; ++i) {
          Letter& letter = letters[sender * 4 + static_cast<size_t>(i)];
          letter.sender = sender;
          letter.number = i;
          mailbox.post(&letter);
        }
      });
    }
    schedule.spawn([&] {
      for (size_t taken = 0; taken < letters.size();) {
        while (signal.exchange(0, std::memory_order_acq_rel) == 0) {  // Asleep until signalled.
        }
        while (const Letter* letter = mailbox.take()) {
          EXPECT_EQ(letter->number, next[letter->sender]++);
          ++taken;
        }
      }
    });
    schedule.set_steps_max(1'000'000);
    ASSERT_TRUE(schedule.run()) << "a wake-up was lost";
    EXPECT_EQ(mailbox.take(), nullptr);
  });
}

}  // namespace
}  // namespace sluice::sync::testing
