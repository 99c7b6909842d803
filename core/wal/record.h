// Records of the log and of snapshots, and the files that hold them. README.md of this folder has the format.
//
// A file is a header and records behind one another. A record's checksum covers its length, its kind and its payload,
// and is seeded with a number of the file and the record's offset: what was moved, doubled or left from another file
// does not verify.
//
// Writing appends to a string; reading gives views into the file's content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/model/families.h"
#include "core/model/version.h"
#include "core/store/journal.h"
#include "core/wal/stored_group.h"

namespace sluice::wal {

enum class RecordKind : uint32_t {
  kPost = 1,   // the families of a push that keeps others
  kPut = 2,    // all families of the group
  kFail = 3,   // the times only
  kErase = 4,  // nothing
  kGroup = 5,  // of a snapshot: as kPut
  kEnd = 6,    // of a snapshot: the last record, with the number of groups
  kMark = 7,   // of a segment: begins what is written together, and says what was durable before
  // Of format 2, and of a segment only:
  kPattern = 8,     // what changes behind it have in common
  kPostFilled = 9,  // kPost, its families a pattern and numbers; read as kPost
  kPutFilled = 10,  // the same of kPut
};

enum class FileKind : uint8_t { kSegment, kSnapshot };

struct FileHeader {
  FileKind kind = FileKind::kSegment;
  uint32_t worker = 0;    // of a segment
  uint64_t sequence = 0;  // of a segment: its place among its worker's; of a snapshot: its stamp W
  uint64_t seed = 0;      // random
  uint64_t boot = 0;      // Storage::boot() when it was begun
};
// A header is written twice, in sectors of their own.
inline constexpr size_t kHeaderCopyBytes = 512;
inline constexpr size_t kFileHeaderBytes = 2 * kHeaderCopyBytes;
inline constexpr size_t kRecordHeadBytes = 16;
// More than any push may be with its grouping labels applied.
inline constexpr uint64_t kRecordBytesMax = uint64_t{1} << 31;

void append_header(std::string& out, const FileHeader& header);

// These append a record without its checksum, which depends on where it will stand.
void append_change(std::string& out, const store::Change& change);
// The pattern of `change`, which is then known by the number CanonicalPush::list. Written twice, further apart than a
// block of the disk is long, so that no single damage takes more than what it hits.
void append_pattern(std::string& out, const store::Change& change);
// The change as its pattern's numbers. The pattern stands before it in the same file.
void append_filled(std::string& out, const store::Change& change);
// Whether what append_pattern() and append_filled() write of it is read as what append_change() writes.
[[nodiscard]] bool is_filled_as_written(const store::Change& change);
// A group of a snapshot. False when its payload would be of more than `bytes_max`: then nothing is appended.
[[nodiscard]] bool append_group(std::string& out, const model::Version& version, uint64_t bytes_max = kRecordBytesMax);
void append_end(std::string& out, uint64_t groups);
// What a log knows to be durable: the first bytes of the segment that a mark stands in, and of the one that it wrote
// before, 0 and 0 for none.
struct DurableMark {
  uint64_t bytes = 0;
  uint64_t previous_sequence = 0;
  uint64_t previous_bytes = 0;
};
// Of kMark, at the front of `out`; what it says is set by set_mark().
inline constexpr size_t kMarkRecordBytes = kRecordHeadBytes + sizeof(DurableMark);
void append_mark(std::string& out);
void set_mark(std::string& out, const DurableMark& mark) noexcept;
// Sets the checksums of `records`, which are to be written at `offset` of the file with this seed.
void seal_records(std::string& records, uint64_t offset, uint64_t seed) noexcept;

struct RecordView {
  RecordKind kind = RecordKind::kPost;
  uint64_t offset = 0;  // of its head
  uint64_t stamp = 0;   // of kEnd: the number of groups
  std::string_view label_text;
  int64_t push_time_ns = 0;
  int64_t push_failure_time_ns = 0;
  uint32_t families = 0;
  std::string_view family_bytes;   // of a filled change: its numbers, each with a newline
  uint64_t pattern = 0;            // of kPattern and of a filled change: the pattern's number; else 0
  std::string_view pattern_bytes;  // the rest of its record; nullptr for a change whose pattern is not there any more
  DurableMark mark;                // of kMark

  [[nodiscard]] bool is_filled() const noexcept { return pattern != 0 && kind != RecordKind::kPattern; }
  // Nobody can say what it was.
  [[nodiscard]] bool is_orphan() const noexcept { return is_filled() && pattern_bytes.data() == nullptr; }
  // All of them; false when they are not what append_change() or append_filled() writes. Views of texts that are in no
  // file are of `text`.
  [[nodiscard]] bool read_families(std::vector<StoredFamily>& out, std::string& text) const;
};

// Reads a file from its beginning. Views live as long as `bytes`.
class RecordReader {
 public:
  // One copy of the header is enough. The error is what is wrong with both.
  [[nodiscard]] static Result<RecordReader, std::string> open(std::string_view bytes);
  // A header that verifies and is of a format that this program does not know: its number; else 0.
  [[nodiscard]] static uint32_t unknown_format(std::string_view bytes) noexcept;

  [[nodiscard]] const FileHeader& header() const noexcept { return header_; }
  // Where the copy of the header stands that does not verify; kFileHeaderBytes: both do.
  [[nodiscard]] size_t bad_header() const noexcept { return bad_header_; }

  enum class Next : uint8_t { kRecord, kEnd, kBad };
  // kBad: what stands at offset() is no record that verifies; again kBad for every call until skip(). Patterns are
  // records too, and found for the changes behind them.
  [[nodiscard]] Next next(RecordView& out);
  [[nodiscard]] uint64_t offset() const noexcept { return at_; }
  // Behind kBad: to the next record that verifies; false when there is none, and the rest of the file is worth nothing.
  [[nodiscard]] bool skip();
  // Behind kBad: what stands there says that it goes on behind the end of the file.
  [[nodiscard]] bool is_cut() const noexcept;

 private:
  [[nodiscard]] bool parse(uint64_t at, RecordView& out, uint64_t& end) const;

  std::string_view bytes_;
  FileHeader header_;
  size_t bad_header_ = kFileHeaderBytes;
  uint64_t at_ = kFileHeaderBytes;
  std::unordered_map<uint64_t, std::string_view> patterns_;  // what was read of them
};

// `log-WWWW-SSSSSSSSSSSS.seg` and `snapshot-WWWWWWWWWWWWWWWW.snap`, numbers in hexadecimal.
[[nodiscard]] std::string segment_name(uint32_t worker, uint64_t sequence);
[[nodiscard]] std::string snapshot_name(uint64_t stamp);
// False for another name.
[[nodiscard]] bool parse_segment_name(std::string_view name, uint32_t& worker, uint64_t& sequence);
[[nodiscard]] bool parse_snapshot_name(std::string_view name, uint64_t& stamp);

}  // namespace sluice::wal
