// Records: what is written is read; whatever is changed of a file's bytes is noticed, costs the record that it hit and
// no other, and never gives a record that was not written.
#include "core/wal/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/wal/recovery.h"
#include "tests/core/wal/segment.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal {
namespace {

using testing::SegmentBytes;
using testing::SimulatedDisk;

constexpr FileHeader kHeader{FileKind::kSegment, 3, 17, 0x1234'5678'9abc'def0};

SegmentBytes segment_of(size_t bytes) { return testing::make_segment(kHeader, testing::sample_records(bytes)); }

// The lines of a subset, in the same order.
bool is_subset(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  auto at = all.begin();
  for (const std::string& line : some) {
    at = std::find(at, all.end(), line);
    if (at == all.end()) return false;
    ++at;
  }
  return true;
}

// What recovery finds in a directory in which a worker's segment has these bytes, and in the next one a mark says that
// the first `durable` of them were on disk; 0: there is no next one.
RecoveryFigures recover(const std::string& bytes, uint64_t durable) {
  SimulatedDisk disk(1);
  const auto storage = disk.open();
  const auto put = [&](const FileHeader& header, std::string_view content) {
    const auto file = storage->create(segment_name(header.worker, header.sequence));
    EXPECT_EQ((*file)->write_at(0, content), 0);
  };
  put(kHeader, bytes);
  if (durable != 0) {
    FileHeader next = kHeader;
    next.sequence += 5;
    put(next, testing::make_segment(next, {testing::mark_record({kFileHeaderBytes, kHeader.sequence, durable})}).bytes);
  }
  Recovery recovery(*storage);
  EXPECT_TRUE(recovery.read(1));
  return recovery.figures();
}

TEST(Record, WhatIsWrittenIsRead) {
  const std::vector<std::string> records = testing::sample_records(2000);
  const SegmentBytes segment = testing::make_segment(kHeader, records);
  auto reader = RecordReader::open(segment.bytes);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->header().worker, kHeader.worker);
  EXPECT_EQ(reader->header().sequence, kHeader.sequence);
  EXPECT_EQ(reader->header().seed, kHeader.seed);
  std::set<RecordKind> kinds;
  std::vector<uint64_t> offsets;
  RecordView record;
  bool binary = false;
  uint64_t stamp = 0;
  while (reader->next(record) == RecordReader::Next::kRecord) {
    kinds.insert(record.kind);
    offsets.push_back(record.offset);
    EXPECT_GT(record.stamp, stamp);
    stamp = record.stamp;
    EXPECT_NE(record.label_text.find(R"(instance="",job="job)"), std::string_view::npos);
    EXPECT_NE(record.label_text.find(R"(path="C:\\DIR\n\"x\"")"), std::string_view::npos);
    std::vector<StoredFamily> families;
    std::string text;
    ASSERT_TRUE(record.read_families(families, text));
    EXPECT_EQ(families.size(), record.families);
    if (record.kind != RecordKind::kPut) continue;
    ASSERT_EQ(families.size(), 2U);
    EXPECT_EQ(families[0].name, "depth");
    EXPECT_FALSE(families[0].has_help);
    EXPECT_EQ(families[1].help, "Requests so far.");
    EXPECT_TRUE(families[1].has_help);
    EXPECT_EQ(families[1].type, model::MetricType::kCounter);
    EXPECT_EQ(families[1].push_time_ns, record.push_time_ns);
    binary |= !families[0].record.empty();
  }
  offsets.push_back(reader->offset());
  EXPECT_EQ(offsets, segment.offsets);
  EXPECT_EQ(kinds, (std::set{RecordKind::kPost, RecordKind::kPut, RecordKind::kFail, RecordKind::kErase}));
  EXPECT_TRUE(binary) << "no family with a record of its own";
}

TEST(Record, EverySingleBitOfASegment) {
  const SegmentBytes segment = segment_of(7800);
  ASSERT_GT(segment.bytes.size(), 7800U);
  const std::vector<std::string> whole = testing::read_all(segment.bytes);
  ASSERT_EQ(whole.size() + 1, segment.offsets.size());
  for (size_t byte = 0; byte < segment.bytes.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = segment.bytes;
      damaged[byte] = static_cast<char>(static_cast<unsigned char>(damaged[byte]) ^ (1U << bit));
      uint64_t skipped = 0;
      const std::vector<std::string> left = testing::read_all(damaged, &skipped);
      if (byte < kFileHeaderBytes) {
        // The other copy serves.
        ASSERT_EQ(RecordReader::open(damaged)->bad_header(), byte / kHeaderCopyBytes * kHeaderCopyBytes);
        ASSERT_EQ(left, whole) << byte << "." << bit;
        continue;
      }
      ASSERT_EQ(skipped, 1U) << byte << "." << bit;
      ASSERT_EQ(left.size() + 1, whole.size()) << byte << "." << bit;
      ASSERT_TRUE(is_subset(left, whole)) << byte << "." << bit;
    }
  }
}

// As recovery sees it: reported with the file and the offset of the record that was hit, and never passed over.
TEST(Record, EveryByteOfASegmentIsReported) {
  const SegmentBytes segment = segment_of(2000);
  const std::string name = segment_name(kHeader.worker, kHeader.sequence);
  const uint64_t records = segment.offsets.size() - 1;
  for (size_t byte = 0; byte < segment.bytes.size(); ++byte) {
    std::string damaged = segment.bytes;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x10);
    const RecoveryFigures figures = recover(damaged, damaged.size());
    ASSERT_EQ(figures.damages.size(), 1U) << byte;
    EXPECT_EQ(figures.damages.front().file, name);
    const auto behind = std::ranges::upper_bound(segment.offsets, byte);
    const bool in_header = behind == segment.offsets.begin();
    EXPECT_EQ(figures.damages.front().offset, in_header ? byte / kHeaderCopyBytes * kHeaderCopyBytes : *(behind - 1));
    EXPECT_EQ(figures.records, in_header ? records : records - 1) << byte;
  }
}

TEST(Record, BothCopiesOfTheHeader) {
  std::string damaged = segment_of(500).bytes;
  damaged[9] ^= 1;
  damaged[kHeaderCopyBytes + 9] ^= 1;
  EXPECT_FALSE(RecordReader::open(damaged));
  const RecoveryFigures figures = recover(damaged, 0);
  ASSERT_EQ(figures.damages.size(), 1U);
  EXPECT_EQ(figures.damages.front().offset, 0U);
  EXPECT_EQ(figures.records, 0U);
}

// Of a later version: neither read nor set aside as damaged.
TEST(Record, AnotherFormatIsRefused) {
  std::string later = segment_of(500).bytes;
  for (const size_t at : {size_t{0}, kHeaderCopyBytes}) {
    later[at + 8] = 3;
    std::string copy = later.substr(at, kHeaderCopyBytes - 8);
    const uint64_t sum = checksum(copy, 0x736c756963650001);
    later.replace(at + kHeaderCopyBytes - 8, 8, std::string_view(reinterpret_cast<const char*>(&sum), 8));
  }
  EXPECT_FALSE(RecordReader::open(later));
  SimulatedDisk disk(1);
  const auto storage = disk.open();
  const std::string name = segment_name(kHeader.worker, kHeader.sequence);
  ASSERT_EQ((*storage->create(name))->write_at(0, later), 0);
  Recovery recovery(*storage);
  const auto read = recovery.read(1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), name + " is of format 3, which this version does not know");
}

