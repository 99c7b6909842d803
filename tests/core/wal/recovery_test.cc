// Recovery: what groups mean does not depend on who wrote their records into which file, in what order, or on what a
// snapshot made superfluous; and what it does to the files of the directory.
#include "core/wal/recovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/wal/record.h"
#include "core/wal/snapshot_file.h"
#include "tests/core/store/testing.h"
#include "tests/core/wal/segment.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal {
namespace {

using store::testing::Contents;
using store::testing::GroupContent;
using testing::DiskCall;
using testing::SimulatedDisk;

void put_file(Storage& storage, const std::string& name, std::string_view bytes) {
  const auto file = storage.create(name);
  ASSERT_TRUE(file) << name;
  ASSERT_EQ((*file)->write_at(0, bytes), 0);
}

std::vector<std::string> names_of(Storage& storage) {
  std::vector<std::string> names;
  const auto entries = storage.list();
  for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

Contents contents_of(const Recovery& recovery, unsigned parts) {
  Contents contents;
  for (unsigned part = 0; part < parts; ++part) {
    recovery.for_each_group(part, [&](const StoredGroup& group) {
      const auto [at, added] = contents.try_emplace(std::string(group.label_text));
      EXPECT_TRUE(added) << group.label_text;
      GroupContent& content = at->second;
      content.push_time_ns = group.push_time_ns;
      content.push_failure_time_ns = group.push_failure_time_ns;
      for (const StoredFamily& family : group.families) {
        std::string value = std::to_string(static_cast<int>(family.type));
        value.append("|").append(family.has_help ? family.help : "(none)").append("|").append(family.text);
        EXPECT_TRUE(content.families.emplace(family.name, std::move(value)).second) << family.name;
      }
    });
  }
  return contents;
}

void expect_equal(const Contents& got, const Contents& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (const auto& [label, group] : wanted) {
    const auto found = got.find(label);
    ASSERT_NE(found, got.end()) << label;
    EXPECT_EQ(found->second.families, group.families) << label;
    EXPECT_EQ(found->second.push_time_ns, group.push_time_ns) << label;
    EXPECT_EQ(found->second.push_failure_time_ns, group.push_failure_time_ns) << label;
  }
}

// A history of some groups, the records that it left, and a snapshot in the middle of it.
class Past {
 public:
  explicit Past(uint64_t seed) : random_(seed) {
    client_.writer().set_journal(&list_);
    const uint64_t before = below(40);
    for (uint64_t i = 0; i < before; ++i) change();
    if (below(4) != 0) {
      stamp_ = store_.last_stamp();
      covered_ = list_.records.size();
      // It may have more than its name says.
      for (uint64_t i = below(6); i > 0; --i) change();
      take_snapshot();
    }
    for (uint64_t i = below(40); i > 0; --i) change();
    client_.writer().set_journal(nullptr);
  }

  [[nodiscard]] Contents contents() { return client_.contents(); }

  // Records in any file and any order, of those that the snapshot covers any of them.
  void write(Storage& storage) {
    const uint64_t kept_of_hundred = below(3) * 50;
    std::vector<std::vector<std::string>> files(1 + below(6));
    for (size_t i = 0; i < list_.records.size(); ++i) {
      if (i < covered_ && below(100) >= kept_of_hundred) continue;
      files[below(files.size())].push_back(list_.records[i]);
    }
    std::set<uint64_t> sequences;
    for (std::vector<std::string>& records : files) {
      if (below(2) == 0) std::ranges::shuffle(records, random_);
      FileHeader header{FileKind::kSegment, static_cast<uint32_t>(below(3)), 1 + below(1000), random_(), below(3)};
      while (!sequences.insert(header.sequence).second) ++header.sequence;
      put_file(storage, segment_name(header.worker, header.sequence), testing::make_segment(header, records).bytes);
    }
    if (!snapshot_.empty()) put_file(storage, snapshot_name(stamp_), snapshot_);
  }

 private:
  uint64_t below(uint64_t bound) { return random_() % bound; }

  void change() {
    const store::testing::Labels labels = {{"job", "j" + std::to_string(below(4))}};
    const int64_t now = ++value_;
    const uint64_t dice = below(10);
    if (dice < 2) {
      client_.erase(labels);
    } else if (dice < 3) {
      client_.fail(labels, now);
    } else {
      client_.push(labels, body(), dice < 6, now);
    }
    client_.writer().quiescent();
  }

  std::string body() {
    static constexpr const char* kHeads[] = {"# TYPE a gauge\na ", "# HELP b Help\nb ", "# TYPE c counter\nc ", "d "};
    std::string text;
    for (const char* head : kHeads) {
      if (below(2) == 0) text.append(head).append(std::to_string(++value_)).append("\n");
    }
    return text;
  }

  void take_snapshot() {
    SimulatedDisk disk(1);
    const auto storage = disk.open();
    const store::SnapshotRef snapshot = client_.snapshot();
    EXPECT_TRUE(write_snapshot(*storage, stamp_, *snapshot, client_.writer()));
    snapshot_ = *disk.content(snapshot_name(stamp_));
  }

  std::mt19937_64 random_;
  store::Store store_{{}};
  testing::RecordList list_;  // in the order of their stamps
  store::testing::Client client_{store_};
  int64_t value_ = 0;
  uint64_t stamp_ = 0;
  size_t covered_ = 0;  // of the records
  std::string snapshot_;
};

TEST(Recovery, NeitherFilesNorTheirOrderMatter) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    Past past(seed);
    SimulatedDisk disk(seed);
    const auto storage = disk.open();
    past.write(*storage);
    const auto parts = static_cast<unsigned>(1 + seed % 3);
    Recovery recovery(*storage);
    ASSERT_TRUE(recovery.read(parts));
    EXPECT_TRUE(recovery.figures().damages.empty());
    EXPECT_EQ(recovery.figures().torn_files, 0U);
    expect_equal(contents_of(recovery, parts), past.contents());
    if (::testing::Test::HasFailure()) return;
  }
}

