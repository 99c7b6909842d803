// Snapshot files: damaged in any bit or cut anywhere they are noticed and never give a group that was not in them; an
// older one that is whole takes the place of a damaged one; and what a snapshot makes superfluous goes, in this order.
#include "core/wal/snapshot_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/wal/record.h"
#include "core/wal/recovery.h"
#include "tests/core/store/testing.h"
#include "tests/core/wal/segment.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal {
namespace {

using testing::DiskCall;
using testing::SimulatedDisk;
using Groups = std::map<std::string, std::string>;
using Files = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

// Everything of a group but its labels, in one line.
std::string describe(const StoredGroup& group) {
  std::string line = std::to_string(group.push_time_ns) + " " + std::to_string(group.push_failure_time_ns);
  for (const StoredFamily& family : group.families) {
    line.append(" [").append(family.name).append("|").append(family.help).append("|").append(family.text);
    line.append("|").append(family.record).append("|").append(std::to_string(family.push_time_ns));
    line += std::to_string(static_cast<int>(family.type)) + (family.has_help ? "h]" : "]");
  }
  return line;
}

struct Recovered {
  RecoveryFigures figures;
  Groups groups;
};
Recovered recover(Storage& storage) {
  Recovered recovered;
  Recovery recovery(storage);
  EXPECT_TRUE(recovery.read(1));
  recovered.figures = recovery.figures();
  recovery.for_each_group(0, [&](const StoredGroup& group) {
    EXPECT_TRUE(recovered.groups.emplace(group.label_text, describe(group)).second);
  });
  return recovered;
}

// A directory with these files.
struct Directory {
  explicit Directory(const Files& files) {
    for (const auto& [name, bytes] : files) EXPECT_EQ((*storage->create(name))->write_at(0, bytes), 0);
  }
  [[nodiscard]] Names names() const {
    Names all;
    const auto entries = storage->list();
    for (const DirectoryEntry& entry : *entries) all.push_back(entry.name);
    return all;
  }

  SimulatedDisk disk{1};
  std::unique_ptr<Storage> storage = disk.open();
};

Recovered recover_files(const Files& files) { return recover(*Directory(files).storage); }

void fill(store::testing::Client& client, int from, int to) {
  for (int i = from; i < to; ++i) {
    const std::string number = std::to_string(i);
    client.put({{"job", "a"}, {"n", number}}, "# HELP x Help.\n# TYPE x counter\nx " + number + "\ny{a=\"b\"} 0.1\n",
               i);
  }
}

std::string snapshot_of(store::testing::Client& client, uint64_t stamp) {
  SimulatedDisk disk(1);
  const auto storage = disk.open();
  const store::SnapshotRef snapshot = client.snapshot();
  EXPECT_TRUE(write_snapshot(*storage, stamp, *snapshot, client.writer()));
  return *disk.content(snapshot_name(stamp));
}

// A small one, and what is in it.
struct Sample {
  Sample() {
    store::Store store({});
    store::testing::Client client(store);
    fill(client, 0, 3);
    client.fail({{"job", "b"}}, 99);
    bytes = snapshot_of(client, stamp);
    groups = recover_files({{name, bytes}}).groups;
    EXPECT_EQ(groups.size(), 4U);
  }