TEST(Record, EveryTruncationOfASegment) {
  const SegmentBytes segment = segment_of(2000);
  const std::vector<std::string> whole = testing::read_all(segment.bytes);
  for (size_t bytes = 0; bytes < segment.bytes.size(); ++bytes) {
    const std::string cut = segment.bytes.substr(0, bytes);
    uint64_t skipped = 0;
    const std::vector<std::string> left = testing::read_all(cut, &skipped);
    const auto end = std::ranges::upper_bound(segment.offsets, bytes);
    const auto before = end - segment.offsets.begin();
    const size_t fits = before == 0 ? 0 : static_cast<size_t>(before - 1);
    ASSERT_EQ(left.size(), fits) << bytes;
    ASSERT_TRUE(std::equal(left.begin(), left.end(), whole.begin())) << bytes;
    // Where it was durable something is missing, at the end of a record or not.
    const RecoveryFigures damaged = recover(cut, segment.bytes.size());
    ASSERT_EQ(damaged.damages.size(), 1U) << bytes;
    EXPECT_EQ(damaged.records, fits) << bytes;
    if (bytes <= kFileHeaderBytes) continue;
    EXPECT_EQ(skipped, segment.offsets[fits] == bytes ? 0U : 1U) << bytes;
    EXPECT_EQ(damaged.damages.front().offset, segment.offsets[fits]) << bytes;
    // Else it is what a crash leaves.
    const RecoveryFigures torn = recover(cut, 0);
    EXPECT_TRUE(torn.damages.empty()) << bytes;
    EXPECT_EQ(torn.torn_bytes, bytes - segment.offsets[fits]) << bytes;
    EXPECT_EQ(torn.records, fits) << bytes;
  }
}