// Who builds on it later needs to know which change a family is of.
TEST(Recovery, AFamilyKnowsTheChangeThatBroughtIt) {
  store::Store store({});
  testing::RecordList list;
  store::testing::Client client(store);
  client.writer().set_journal(&list);
  const uint64_t first = client.put({{"job", "a"}}, "a 1\nb 1\n").stamp;
  const uint64_t second = client.post({{"job", "a"}}, "b 2\n").stamp;
  client.fail({{"job", "a"}});
  client.writer().set_journal(nullptr);
  SimulatedDisk disk(1);
  const auto storage = disk.open();
  const FileHeader header{FileKind::kSegment, 0, 1, 5};
  put_file(*storage, segment_name(0, 1), testing::make_segment(header, list.records).bytes);
  Recovery recovery(*storage);
  ASSERT_TRUE(recovery.read(1));
  EXPECT_EQ(recovery.figures().stamp_max, store.last_stamp());
  EXPECT_EQ(recovery.figures().logged, 3U);
  recovery.for_each_group(0, [&](const StoredGroup& group) {
    ASSERT_EQ(group.families.size(), 2U);
    EXPECT_EQ(group.families[0].stamp, first);
    EXPECT_EQ(group.families[1].stamp, second);
  });
}

// ---- The directory -------------------------------------------------------------------------------------------------

struct Directory {
  SimulatedDisk disk{1};
  std::unique_ptr<Storage> storage = disk.open();

  std::string segment(uint32_t worker, uint64_t sequence, const std::vector<std::string>& records) {
    const std::string name = segment_name(worker, sequence);
    put_file(*storage, name, testing::make_segment({FileKind::kSegment, worker, sequence, 5}, records).bytes);
    return name;
  }
};

TEST(Recovery, AnEmptyDirectoryIsAFirstStart) {
  Directory directory;
  put_file(*directory.storage, "lock", "");
  put_file(*directory.storage, "snapshot.tmp", "half");
  Recovery recovery(*directory.storage);
  ASSERT_TRUE(recovery.read(2));
  EXPECT_EQ(recovery.figures().files, 0U);
  EXPECT_EQ(recovery.figures().next_sequence, 1U);
  EXPECT_TRUE(contents_of(recovery, 2).empty());
  EXPECT_TRUE(recovery.make_durable());
  EXPECT_TRUE(recovery.set_aside());
  EXPECT_EQ(names_of(*directory.storage).size(), 2U);
}

