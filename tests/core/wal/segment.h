// Segments for tests: real changes of a real store, as bytes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/store/journal.h"
#include "core/wal/record.h"
#include "tests/core/store/testing.h"

namespace sluice::wal::testing {

// A journal that keeps every record apart, without its checksum.
class RecordList final : public store::Journal {
 public:
  [[nodiscard]] Verdict begin(size_t /*bytes*/) noexcept override { return Verdict::kAccept; }
  void append(const store::Change& change) noexcept override { append_change(records.emplace_back(), change); }
  void abandon() noexcept override {}

  std::vector<std::string> records;
};

// The records of some pushes, deletes and a failed push: every kind of change, families with a help, without one and
// with a record of their own (a float that the text does not express), labels that need escapes.
[[nodiscard]] std::vector<std::string> sample_records(size_t bytes_min);

[[nodiscard]] std::string mark_record(const DurableMark& mark);

struct SegmentBytes {
  std::string bytes;
  std::vector<uint64_t> offsets;  // of the records, and the end
};
[[nodiscard]] SegmentBytes make_segment(const FileHeader& header, const std::vector<std::string>& records);

// What a record says, in one line: everything that a reader gives.
[[nodiscard]] std::string describe(const RecordView& record);
// The lines of all records that verify, with skip() over the rest; `skipped` counts those places.
[[nodiscard]] std::vector<std::string> read_all(std::string_view bytes, uint64_t* skipped = nullptr);

}  // namespace sluice::wal::testing