  const uint64_t stamp = 20;
  const std::string name = snapshot_name(stamp);
  std::string bytes;
  Groups groups;
};

bool are_of(const Groups& some, const Groups& all) {
  return std::ranges::all_of(some, [&](const auto& group) {
    const auto found = all.find(group.first);
    return found != all.end() && found->second == group.second;
  });
}

TEST(SnapshotFile, EverySingleBit) {
  const Sample sample;
  for (size_t byte = 0; byte < sample.bytes.size(); ++byte) {
    // Of a header most bytes are alike, and record_test has every bit of one.
    const int step = byte > 64 && byte < kFileHeaderBytes ? 8 : 1;
    for (int bit = 0; bit < 8; bit += step) {
      std::string damaged = sample.bytes;
      damaged[byte] = static_cast<char>(static_cast<unsigned char>(damaged[byte]) ^ (1U << bit));
      const Recovered left = recover_files({{sample.name, damaged}});
      ASSERT_TRUE(are_of(left.groups, sample.groups)) << byte << "." << bit;
      ASSERT_FALSE(left.figures.damages.empty()) << byte << "." << bit;
      EXPECT_EQ(left.figures.damages.front().file, sample.name);
      ASSERT_GE(left.groups.size() + 1, sample.groups.size()) << byte << "." << bit;
      ASSERT_TRUE(byte >= kFileHeaderBytes || left.groups == sample.groups) << byte << "." << bit;
    }
  }
}

TEST(SnapshotFile, EveryTruncation) {
  const Sample sample;
  for (size_t bytes = 0; bytes < sample.bytes.size(); ++bytes) {
    const Recovered left = recover_files({{sample.name, sample.bytes.substr(0, bytes)}});
    ASSERT_TRUE(are_of(left.groups, sample.groups)) << bytes;
    ASSERT_FALSE(left.figures.damages.empty()) << bytes;
    EXPECT_EQ(left.figures.damages.front().file, sample.name);
    EXPECT_EQ(left.figures.torn_files, 0U) << "it was durable before it had its name";
  }
  for (const std::string& more : {std::string(1, '\0'), std::string(600, '\0'), sample.bytes}) {
    const Recovered grown = recover_files({{sample.name, sample.bytes + more}});
    EXPECT_EQ(grown.groups, sample.groups);
    EXPECT_FALSE(grown.figures.damages.empty()) << more.size();
  }
}

// As long as the older one is there, everything that belongs to it is there too.
TEST(SnapshotFile, AnOlderOneThatIsWholeTakesThePlaceOfADamagedOne) {
  store::Store store({});
  store::testing::Client client(store);
  testing::RecordList list;
  client.writer().set_journal(&list);
  fill(client, 0, 3);
  const uint64_t first = store.last_stamp();
  const std::string older = snapshot_of(client, first);
  fill(client, 2, 6);
  client.erase({{"job", "a"}, {"n", "0"}});
  const uint64_t second = store.last_stamp();
  const std::string newer = snapshot_of(client, second);
  fill(client, 5, 8);
  client.writer().set_journal(nullptr);
  const std::string segment = testing::make_segment({FileKind::kSegment, 0, 1, 5}, list.records).bytes;
  const std::string log = segment_name(0, 1);

  const Recovered whole =
      recover_files({{snapshot_name(first), older}, {snapshot_name(second), newer}, {log, segment}});
  EXPECT_TRUE(whole.figures.damages.empty());
  EXPECT_EQ(whole.figures.snapshot_stamp, second);
  EXPECT_EQ(whole.groups.size(), 7U);
  for (size_t byte = 0; byte < newer.size(); byte += 7) {
    std::string damaged = newer;
    damaged[byte] ^= 1;
    Directory directory(Files{{snapshot_name(first), older}, {snapshot_name(second), damaged}, {log, segment}});
    const Recovered left = recover(*directory.storage);
    ASSERT_FALSE(left.figures.damages.empty()) << byte;
    EXPECT_EQ(left.figures.damages.front().file, snapshot_name(second));
    EXPECT_EQ(left.figures.snapshot_stamp, first) << byte;
    ASSERT_EQ(left.groups, whole.groups) << byte;
  }
  // Both are damaged: what verifies of the newer one, and what came behind it.
  std::string damaged = newer;
  damaged[newer.size() / 2] ^= 1;
  std::string worse = older;
  worse[kFileHeaderBytes + 30] ^= 1;
  const Recovered left =
      recover_files({{snapshot_name(first), worse}, {snapshot_name(second), damaged}, {log, segment}});
  EXPECT_GE(left.figures.damages.size(), 2U);
  EXPECT_EQ(left.figures.snapshot_stamp, second);
  EXPECT_TRUE(are_of(left.groups, whole.groups));
  EXPECT_GE(left.groups.size() + 1, whole.groups.size());
}

// It appears whole and durable or not at all.
TEST(SnapshotFile, AFailureOfAnyCallLeavesTheOldState) {
  store::Store store({});
  store::testing::Client client(store);
  fill(client, 0, 3);
  const store::SnapshotRef snapshot = client.snapshot();
  uint64_t failing = 0;
  for (bool done = false; !done; ++failing) {
    Directory directory(Files{{snapshot_name(1), "older"}, {"snapshot.tmp", "left behind"}});
    ASSERT_EQ(directory.storage->sync_directory(), 0);
    uint64_t calls = 0;
    DiskCall failed = DiskCall::kRead;
    directory.disk.fault = [&](DiskCall call, const std::string&) {
      if (calls++ != failing) return 0;
      failed = call;
      return ENOSPC;
    };
    const auto written = write_snapshot(*directory.storage, 20, *snapshot, client.writer());
    done = calls <= failing;
    EXPECT_EQ(written.has_value(), done) << failing;
    directory.disk.fault = nullptr;
    if (done) break;
    EXPECT_TRUE(written.error().ends_with(": No space left on device")) << written.error();
    directory.disk.power_cut();
    const std::string* const bytes = directory.disk.content(snapshot_name(20));
    // Its name may be there already when it is the directory that cannot be synced.
    EXPECT_TRUE(bytes == nullptr || failed == DiskCall::kSyncDirectory) << failing;
    if (bytes != nullptr) {
      EXPECT_EQ(recover(*directory.storage).groups.size(), 3U) << failing;
    }
    EXPECT_NE(directory.disk.content(snapshot_name(1)), nullptr);
    // The next one can be made, whatever was left behind.
    EXPECT_TRUE(write_snapshot(*directory.storage, 21, *snapshot, client.writer())) << failing;
  }
  EXPECT_GE(failing, 6U) << "remove, create, header, records, sync, rename, sync of the directory";
}

// It ends no process.
TEST(SnapshotFile, AGroupThatIsTooLargeIsASentence) {
  store::Store store({});
  store::testing::Client client(store);
  fill(client, 0, 1);
  const store::SnapshotRef snapshot = client.snapshot();
  Directory directory({});
  const auto written = write_snapshot(*directory.storage, 20, *snapshot, client.writer(), 50);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(),
            "cannot write a snapshot: the group {instance=\"\",job=\"a\",n=\"0\"} is of more than 50 bytes");
  EXPECT_TRUE(directory.names().empty());
  EXPECT_TRUE(write_snapshot(*directory.storage, 20, *snapshot, client.writer(), 500));
}

