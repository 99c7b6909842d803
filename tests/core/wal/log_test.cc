// One worker's log and what all logs owe: what is written and synced when, and what a reply waits for.
#include "core/wal/log.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/core/wal/log_bench.h"

namespace sluice::wal {
namespace {

using store::Journal;
using testing::Bench;
using testing::DiskCall;
using testing::kGroup;
using testing::with;
using Acknowledged = LogSet::Acknowledged;

// ---- Writing -------------------------------------------------------------------------------------------------------

TEST(Log, WhatATurnBroughtIsWrittenWithOneCall) {
  Bench bench(with(Fsync::kInterval));
  ASSERT_TRUE(bench.logs.keep());
  bench.calls.clear();
  const uint64_t first = bench.push();
  bench.push();
  bench.clients[0]->erase(kGroup);
  EXPECT_TRUE(bench.calls.empty());
  bench.log().flush();
  bench.log().flush();
  EXPECT_EQ(bench.calls.size(), 1U);
  EXPECT_EQ(bench.count(DiskCall::kWrite, segment_name(0, 7)), 1U);
  EXPECT_EQ(bench.figures().writes, 1U);
  EXPECT_EQ(bench.figures().records, 3U);
  const std::vector<RecordView> records = bench.records(7);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].kind, RecordKind::kMark);
  EXPECT_EQ(records[1].kind, RecordKind::kPost);
  EXPECT_EQ(records[1].stamp, first);
  EXPECT_EQ(records[2].kind, RecordKind::kPost);
  EXPECT_EQ(records[3].kind, RecordKind::kErase);
  const uint64_t behind_mark = bench.disk.content(segment_name(0, 7))->size() - records[1].offset;
  EXPECT_EQ(bench.figures().bytes, behind_mark);
}

// What is written together begins with what was durable before.
TEST(Log, MarksSayWhatWasDurable) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  bench.push();
  bench.log().flush();
  const uint64_t end = bench.disk.content(segment_name(0, 7))->size();
  bench.sync();
  bench.push();
  bench.log().flush();
  std::vector<RecordView> records = bench.records(7);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].mark.bytes, kFileHeaderBytes);
  EXPECT_EQ(records[0].mark.previous_sequence, 0U);
  EXPECT_EQ(records[2].mark.bytes, end);
}

TEST(Log, WithoutASegmentItWaits) {
  Bench bench(with(Fsync::kInterval));
  const uint64_t stamp = bench.push();
  bench.log().flush();
  EXPECT_EQ(bench.figures().writes, 0U);
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNotYet);
  ASSERT_TRUE(bench.logs.keep());
  bench.log().flush();
  EXPECT_EQ(bench.figures().writes, 1U);
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
}

TEST(Log, WhatComesDuringASyncIsWrittenBehindItWithAlways) {
  for (const Fsync fsync : {Fsync::kAlways, Fsync::kInterval}) {
    Bench bench(with(fsync));
    ASSERT_TRUE(bench.logs.keep());
    bench.push();
    bench.log().flush();
    File* const file = bench.log().wants_sync(1000);
    ASSERT_NE(file, nullptr);
    bench.log().sync_started(1000);
    EXPECT_TRUE(bench.log().sync_in_flight());
    const uint64_t second = bench.push();
    bench.log().flush();
    EXPECT_EQ(bench.figures().writes, fsync == Fsync::kAlways ? 1U : 2U);
    EXPECT_EQ(bench.log().wants_sync(5000), nullptr) << "one at a time";
    bench.log().sync_done(file->sync(), 1005);
    bench.log().flush();
    EXPECT_EQ(bench.figures().writes, 2U);
    // The sync that began before it says nothing of it.
    EXPECT_FALSE(bench.logs.is_durable(second));
    bench.sync(0, 5000);
    EXPECT_TRUE(bench.logs.is_durable(second));
  }
}

// ---- The buffer ----------------------------------------------------------------------------------------------------

