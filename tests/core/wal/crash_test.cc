// A crash at every call of the disk, of a start with recovery, rotation, snapshot, removal and end; and a call that
// fails at every position: whatever was acknowledged is there behind it, and nothing else than what was sent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "tests/core/wal/simulated_life.h"

namespace sluice::wal {
namespace {

using store::ChangeKind;
using testing::DiskCall;
using testing::History;
using testing::SimulatedDisk;
using testing::SimulatedLife;

// Some changes of a few groups by both logs, with rotations in between. How many were acknowledged.
int changes(SimulatedLife& life, const SimulatedDisk& disk, int rounds) {
  static const std::vector<std::string> kBoth = {"a", "b"};
  int acknowledged = 0;
  for (int i = 0; i < rounds && !disk.crashed() && life.wrong().empty(); ++i) {
    const auto log = static_cast<uint32_t>(i % 2);
    acknowledged += life.change(log, ChangeKind::kPut, i % 3, kBoth) ? 1 : 0;
    acknowledged += life.change(1 - log, ChangeKind::kPost, i % 3, {"b", "c"}) ? 1 : 0;
    acknowledged += life.change(log, ChangeKind::kErase, (i + 2) % 4, {}) ? 1 : 0;
  }
  return acknowledged;
}

constexpr uint64_t kSegmentBytes = kFileHeaderBytes + 500;

// Two lives with all that can happen to one; the first one is killed.
void live_twice(SimulatedDisk& disk, History& history, std::string& wrong) {
  for (const bool first : {true, false}) {
    SimulatedLife life(disk, history, kSegmentBytes);
    const bool started = life.start(false);
    wrong = life.wrong();
    if (!wrong.empty() || !started) return;
    changes(life, disk, 3);
    if (!disk.crashed()) static_cast<void>(life.take_snapshot());
    if (!disk.crashed()) changes(life, disk, 2);
    if (!disk.crashed() && !first) static_cast<void>(life.finish());
    if (disk.crashed()) return;
  }
}

// Empty, or what is wrong. `reached`: the two lives have so many calls.
std::string crash_at(uint64_t call, uint64_t seed, bool power_cut, bool& reached) {
  SimulatedDisk disk(seed * 1000 + call);  // a crash at another call leaves something else
  History history;
  std::string wrong;
  disk.calls_until_crash = call;
  live_twice(disk, history, wrong);
  if (!wrong.empty()) return wrong;
  reached = disk.crashed();
  for (int again = 0; again < 2; ++again) {
    if (power_cut) {
      disk.power_cut();
    } else {
      disk.restart_process();
    }
    SimulatedLife life(disk, history, kSegmentBytes);
    if (!life.start(power_cut)) return life.wrong().empty() ? "it does not start" : life.wrong();
    for (const Damage& damage : life.found().damages) {
      // Not of a segment that was being made.
      if (damage.offset < kFileHeaderBytes) continue;
      return fmt::format("a crash is taken for damage: {} at {}: {}", damage.file, damage.offset, damage.what);
    }
    if (!life.change(0, ChangeKind::kPost, 1, {"z"})) return "it takes no change";
  }
  return {};
}

void crash_everywhere(bool power_cut, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    uint64_t call = 1;
    for (bool reached = true; reached; ++call) {
      const std::string wrong = crash_at(call, seed, power_cut, reached);
      ASSERT_EQ(wrong, "") << "crash at call " << call << ", seed " << seed;
    }
    EXPECT_GT(call, 100U) << "starts, rotations, snapshots and an end take more";
  }
}

TEST(Crash, TheProcessIsGoneAtAnyCall) { crash_everywhere(false, 2); }

TEST(Crash, ThePowerIsGoneAtAnyCall) { crash_everywhere(true, 6); }

// ---- Calls that fail -----------------------------------------------------------------------------------------------

// False: it did not start.
bool one_round(SimulatedDisk& disk, History& history, bool power_cut, std::string& wrong) {
  SimulatedLife life(disk, history, kSegmentBytes);
  const bool started = life.start(power_cut);
  if (started) {
    changes(life, disk, 8);
    static_cast<void>(life.take_snapshot());
    if (!life.settle()) wrong = "the service does not return";
    if (changes(life, disk, 1) != 3) wrong = "not all is acknowledged again";
  }
  if (!life.wrong().empty()) wrong = life.wrong();
  return started;
}

// One call of this kind fails, the `position`th; everything goes on, and the service returns. False: there were fewer.
bool fail_at(DiskCall call, int error, uint64_t position, std::string& wrong) {
  SimulatedDisk disk(position);
  History history;
  uint64_t seen = 0;
  disk.fault = [&](DiskCall now, const std::string&) { return now == call && ++seen == position ? error : 0; };
  for (int round = 0; round < 3 && wrong.empty(); ++round) {
    // Behind a power cut, and then killed. A start that fails is refused, and tried again.
    if (round == 1) disk.power_cut();
    if (!one_round(disk, history, round == 1, wrong) && !one_round(disk, history, round == 1, wrong)) {
      wrong = wrong.empty() ? "it does not start" : wrong;
    }
  }
  return seen >= position;
}

TEST(Crash, AnyOneOfTheFirst100SyncsFails) {
  for (uint64_t position = 1; position <= 100; ++position) {
    std::string wrong;
    ASSERT_TRUE(fail_at(DiskCall::kSync, EIO, position, wrong)) << "there are fewer syncs than " << position;
    ASSERT_EQ(wrong, "") << "sync " << position;
  }
}

TEST(Crash, AnyOneOfTheOtherCallsFails) {
  for (const DiskCall call :
       {DiskCall::kWrite, DiskCall::kCreate, DiskCall::kRename, DiskCall::kRemove, DiskCall::kSyncDirectory}) {
    for (uint64_t position = 1;; ++position) {
      std::string wrong;
      if (!fail_at(call, position % 2 == 0 ? ENOSPC : EIO, position, wrong)) {
        EXPECT_GT(position, 5U);
        break;
      }
      ASSERT_EQ(wrong, "") << "call " << static_cast<int>(call) << " number " << position;
    }
  }
}

}  // namespace
}  // namespace sluice::wal