// A mark in the segment itself: damage below it, and above it the rest is cut off, whether it verifies or not.
TEST(Record, MarksTellDamageFromWhatACrashTore) {
  std::vector<std::string> records = testing::sample_records(3000);
  const size_t count = records.size();
  ASSERT_GT(count, 6U);
  const uint64_t durable = testing::make_segment(kHeader, records).offsets[count - 3];
  records.insert(records.end() - 3, testing::mark_record({durable, 0, 0}));
  const SegmentBytes segment = testing::make_segment(kHeader, records);
  for (size_t hit = 0; hit < records.size(); ++hit) {
    std::string damaged = segment.bytes;
    damaged[segment.offsets[hit] + kRecordHeadBytes] ^= 1;
    const RecoveryFigures figures = recover(damaged, 0);
    if (hit < count - 3) {
      ASSERT_EQ(figures.damages.size(), 1U) << hit;
      EXPECT_EQ(figures.damages.front().offset, segment.offsets[hit]);
      EXPECT_EQ(figures.torn_bytes, 0U);
      EXPECT_EQ(figures.records, count - 1);
    } else {
      EXPECT_TRUE(figures.damages.empty()) << hit;
      EXPECT_EQ(figures.torn_bytes, segment.bytes.size() - segment.offsets[hit]);
      EXPECT_EQ(figures.records, hit == count - 3 ? hit : hit - 1) << hit;
    }
  }
}

// Without any mark: as long as the machine has been up since, only the end of a write that was not finished is torn.
TEST(Record, AtTheSameBootAllButACutEndIsDamage) {
  FileHeader header = kHeader;
  header.boot = SimulatedDisk(1).boot();
  const SegmentBytes segment = testing::make_segment(header, testing::sample_records(2000));
  const uint64_t records = segment.offsets.size() - 1;
  for (size_t byte = kFileHeaderBytes; byte < segment.bytes.size(); ++byte) {
    std::string damaged = segment.bytes;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x01);
    const RecoveryFigures figures = recover(damaged, 0);
    const uint64_t hit = *(std::ranges::upper_bound(segment.offsets, byte) - 1);
    EXPECT_EQ(figures.records, records - 1) << byte;
    // Of the last record a length that has grown cannot be told from a write that was cut.
    if (hit == segment.offsets[records - 1] && figures.damages.empty()) {
      EXPECT_LT(byte - hit, 4U);
      continue;
    }
    ASSERT_EQ(figures.damages.size(), 1U) << byte;
    EXPECT_EQ(figures.damages.front().offset, hit) << byte;
  }
  for (size_t bytes = kFileHeaderBytes; bytes < segment.bytes.size(); ++bytes) {
    const RecoveryFigures torn = recover(segment.bytes.substr(0, bytes), 0);
    EXPECT_TRUE(torn.damages.empty()) << bytes;
  }
  EXPECT_EQ(recover(segment.bytes + std::string(100, '\0'), 0).damages.size(), 1U);
}

TEST(Record, ZerosAndGarbageBehindTheEnd) {
  const SegmentBytes segment = segment_of(2000);
  const std::vector<std::string> whole = testing::read_all(segment.bytes);
  std::string zeros = segment.bytes + std::string(4096, '\0');
  EXPECT_EQ(testing::read_all(zeros), whole);
  EXPECT_EQ(recover(zeros, 0).torn_bytes, 4096U);
  std::string garbage = segment.bytes;
  for (int i = 0; i < 4096; ++i) garbage += static_cast<char>(i * i * 31 % 251);
  EXPECT_EQ(testing::read_all(garbage), whole);
  EXPECT_TRUE(recover(garbage, 0).damages.empty());
  EXPECT_EQ(recover(garbage, segment.bytes.size()).torn_bytes, 4096U);
}