TEST(Log, AFullBufferParksAndOneChangeAlwaysFits) {
  LogOptions options = with(Fsync::kAlways);
  options.buffer_bytes_max = 400;
  Bench bench(options);
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_EQ(bench.log().begin(100'000), Journal::Verdict::kAccept);
  bench.log().abandon();
  bench.push();
  EXPECT_EQ(bench.log().begin(100'000), Journal::Verdict::kPark);
  EXPECT_EQ(bench.figures().parked, 1U);
  bench.log().flush();
  bench.push();
  File* const file = bench.log().wants_sync(0);
  bench.log().sync_started(0);
  // While the disk is busy nothing is written, so there is no room.
  bench.log().flush();
  EXPECT_EQ(bench.log().begin(100'000), Journal::Verdict::kPark);
  bench.log().sync_done(file->sync(), 5);
  bench.log().flush();
  EXPECT_EQ(bench.log().begin(100'000), Journal::Verdict::kAccept);
  bench.log().abandon();
  EXPECT_EQ(bench.figures().parked, 2U);
}

TEST(Log, AChangeThatCameToNothingIsNotOwed) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  const uint64_t last = bench.store.last_stamp();
  ASSERT_EQ(bench.log().begin(10), Journal::Verdict::kAccept);
  EXPECT_FALSE(bench.logs.is_written(last + 1));
  EXPECT_TRUE(bench.logs.is_written(last));
  bench.log().abandon();
  EXPECT_TRUE(bench.logs.is_written(last + 1));
  EXPECT_TRUE(bench.logs.is_durable(last + 1));
  // Behind something that is owed it changes nothing.
  const uint64_t stamp = bench.push();
  ASSERT_EQ(bench.log().begin(10), Journal::Verdict::kAccept);
  bench.log().abandon();
  EXPECT_FALSE(bench.logs.is_written(stamp));
}

// ---- Segments ------------------------------------------------------------------------------------------------------

TEST(Log, AFullSegmentIsLeftWhenAllOfItIsDurable) {
  LogOptions options = with(Fsync::kInterval);
  options.segment_bytes = kFileHeaderBytes + 100;
  Bench bench(options);
  ASSERT_TRUE(bench.logs.keep());
  bench.push();
  bench.log().flush();
  EXPECT_EQ(bench.logs.present_sequences(), std::vector<uint64_t>{7});
  const uint64_t end = bench.disk.content(segment_name(0, 7))->size();
  ASSERT_GT(end, options.segment_bytes);
  // No other is there: it goes on in this one.
  bench.push();
  bench.log().flush();
  EXPECT_GT(bench.disk.content(segment_name(0, 7))->size(), end);
  const int wakes = bench.wakes;
  ASSERT_TRUE(bench.logs.keep());
  const uint64_t full = bench.disk.content(segment_name(0, 7))->size();
  const uint64_t stamp = bench.push();
  bench.log().flush();
  EXPECT_EQ(bench.disk.content(segment_name(0, 7))->size(), full) << "nothing more is written to it";
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNotYet);
  // Full, it is synced before its time.
  ASSERT_NE(bench.log().wants_sync(0), nullptr);
  bench.sync(0, 0);
  bench.log().flush();
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
  EXPECT_EQ(bench.logs.present_sequences(), std::vector<uint64_t>{8});
  EXPECT_EQ(bench.figures().segments, 2U);
  EXPECT_GT(bench.wakes, wakes) << "the next one is wanted";
  const std::vector<RecordView> records = bench.records(8);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].mark.bytes, kFileHeaderBytes);
  EXPECT_EQ(records[0].mark.previous_sequence, 7U);
  EXPECT_EQ(records[0].mark.previous_bytes, full);
}

TEST(Log, WithoutSyncsAFullSegmentIsLeftAtOnce) {
  LogOptions options = with(Fsync::kNever);
  options.segment_bytes = kFileHeaderBytes + 100;
  Bench bench(options);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bench.logs.keep());
    bench.push();
    bench.log().flush();
    EXPECT_EQ(bench.log().wants_sync(INT64_MAX), nullptr);
    EXPECT_EQ(bench.log().next_sync_ns(), INT64_MAX);
  }
  EXPECT_EQ(bench.logs.present_sequences(), std::vector<uint64_t>{9});
  EXPECT_EQ(bench.figures().syncs, 0U);
}

TEST(Log, KeepMakesASegmentAheadForEachLog) {
  Bench bench(with(Fsync::kInterval), 2);
  ASSERT_TRUE(bench.logs.keep());
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_EQ(bench.calls.back().first, DiskCall::kSyncDirectory);
  EXPECT_EQ(bench.storage->list()->size(), 2U);
  for (const std::string& name : {segment_name(0, 7), segment_name(1, 8)}) {
    ASSERT_NE(bench.disk.content(name), nullptr) << name;
    EXPECT_TRUE(RecordReader::open(*bench.disk.content(name)));
    EXPECT_EQ(bench.count(DiskCall::kSync, name), 1U);
  }
  // A crash of the machine leaves them whole.
  bench.disk.power_cut();
  EXPECT_TRUE(RecordReader::open(*bench.disk.content(segment_name(1, 8))));
  bench.push(1);
  bench.log(1).flush();
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_EQ(bench.storage->list()->size(), 3U);
  EXPECT_NE(bench.disk.content(segment_name(1, 9)), nullptr);
}

TEST(Log, ASegmentThatCannotBeMadeLeavesNothing) {
  for (const DiskCall call : {DiskCall::kCreate, DiskCall::kWrite, DiskCall::kSync, DiskCall::kSyncDirectory}) {
    Bench bench(with(Fsync::kAlways));
    bench.fail(call, ENOSPC);
    const auto kept = bench.logs.keep();
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error(), "cannot make a file of the log: No space left on device");
    EXPECT_TRUE(bench.storage->list()->empty());
    bench.push();
    bench.log().flush();
    EXPECT_EQ(bench.figures().writes, 0U);
    bench.work();
    ASSERT_TRUE(bench.logs.keep());
    bench.log().flush();
    EXPECT_EQ(bench.figures().writes, 1U);
    EXPECT_EQ(bench.logs.present_sequences(), std::vector<uint64_t>{8}) << "no number is used again";
    EXPECT_FALSE(bench.logs.failed());
  }
}

// ---- Acknowledgement -----------------------------------------------------------------------------------------------

TEST(Log, WhatAReplyWaitsForInEachMode) {
  for (const Fsync fsync : {Fsync::kAlways, Fsync::kInterval, Fsync::kNever}) {
    Bench bench(with(fsync), 2);
    ASSERT_TRUE(bench.logs.keep());
    const Acknowledged written = fsync == Fsync::kAlways ? Acknowledged::kNotYet : Acknowledged::kYes;
    EXPECT_EQ(bench.logs.acknowledged(0), Acknowledged::kYes);
    const uint64_t other = bench.push(1);
    const uint64_t stamp = bench.push(0);
    ASSERT_LT(other, stamp);
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNotYet);
    bench.log(0).flush();
    // It may have seen what the other log has not written.
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNotYet);
    bench.log(1).flush();
    EXPECT_EQ(bench.logs.acknowledged(stamp), written);
    EXPECT_TRUE(bench.logs.is_written(stamp));
    EXPECT_FALSE(bench.logs.is_durable(stamp));
    if (fsync == Fsync::kNever) continue;
    bench.sync(0);
    EXPECT_EQ(bench.logs.acknowledged(stamp), written);
    bench.sync(1);
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
    EXPECT_TRUE(bench.logs.is_durable(stamp));
    // What came later is not waited for.
    bench.push(1);
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
  }
}

