// What a log does behind a write or a sync that failed, and at its end.
#include "core/wal/log.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/core/wal/log_bench.h"

namespace sluice::wal {
namespace {

using store::Journal;
using store::PushStatus;
using testing::Bench;
using testing::DiskCall;
using testing::with;
using Acknowledged = LogSet::Acknowledged;

// Nothing is written to a file or synced in it behind an error, and only a snapshot of what came before ends the
// failure.
void expect_final(Bench& bench, uint64_t last) {
  const std::string name = segment_name(0, 7);
  bench.work();
  bench.calls.clear();
  EXPECT_TRUE(bench.log().failed());
  EXPECT_TRUE(bench.logs.failed());
  EXPECT_EQ(bench.figures().failures, 1U);
  EXPECT_EQ(bench.log().wants_sync(INT64_MAX), nullptr);
  EXPECT_FALSE(bench.logs.wants_snapshot()) << "it has no file";
  bench.log().flush();  // to the segment that was made ahead, if there is one
  ASSERT_TRUE(bench.logs.keep());
  bench.log().flush();
  EXPECT_TRUE(bench.log().failed());
  EXPECT_TRUE(bench.logs.wants_snapshot());
  EXPECT_GT(bench.logs.present_sequences()[0], 7U);
  bench.logs.healed(last - 1);
  bench.log().flush();
  EXPECT_TRUE(bench.log().failed());
  bench.logs.healed(bench.store.last_stamp());
  bench.log().flush();
  EXPECT_FALSE(bench.logs.failed());
  EXPECT_FALSE(bench.logs.wants_snapshot());
  EXPECT_EQ(bench.logs.acknowledged(last), Acknowledged::kYes) << "the snapshot has it";
  const uint64_t stamp = bench.push();
  bench.log().flush();
  EXPECT_TRUE(bench.logs.is_written(stamp));
  EXPECT_EQ(bench.count(DiskCall::kWrite, name), 0U);
  EXPECT_EQ(bench.count(DiskCall::kSync, name), 0U);
}

TEST(Log, AFailedWriteIsFinalForItsFile) {
  for (const int error : {EIO, ENOSPC}) {
    Bench bench(with(Fsync::kAlways));
    ASSERT_TRUE(bench.logs.keep());
    const uint64_t stamp = bench.push();
    bench.fail(DiskCall::kWrite, error);
    bench.log().flush();
    EXPECT_EQ(bench.wakes, 2) << "for the next segment, and for the failure";
    EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNever);
    EXPECT_EQ(bench.try_push(), PushStatus::kRefused);
    EXPECT_EQ(bench.figures().refused, 1U);
    EXPECT_EQ(bench.store.last_stamp(), stamp);
    expect_final(bench, stamp);
  }
}

TEST(Log, AFailedSyncIsFinalForItsFile) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  const uint64_t durable = bench.push();
  bench.log().flush();
  bench.sync();
  const uint64_t stamp = bench.push();
  bench.log().flush();
  bench.fail(DiskCall::kSync, EIO);
  bench.sync();
  EXPECT_EQ(bench.logs.acknowledged(stamp), Acknowledged::kNever);
  EXPECT_EQ(bench.logs.acknowledged(durable), Acknowledged::kYes) << "it was on disk before";
  EXPECT_EQ(bench.try_push(), PushStatus::kRefused);
  expect_final(bench, stamp);
}

// What is lost in the buffer with the file that failed is not written to the next one either: the snapshot has it.
TEST(Log, AWriteThatFailsDuringASync) {
  Bench bench(with(Fsync::kInterval));
  ASSERT_TRUE(bench.logs.keep());
  bench.push();
  bench.log().flush();
  File* const file = bench.log().wants_sync(1000);
  ASSERT_NE(file, nullptr);
  bench.log().sync_started(1000);
  bench.push();
  bench.fail(DiskCall::kWrite, EIO);
  bench.log().flush();
  EXPECT_TRUE(bench.log().failed());
  bench.work();
  // No new file while the old one is being synced, and its success is none.
  ASSERT_TRUE(bench.logs.keep());
  bench.log().flush();
  EXPECT_EQ(bench.logs.present_sequences(), std::vector<uint64_t>{7});
  const uint64_t last = bench.push();
  EXPECT_EQ(bench.figures().dropped, 1U);
  bench.log().sync_done(file->sync(), 1005);
  EXPECT_TRUE(bench.log().failed());
  EXPECT_EQ(bench.figures().syncs, 0U);
  EXPECT_FALSE(bench.logs.is_durable(last));
  expect_final(bench, last);
}

TEST(Log, WithoutAlwaysAFailureHoldsNobodyUp) {
  for (const Fsync fsync : {Fsync::kInterval, Fsync::kNever}) {
    Bench bench(with(fsync), 2);
    ASSERT_TRUE(bench.logs.keep());
    const uint64_t lost = bench.push(0);
    bench.fail(DiskCall::kWrite, ENOSPC);
    bench.log(0).flush();
    bench.work();
    EXPECT_EQ(bench.logs.acknowledged(lost), Acknowledged::kYes);
    EXPECT_FALSE(bench.logs.is_written(lost));
    const uint64_t dropped = bench.push(0);
    EXPECT_EQ(bench.log(0).begin(0), Journal::Verdict::kAccept);
    bench.log(0).abandon();
    EXPECT_EQ(bench.figures(0).dropped, 1U);
    EXPECT_EQ(bench.figures(0).refused, 0U);
    EXPECT_EQ(bench.logs.acknowledged(dropped), Acknowledged::kYes);
    // The other log still has to be written.
    const uint64_t other = bench.push(1);
    EXPECT_EQ(bench.logs.acknowledged(other), Acknowledged::kNotYet);
    bench.log(1).flush();
    EXPECT_EQ(bench.logs.acknowledged(other), Acknowledged::kYes);
  }
}