// A record counts where it was written and nowhere else.
TEST(Record, PiecesOfOtherPlacesDoNotVerify) {
  const SegmentBytes segment = segment_of(3000);
  const size_t size = segment.bytes.size();
  const std::vector<std::string> whole = testing::read_all(segment.bytes);
  // The segment's records once more behind its end.
  const std::string doubled = segment.bytes + segment.bytes.substr(kFileHeaderBytes);
  EXPECT_EQ(testing::read_all(doubled), whole);
  // The same records in another file's place.
  FileHeader other = kHeader;
  other.seed ^= 1;
  const SegmentBytes stale = testing::make_segment(other, testing::sample_records(3000));
  std::string mixed = segment.bytes.substr(0, segment.offsets[2]) + stale.bytes.substr(stale.offsets[2]);
  EXPECT_EQ(testing::read_all(mixed), std::vector(whole.begin(), whole.begin() + 2));
  // Two records of one length changed places.
  std::string swapped = segment.bytes;
  bool found = false;
  for (size_t a = 0; a + 1 < segment.offsets.size() && !found; ++a) {
    for (size_t b = a + 1; b + 1 < segment.offsets.size() && !found; ++b) {
      const uint64_t bytes = segment.offsets[a + 1] - segment.offsets[a];
      if (segment.offsets[b + 1] - segment.offsets[b] != bytes) continue;
      std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(segment.offsets[a]),
                       swapped.begin() + static_cast<std::ptrdiff_t>(segment.offsets[a] + bytes),
                       swapped.begin() + static_cast<std::ptrdiff_t>(segment.offsets[b]));
      found = true;
    }
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(testing::read_all(swapped).size() + 2, whole.size());
  EXPECT_TRUE(is_subset(testing::read_all(swapped), whole));
  EXPECT_EQ(swapped.size(), size);
}

TEST(Record, ASegmentUnderAnotherNameIsDamage) {
  const SegmentBytes segment = segment_of(500);
  SimulatedDisk disk(1);
  const auto storage = disk.open();
  const std::string name = segment_name(kHeader.worker, kHeader.sequence + 1);
  ASSERT_EQ((*storage->create(name))->write_at(0, segment.bytes), 0);
  Recovery recovery(*storage);
  ASSERT_TRUE(recovery.read(1));
  ASSERT_EQ(recovery.figures().damages.size(), 1U);
  EXPECT_EQ(recovery.figures().damages.front().file, name);
  EXPECT_EQ(recovery.figures().records, 0U);
  ASSERT_TRUE(recovery.set_aside());
  EXPECT_EQ(disk.content(name), nullptr);
  ASSERT_NE(disk.content(name + ".corrupt"), nullptr);
  EXPECT_EQ(*disk.content(name + ".corrupt"), segment.bytes);
}

TEST(Record, NamesOfFiles) {
  EXPECT_EQ(segment_name(0x1f, 0xabc), "log-001f-000000000abc.seg");
  EXPECT_EQ(snapshot_name(0xdef), "snapshot-0000000000000def.snap");
  uint32_t worker = 0;
  uint64_t number = 0;
  EXPECT_TRUE(parse_segment_name("log-001f-000000000abc.seg", worker, number));
  EXPECT_EQ(worker, 0x1fU);
  EXPECT_EQ(number, 0xabcU);
  EXPECT_TRUE(parse_snapshot_name("snapshot-0000000000000def.snap", number));
  EXPECT_EQ(number, 0xdefU);
  for (const char* name : {"log-001f-000000000abc.seg.corrupt", "log-001f-000000000abc", "log-1f-000000000abc.seg",
                           "log-001g-000000000abc.seg", "", "lock", "snapshot.tmp"}) {
    EXPECT_FALSE(parse_segment_name(name, worker, number)) << name;
    EXPECT_FALSE(parse_snapshot_name(name, number)) << name;
  }
}

}  // namespace
}  // namespace sluice::wal