// ---- Files that are gone -------------------------------------------------------------------------------------------

// A file that somebody has removed takes writes and syncs as before: whoever is told so makes it fail all the same.
TEST(Log, AFileThatIsGoneFails) {
  for (const bool in_flight : {false, true}) {
    Bench bench(with(Fsync::kAlways));
    ASSERT_TRUE(bench.logs.keep());
    const uint64_t stamp = bench.push();
    bench.log().flush();
    ASSERT_TRUE(bench.logs.keep());
    File* const file = bench.log().wants_sync(1000);
    ASSERT_NE(file, nullptr);
    if (in_flight) bench.log().sync_started(1000);
    EXPECT_FALSE(bench.log().lost());
    bench.logs.lose(0);
    EXPECT_TRUE(bench.log().lost());
    if (in_flight) {
      bench.log().sync_done(file->sync(), 1005);
    } else {
      bench.log().flush();
    }
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNever);
    EXPECT_EQ(bench.figures().failures, 1U);
    EXPECT_EQ(bench.try_push(), store::PushStatus::kRefused);
    bench.log().flush();
    EXPECT_FALSE(bench.log().lost());
    EXPECT_TRUE(bench.logs.wants_snapshot()) << "the next file is there";
    bench.logs.healed(bench.store.last_stamp());
    bench.log().flush();
    EXPECT_FALSE(bench.logs.failed());
    EXPECT_EQ(bench.try_push(), store::PushStatus::kOk);
  }
}

TEST(Log, WithoutItsDirectoryNothingIsPromised) {
  for (const Fsync fsync : {Fsync::kAlways, Fsync::kInterval}) {
    Bench bench(with(fsync));
    ASSERT_TRUE(bench.logs.keep());
    bench.logs.set_gone(true);
    EXPECT_TRUE(bench.logs.failed());
    EXPECT_EQ(bench.try_push(), fsync == Fsync::kAlways ? store::PushStatus::kRefused : store::PushStatus::kOk);
    bench.logs.set_gone(false);
    EXPECT_FALSE(bench.logs.failed());
    EXPECT_EQ(bench.try_push(), store::PushStatus::kOk);
  }
}

