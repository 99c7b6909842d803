// From the files of a directory to the groups that they mean.
//
// read() looks at every record: the newest whole snapshot, and what the segments have behind it. Then each group is
// what its records say in the order of their stamps, in whatever files they stand. Nothing is changed on disk but by
// set_aside().
//
// A record that does not verify: where the file was durable, as marks behind it and in the worker's next segment say,
// it is damage, and what verifies behind it is used; elsewhere a crash tore it, and it and what follows is cut off and
// counted. While the machine has been up since it was written, only a write that a dying process did not finish can
// have torn it: everything but a record that goes on behind the end of its file is damage. When the newest snapshot is
// damaged an older one that is whole takes its place, with the segments that were kept for it; else what verifies of it
// is used.
//
// Threads: read() makes its own; groups of different parts may be asked for by different threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/wal/record.h"
#include "core/wal/storage.h"
#include "core/wal/stored_group.h"

namespace sluice::wal {

struct Damage {
  std::string file;
  uint64_t offset = 0;
  std::string what;
};

struct RecoveryFigures {
  uint64_t snapshot_stamp = 0;  // 0: no snapshot
  uint64_t stamp_max = 0;       // of all records and of the names of all snapshots
  uint64_t next_sequence = 1;   // above those of all segments
  uint64_t files = 0;
  uint64_t records = 0;
  uint64_t logged = 0;  // of them, in segments and not covered by the snapshot
  uint64_t bytes = 0;
  uint64_t torn_files = 0;  // whose last record was cut off
  uint64_t torn_bytes = 0;
  std::vector<Damage> damages;
};

class Recovery {
 public:
  explicit Recovery(Storage& storage) : storage_(storage) {}

  // The error is one sentence: the directory or a file cannot be read.
  [[nodiscard]] Result<void, std::string> read(unsigned parts);
  [[nodiscard]] const RecoveryFigures& figures() const noexcept { return figures_; }

  // Every group of this part, below `parts`; views are valid during the call of `take`.
  void for_each_group(unsigned part, const std::function<void(const StoredGroup&)>& take) const;

  // What was read may be in the page cache only, as the process before this one left it. Afterwards it is on disk, and
  // what builds on it may be promised. The error is one sentence.
  [[nodiscard]] Result<void, std::string> make_durable();

  // Removes segments before `sequence` that have no record: every start leaves some that does not end well.
  void remove_empty(uint64_t sequence);
  // Gives damaged files the name NAME.corrupt, or NAME.corrupt.N. Once what was read of them is safe elsewhere.
  [[nodiscard]] Result<void, std::string> set_aside();

 private:
  struct Item {
    uint64_t hash = 0;
    RecordView record;
  };
  struct File {
    std::string name;
    std::unique_ptr<Content> content;
    FileKind kind = FileKind::kSegment;
    uint32_t worker = 0;
    uint64_t sequence = 0;
    // What scan() makes of it.
    std::vector<std::vector<Item>> items;  // by part
    std::vector<Damage> damages;
    std::vector<Damage> holes;          // what does not verify
    std::vector<uint64_t> orphans;      // offsets of changes whose pattern is not among what does
    uint64_t durable = 0;               // bytes, as far as its own marks say
    std::vector<DurableMark> previous;  // what they say of earlier segments
    uint64_t records = 0;
    uint64_t stamp_max = 0;
    uint64_t torn_bytes = 0;
    bool whole = true;
    bool empty = false;  // a segment with a header, or a part of one, and nothing else
  };

  [[nodiscard]] Result<void, std::string> open_files();
  void scan(File& file, unsigned parts) const;
  void judge_all();
  static void judge(File& file, uint64_t durable);
  void choose_snapshot();
  void collect(unsigned parts);

  Storage& storage_;
  std::vector<File> files_;
  std::vector<std::vector<Item>> parts_;
  RecoveryFigures figures_;
};

}  // namespace sluice::wal