TEST(Log, ASnapshotIsWantedWhenNoLogIsWithoutAFile) {
  Bench bench(with(Fsync::kInterval), 2);
  ASSERT_TRUE(bench.logs.keep());
  for (uint32_t i = 0; i < 2; ++i) bench.push(i);
  bench.fail(DiskCall::kWrite, EIO);
  for (uint32_t i = 0; i < 2; ++i) bench.log(i).flush();
  bench.work();
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_FALSE(bench.logs.wants_snapshot());
  bench.log(0).flush();
  EXPECT_FALSE(bench.logs.wants_snapshot());
  bench.log(1).flush();
  EXPECT_TRUE(bench.logs.wants_snapshot());
  // One of them fails again in its new file.
  bench.push(1);
  bench.fail(DiskCall::kWrite, EIO);
  bench.log(1).flush();
  bench.work();
  EXPECT_FALSE(bench.logs.wants_snapshot());
  bench.logs.healed(bench.store.last_stamp());
  bench.log(0).flush();
  EXPECT_FALSE(bench.log(0).failed());
  EXPECT_TRUE(bench.log(1).failed());
}

// ---- The end -------------------------------------------------------------------------------------------------------

TEST(Log, FinishWritesAndSyncsWhatIsLeft) {
  for (const Fsync fsync : {Fsync::kAlways, Fsync::kInterval, Fsync::kNever}) {
    Bench bench(with(fsync));
    ASSERT_TRUE(bench.logs.keep());
    bench.push();
    bench.log().flush();
    const uint64_t stamp = bench.push();
    ASSERT_TRUE(bench.logs.keep());
    EXPECT_TRUE(bench.log().finish());
    EXPECT_TRUE(bench.logs.is_durable(stamp));
    EXPECT_EQ(bench.records(7).size(), 4U);
    EXPECT_EQ(bench.storage->list()->size(), 2U);
    bench.logs.remove_unused();
    EXPECT_EQ(bench.storage->list()->size(), 1U);
    const std::string whole = *bench.disk.content(segment_name(0, 7));
    bench.disk.power_cut();
    EXPECT_EQ(*bench.disk.content(segment_name(0, 7)), whole);
  }
}

TEST(Log, FinishOfALogThatHasNothing) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  EXPECT_TRUE(bench.log().finish());
  bench.logs.remove_unused();
  EXPECT_TRUE(bench.storage->list()->empty());
}

// A worker that ends while its sync is on its way knows nothing of it.
TEST(Log, AForgottenSyncIsMadeAgain) {
  Bench bench(with(Fsync::kAlways));
  ASSERT_TRUE(bench.logs.keep());
  const uint64_t stamp = bench.push();
  bench.log().flush();
  ASSERT_NE(bench.log().wants_sync(0), nullptr);
  bench.log().sync_started(0);
  bench.log().forget_sync();
  EXPECT_FALSE(bench.log().sync_in_flight());
  EXPECT_FALSE(bench.logs.is_durable(stamp));
  EXPECT_TRUE(bench.log().finish());
  EXPECT_TRUE(bench.logs.is_durable(stamp));
  EXPECT_EQ(bench.count(DiskCall::kSync, segment_name(0, 7)), 2U) << "of its header, and of it";
}

TEST(Log, FinishSaysWhenItCouldNot) {
  for (const DiskCall call : {DiskCall::kWrite, DiskCall::kSync}) {
    Bench bench(with(Fsync::kInterval));
    ASSERT_TRUE(bench.logs.keep());
    const uint64_t stamp = bench.push();
    bench.fail(call, EIO);
    EXPECT_FALSE(bench.log().finish());
    EXPECT_FALSE(bench.logs.is_durable(stamp));
  }
  Bench without(with(Fsync::kInterval));
  without.push();
  EXPECT_FALSE(without.log().finish()) << "there is no segment";
  Bench failed(with(Fsync::kInterval));
  ASSERT_TRUE(failed.logs.keep());
  failed.push();
  failed.fail(DiskCall::kWrite, EIO);
  failed.log().flush();
  failed.work();
  ASSERT_TRUE(failed.logs.keep());
  EXPECT_FALSE(failed.log().finish());
  // With a new file, but before a snapshot has made up for the old one.
  Bench mending(with(Fsync::kInterval));
  ASSERT_TRUE(mending.logs.keep());
  mending.push();
  mending.fail(DiskCall::kWrite, EIO);
  mending.log().flush();
  mending.work();
  ASSERT_TRUE(mending.logs.keep());
  mending.log().flush();
  mending.push();
  EXPECT_FALSE(mending.log().finish());
}

}  // namespace
}  // namespace sluice::wal