// What was there before it went may be nowhere: who has only seen it is told no either.
TEST(Log, WithoutItsDirectoryNothingIsDurable) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  const uint64_t stamp = bench.push();
  bench.log().flush();
  bench.sync();
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
  bench.logs.set_gone(true);
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNever);
  bench.logs.set_gone(false);
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
}

// A log that has not begun gets no segment while the directory is gone, and holds nobody up.
TEST(Log, WithoutItsDirectoryALogThatHasNotBegunFails) {
  for (const Fsync fsync : {Fsync::kInterval, Fsync::kNever}) {
    Bench bench(with(fsync), 2);
    ASSERT_TRUE(bench.logs.keep());
    bench.push(0);
    bench.log(0).flush();
    bench.logs.set_gone(true);
    bench.logs.remove_unused();
    for (uint32_t i = 0; i < 2; ++i) bench.logs.lose(i);
    const uint64_t stamp = bench.push(1);
    for (uint32_t i = 0; i < 2; ++i) bench.log(i).flush();
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
    EXPECT_EQ(bench.logs.acknowledged(bench.push(0)), Acknowledged::kYes);
    bench.logs.set_gone(false);
    ASSERT_TRUE(bench.logs.keep());
    for (uint32_t i = 0; i < 2; ++i) bench.log(i).flush();
    EXPECT_TRUE(bench.logs.wants_snapshot());
    bench.logs.healed(bench.store.last_stamp());
    for (uint32_t i = 0; i < 2; ++i) bench.log(i).flush();
    EXPECT_FALSE(bench.logs.failed());
  }
}

// A worker that sleeps does not act on it; what a snapshot has held since then it need not act on at all.
TEST(Log, AFileThatIsGoneAndWhoseChangesASnapshotHoldsIsLeft) {
  for (const bool by_push : {true, false}) {
    Bench bench(with(Fsync::kAlways));
    ASSERT_TRUE(bench.logs.keep());
    bench.push();
    bench.log().flush();
    bench.sync();
    ASSERT_TRUE(bench.logs.keep());
    bench.logs.lose(0);
    bench.logs.healed(bench.store.last_stamp());
    if (!by_push) bench.log().flush();
    const uint64_t stamp = bench.push();
    EXPECT_FALSE(bench.log().lost());
    bench.log().flush();
    bench.sync();
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kYes);
    EXPECT_EQ(bench.records(8).size(), 2U) << "a mark and the push";
    EXPECT_EQ(bench.figures().failures, 0U);
  }
}

TEST(Log, AFileThatIsGoneWithTheSnapshotFails) {
  Bench bench(with(Fsync::kInterval));
  ASSERT_TRUE(bench.logs.keep());
  bench.push();
  bench.log().flush();
  bench.logs.healed(bench.store.last_stamp());
  bench.logs.healed(0);
  bench.logs.lose(0);
  bench.log().flush();
  EXPECT_TRUE(bench.log().failed());
  EXPECT_EQ(bench.figures().failures, 1U);
}

TEST(Log, AFileThatIsGoneIsOneFailure) {
  Bench bench(with(Fsync::kInterval));
  ASSERT_TRUE(bench.logs.keep());
  bench.push();
  bench.log().flush();
  bench.logs.lose(0);
  for (int turn = 0; turn < 5; ++turn) bench.log().flush();
  EXPECT_FALSE(bench.log().finish());
  EXPECT_EQ(bench.figures().failures, 1U);
}

TEST(Log, SyncsComeWithTheInterval) {
  Bench bench(with(Fsync::kInterval));
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_EQ(bench.log().wants_sync(1000), nullptr) << "nothing is written";
  EXPECT_EQ(bench.log().next_sync_ns(), INT64_MAX);
  bench.push();
  bench.log().flush();
  bench.sync(0, 1000);
  bench.push();
  bench.log().flush();
  EXPECT_EQ(bench.log().next_sync_ns(), 1100);
  EXPECT_EQ(bench.log().wants_sync(1099), nullptr);
  EXPECT_NE(bench.log().wants_sync(1100), nullptr);
  bench.log().sync_started(1100);
  EXPECT_EQ(bench.log().next_sync_ns(), INT64_MAX);
  bench.log().sync_done(0, 1100 + 2'000'000);
  EXPECT_EQ(bench.figures().syncs, 2U);
  EXPECT_EQ(bench.figures().sync_ns, 2'000'005U);
  EXPECT_EQ(bench.figures().sync_buckets[0], 1U);
  EXPECT_EQ(bench.figures().sync_buckets[3], 1U) << "above 1 ms, up to 3 ms";
}

}  // namespace
}  // namespace sluice::wal