TEST(Recovery, WhatWasFoundIsSyncedAndThenTheDirectory) {
  Directory directory;
  const std::string first = directory.segment(0, 1, testing::sample_records(300));
  const std::string second = directory.segment(1, 2, testing::sample_records(300));
  static_cast<void>(directory.segment(1, 3, {}));  // without a record
  std::vector<std::pair<DiskCall, std::string>> calls;
  int failing = -1;
  directory.disk.fault = [&](DiskCall call, const std::string& name) {
    if (call != DiskCall::kSync && call != DiskCall::kSyncDirectory) return 0;
    calls.emplace_back(call, name);
    return static_cast<int>(calls.size()) - 1 == failing ? EIO : 0;
  };
  Recovery recovery(*directory.storage);
  ASSERT_TRUE(recovery.read(1));
  ASSERT_TRUE(recovery.make_durable());
  const std::vector<std::pair<DiskCall, std::string>> wanted = {
      {DiskCall::kSync, first}, {DiskCall::kSync, second}, {DiskCall::kSyncDirectory, ""}};
  EXPECT_EQ(calls, wanted);
  const std::string errors[] = {"cannot sync " + first + ": Input/output error",
                                "cannot sync " + second + ": Input/output error",
                                "cannot sync the directory of the log: Input/output error"};
  for (failing = 0; failing < 3; ++failing) {
    calls.clear();
    const auto durable = recovery.make_durable();
    ASSERT_FALSE(durable);
    EXPECT_EQ(durable.error(), errors[failing]);
  }
}

TEST(Recovery, WhatCannotBeReadIsASentence) {
  Directory directory;
  const std::string name = directory.segment(0, 1, testing::sample_records(300));
  for (const DiskCall failing : {DiskCall::kList, DiskCall::kRead}) {
    directory.disk.fault = [&](DiskCall call, const std::string&) { return call == failing ? EACCES : 0; };
    const auto read = Recovery(*directory.storage).read(1);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), failing == DiskCall::kList ? "cannot list the files of the log: Permission denied"
                                                       : "cannot read " + name + ": Permission denied");
  }
}

TEST(Recovery, SegmentsWithoutARecordAreRemovedAndNoOthers) {
  Directory directory;
  const std::string full = directory.segment(0, 1, testing::sample_records(300));
  directory.segment(0, 2, {});
  put_file(*directory.storage, segment_name(1, 3), "");
  put_file(*directory.storage, segment_name(1, 4), "sluicewl");
  const std::string later = directory.segment(1, 5, {});
  Recovery recovery(*directory.storage);
  ASSERT_TRUE(recovery.read(1));
  EXPECT_EQ(recovery.figures().next_sequence, 6U);
  EXPECT_TRUE(recovery.figures().damages.empty());
  recovery.remove_empty(5);
  EXPECT_EQ(names_of(*directory.storage), (std::vector{full, later}));
}

// Every record verifies, and one is not there.
TEST(Recovery, ASnapshotSaysHowManyGroupsItHas) {
  for (const uint64_t missing : {0, 1}) {
    Directory directory;
    std::string end;
    append_end(end, missing);
    put_file(*directory.storage, snapshot_name(20),
             testing::make_segment({.kind = FileKind::kSnapshot, .sequence = 20}, {end}).bytes);
    Recovery recovery(*directory.storage);
    ASSERT_TRUE(recovery.read(1));
    ASSERT_EQ(recovery.figures().damages.size(), missing);
    for (const Damage& damage : recovery.figures().damages) EXPECT_EQ(damage.what, "groups are missing");
  }
}

// Once it is the second file that fails, once the directory: the next try goes on behind what was done.
TEST(Recovery, SettingAsideGoesOnAfterAFailure) {
  Directory directory;
  put_file(*directory.storage, snapshot_name(20), "");
  put_file(*directory.storage, snapshot_name(30), "");
  Recovery recovery(*directory.storage);
  ASSERT_TRUE(recovery.read(1));
  ASSERT_EQ(recovery.figures().damages.size(), 2U);
  DiskCall failing = DiskCall::kRename;
  uint64_t synced = 0;
  directory.disk.fault = [&](DiskCall call, const std::string& name) {
    synced += call == DiskCall::kSyncDirectory ? 1 : 0;
    return call == failing && name != snapshot_name(20) ? EIO : 0;
  };
  EXPECT_FALSE(recovery.set_aside());
  failing = DiskCall::kSyncDirectory;
  EXPECT_FALSE(recovery.set_aside());
  EXPECT_EQ(names_of(*directory.storage),
            (std::vector{snapshot_name(20) + ".corrupt", snapshot_name(30) + ".corrupt"}));
  failing = DiskCall::kList;
  EXPECT_TRUE(recovery.set_aside());
  EXPECT_EQ(synced, 2U);
}