// ---- What goes behind it -------------------------------------------------------------------------------------------

Files files_of(const Names& names) {
  Files files;
  for (const std::string& name : names) files[name] = "x";
  return files;
}

TEST(RemoveCovered, OlderSnapshotsAndSegmentsThatWereLeft) {
  const Names all = {"lock",
                     segment_name(0, 4),
                     segment_name(0, 5),
                     segment_name(0, 6),
                     segment_name(0, 9),
                     segment_name(1, 3),
                     segment_name(1, 7),
                     segment_name(1, 8),
                     segment_name(2, 2),
                     segment_name(7, 1),
                     segment_name(7, 12),
                     snapshot_name(20),
                     snapshot_name(19),
                     snapshot_name(21),
                     snapshot_name(3),
                     "snapshot.tmp",
                     segment_name(0, 1) + ".corrupt",
                     snapshot_name(2) + ".corrupt",
                     "state"};
  Directory directory(files_of(all));
  // This life began with 4; the third log has not begun, and of a fourth and later ones nothing is known.
  ASSERT_TRUE(remove_covered(*directory.storage, 20, {6, 8, 0}, 4));
  Names left = {"lock",
                segment_name(0, 6),
                segment_name(0, 9),
                segment_name(1, 8),
                segment_name(7, 12),
                snapshot_name(20),
                snapshot_name(21),
                "snapshot.tmp",
                segment_name(0, 1) + ".corrupt",
                snapshot_name(2) + ".corrupt",
                "state"};
  std::ranges::sort(left);
  EXPECT_EQ(directory.names(), left);
  const uint64_t calls = directory.disk.calls();
  ASSERT_TRUE(remove_covered(*directory.storage, 20, {6, 8, 0}, 4));
  EXPECT_EQ(directory.names(), left);
  EXPECT_LE(directory.disk.calls(), calls + 1);
}

TEST(RemoveCovered, ASegmentGoesWhenOlderSnapshotsAreDurablyGone) {
  const Names all = {segment_name(0, 4), segment_name(0, 5), segment_name(0, 6), snapshot_name(20), snapshot_name(9)};
  Directory whole(files_of(all));
  std::vector<std::pair<DiskCall, std::string>> calls;
  whole.disk.fault = [&](DiskCall call, const std::string& name) {
    calls.emplace_back(call, name);
    return 0;
  };
  ASSERT_TRUE(remove_covered(*whole.storage, 20, {6}, 1));
  const std::vector<std::pair<DiskCall, std::string>> wanted = {{DiskCall::kList, ""},
                                                                {DiskCall::kRemove, snapshot_name(9)},
                                                                {DiskCall::kSyncDirectory, ""},
                                                                {DiskCall::kRemove, segment_name(0, 4)},
                                                                {DiskCall::kRemove, segment_name(0, 5)},
                                                                {DiskCall::kSyncDirectory, ""}};
  EXPECT_EQ(calls, wanted);

  for (size_t failing = 0; failing < wanted.size(); ++failing) {
    Directory directory(files_of(all));
    ASSERT_EQ(directory.storage->sync_directory(), 0);
    size_t at = 0;
    directory.disk.fault = [&](DiskCall, const std::string&) { return at++ == failing ? EIO : 0; };
    const auto removed = remove_covered(*directory.storage, 20, {6}, 1);
    ASSERT_FALSE(removed) << failing;
    EXPECT_TRUE(removed.error().ends_with(": Input/output error")) << removed.error();
    directory.disk.fault = nullptr;
    for (int cut = 0; cut < 2; ++cut) {
      const Names left = directory.names();
      const auto has = [&](const std::string& name) { return std::ranges::find(left, name) != left.end(); };
      EXPECT_TRUE(!has(snapshot_name(9)) || (has(segment_name(0, 4)) && has(segment_name(0, 5)))) << failing;
      EXPECT_TRUE(has(segment_name(0, 6)) && has(snapshot_name(20))) << failing;
      directory.disk.power_cut();
    }
    ASSERT_TRUE(remove_covered(*directory.storage, 20, {6}, 1)) << "what is left is tried the next time";
    EXPECT_EQ(directory.names(), whole.names());
  }
}

}  // namespace
}  // namespace sluice::wal
