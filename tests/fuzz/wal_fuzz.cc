// The reader of the log's files and recovery over any bytes: no view leaves the file, reading never goes back, a record
// that is given verifies, a file that is cut gives the first of its records and no others, and recovery has no others
// than the reader.
//
// The first byte says how the rest is taken: 0 as a whole file, 1 as records of a segment, 2 as records of a snapshot,
// each given the checksum of its place so that what is inside is read.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/wal/record.h"
#include "core/wal/recovery.h"
#include "tests/core/wal/segment.h"
#include "tests/core/wal/simulated_disk.h"

namespace sluice::wal {
namespace {

// Of a family on the disk, with empty strings.
constexpr size_t kFamilyBytesMin = 3 * sizeof(uint32_t) + 2 * sizeof(uint8_t);  // of a pattern

[[noreturn]] void differ(const char* what) {
  std::fprintf(stderr, "DIFFERENCE: %s\n", what);
  std::abort();
}

void expect_inside(std::string_view bytes, std::string_view view) {
  if (view.empty()) return;
  const auto offset = static_cast<size_t>(view.data() - bytes.data());
  if (offset > bytes.size() || view.size() > bytes.size() - offset) differ("a view leaves the file");
}

void check_record(std::string_view file, const FileHeader& header, const RecordView& record, uint64_t end) {
  expect_inside(file, record.label_text);
  expect_inside(file, record.family_bytes);
  const std::string as_read(file.substr(record.offset, end - record.offset));
  std::string sealed = as_read;
  seal_records(sealed, record.offset, header.seed);
  if (sealed != as_read) differ("a record that does not verify");
  expect_inside(file, record.pattern_bytes);
  std::vector<StoredFamily> families;
  std::string text;
  const bool whole = record.read_families(families, text);
  if (whole && families.size() != record.families) differ("the number of families");
  const bool filled = record.is_filled();
  const std::string_view named = filled ? record.pattern_bytes : record.family_bytes;
  if (families.size() > named.size() / kFamilyBytesMin + 1) differ("more families than bytes for them");
  for (const StoredFamily& family : families) {
    for (const std::string_view view : {family.name, family.help, family.record}) expect_inside(named, view);
    expect_inside(filled ? text : named, family.text);
    if (whole && family.type > model::kMetricTypeLast) differ("a type that is none");
  }
}

// A line for each record; `changes` counts those that say something of a group.
std::vector<std::string> read(std::string_view file, uint64_t& changes) {
  std::vector<std::string> lines;
  auto reader = RecordReader::open(file);
  if (!reader) return lines;
  RecordView record;
  for (;;) {
    const uint64_t before = reader->offset();
    const RecordReader::Next next = reader->next(record);
    if (next == RecordReader::Next::kEnd) return lines;
    if (next == RecordReader::Next::kBad) {
      if (!reader->skip()) return lines;
      if (reader->offset() <= before) differ("skip() goes on");
      continue;
    }
    if (reader->offset() <= before || reader->offset() > file.size()) differ("the offset grows and stays in the file");
    check_record(file, reader->header(), record, reader->offset());
    const bool change =
        record.kind != RecordKind::kEnd && record.kind != RecordKind::kMark && record.kind != RecordKind::kPattern;
    if (change) ++changes;
    lines.push_back(testing::describe(record));
  }
}

std::string sealed(FileKind kind, std::string_view rest) {
  const FileHeader header{kind, 0, 1, 42};
  std::string file;
  append_header(file, header);
  while (rest.size() >= kRecordHeadBytes) {
    uint32_t bytes = 0;
    std::memcpy(&bytes, rest.data(), sizeof(bytes));
    if (bytes > rest.size() - kRecordHeadBytes) break;
    std::string record(rest.substr(0, kRecordHeadBytes + bytes));
    rest.remove_prefix(record.size());
    seal_records(record, file.size(), header.seed);
    file += record;
  }
  return file.append(rest);
}

void recover(const std::string& file, const FileHeader& header, uint64_t changes) {
  testing::SimulatedDisk disk(1);
  const auto storage = disk.open();
  const std::string name = header.kind == FileKind::kSegment ? segment_name(header.worker & 0xffff, header.sequence)
                                                             : snapshot_name(header.sequence);
  if ((*storage->create(name))->write_at(0, file) != 0) differ("the disk");
  Recovery recovery(*storage);
  if (!recovery.read(1)) differ("recovery reads what can be read");
  if (recovery.figures().records > changes) differ("recovery has records that the reader has not");
  uint64_t groups = 0;
  recovery.for_each_group(0, [&](const StoredGroup& group) {
    ++groups;
    for (const StoredFamily& family : group.families) {
      if (family.stamp > recovery.figures().stamp_max) differ("a stamp above the highest");
    }
  });
  if (groups > changes) differ("more groups than records");
  if (!recovery.set_aside()) differ("a damaged file is set aside");
}

}  // namespace

int fuzz_wal(std::string_view input) {
  if (input.empty()) return 0;
  const std::string_view rest = input.substr(1);
  const std::string file = input.front() == 0
                               ? std::string(rest)
                               : sealed(input.front() == 1 ? FileKind::kSegment : FileKind::kSnapshot, rest);
  uint64_t changes = 0;
  const std::vector<std::string> whole = read(file, changes);
  for (const size_t cut : {file.size() / 2, file.size() - std::min<size_t>(file.size(), 1)}) {
    uint64_t fewer = 0;
    // Of exactly this size, so that sanitizers see an overrun.
    const std::vector<std::string> some = read(std::string(file, 0, cut), fewer);
    if (some.size() > whole.size() || !std::equal(some.begin(), some.end(), whole.begin()))
      differ("a file that is cut");
  }
  if (const auto reader = RecordReader::open(file)) recover(file, reader->header(), changes);
  return 0;
}

}  // namespace sluice::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return sluice::wal::fuzz_wal({reinterpret_cast<const char*>(data), size});
}