// A bad sector costs what is in it, and is no torn tail, wherever it is: also behind what is known to be durable.
TEST(Recovery, WhatTheDiskDoesNotGiveIsDamage) {
  const std::vector<std::string> records = testing::sample_records(20'000);
  const std::string name = segment_name(0, 1);
  const testing::SegmentBytes whole = testing::make_segment({FileKind::kSegment, 0, 1, 5}, records);
  for (const uint64_t at : {uint64_t{0}, uint64_t{512}, uint64_t{kFileHeaderBytes}, whole.offsets[records.size() / 2],
                            whole.offsets[records.size() - 1]}) {
    SCOPED_TRACE(at);
    Directory directory;
    put_file(*directory.storage, name, whole.bytes);
    directory.disk.unreadable[name] = at;
    Recovery recovery(*directory.storage);
    ASSERT_TRUE(recovery.read(1));
    ASSERT_FALSE(recovery.figures().damages.empty());
    EXPECT_EQ(recovery.figures().damages[0].file, name);
    EXPECT_EQ(recovery.figures().damages[0].offset, at);
    EXPECT_EQ(recovery.figures().torn_files, 0U);
    // The sector, and the records that begin or end in it.
    uint64_t hit = 0;
    for (size_t i = 0; i < records.size(); ++i) {
      hit += whole.offsets[i] < at + 512 && whole.offsets[i + 1] > at ? 1 : 0;
    }
    EXPECT_EQ(recovery.figures().records, records.size() - hit);
    ASSERT_TRUE(recovery.set_aside());
    EXPECT_EQ(names_of(*directory.storage), std::vector{name + ".corrupt"});
  }
}

// A snapshot that is damaged and not chosen has taken its name all the same.
TEST(Recovery, StampsGoOnBehindEverySnapshot) {
  store::Store store({});
  store::testing::Client client(store);
  client.put({{"job", "a"}}, "a 1\n");
  const store::SnapshotRef snapshot = client.snapshot();
  Directory directory;
  ASSERT_TRUE(write_snapshot(*directory.storage, 20, *snapshot, client.writer()));
  put_file(*directory.storage, snapshot_name(30), "");
  Recovery recovery(*directory.storage);
  ASSERT_TRUE(recovery.read(1));
  ASSERT_EQ(recovery.figures().damages.size(), 1U);
  EXPECT_EQ(recovery.figures().snapshot_stamp, 20U);
  EXPECT_EQ(recovery.figures().stamp_max, 30U);
}

TEST(Recovery, DamagedFilesAreSetAsideUnderAnotherNameEachTime) {
  Directory directory;
  const std::string good = directory.segment(0, 1, testing::sample_records(300));
  const std::string name = segment_name(1, 2);
  std::vector<std::string> all = {good};
  for (const std::string& suffix : {std::string(".corrupt"), std::string(".corrupt.1"), std::string(".corrupt.2")}) {
    directory.segment(1, 2, testing::sample_records(600));
    const std::string next =
        directory.segment(1, 3, {testing::mark_record({kFileHeaderBytes, 2, directory.disk.content(name)->size()})});
    directory.disk.content(name)->at(kFileHeaderBytes + 30) ^= 1;
    const std::string damaged = *directory.disk.content(name);
    Recovery recovery(*directory.storage);
    ASSERT_TRUE(recovery.read(1));
    ASSERT_EQ(recovery.figures().damages.size(), 1U);
    EXPECT_EQ(recovery.figures().damages[0].file, name);
    // A rename that fails is said, and the file is where it was.
    directory.disk.fault = [](DiskCall call, const std::string&) { return call == DiskCall::kRename ? EROFS : 0; };
    const auto refused = recovery.set_aside();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), "cannot set " + name + " aside: Read-only file system");
    directory.disk.fault = nullptr;
    ASSERT_TRUE(recovery.set_aside());
    EXPECT_EQ(*directory.disk.content(name + suffix), damaged);
    ASSERT_EQ(directory.storage->remove(next), 0);
    all.push_back(name + suffix);
    EXPECT_EQ(names_of(*directory.storage), all);
  }
}

}  // namespace
}  // namespace sluice::wal
