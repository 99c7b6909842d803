// The state file (--persistence.file): every group at one moment, in a format of our own.
//
// Layout, all integers little-endian:
//
//   "sluice state 1\r\n"                                  16 bytes that no text file and no file of the reference
//   begins with record*   = uint32 bytes | uint64 stable_hash(payload) | payload payload   = 'G' int64 push_time_ns |
//   int64 push_failure_time_ns | string label_text | uint32 families | family*
//             | 'E' uint64 groups                                     the last record: a file without it was cut off
//   family    = string name | string help | uint8 has_help | uint8 type | int64 push_time_ns | string text | string
//   record string    = uint32 bytes | bytes
//
// label_text is the group's labels as the text format spells them; text and record are those of its fragment
// (core/model/canonical.h). Nothing that depends on the process, such as a keyed hash, is written.
//
// Threads: each object belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/families.h"
#include "core/store/snapshot.h"
#include "core/store/store.h"
#include "core/wal/stored_group.h"

namespace sluice::wal {

struct StateSize {
  uint64_t groups = 0;
  uint64_t bytes = 0;
};

// Writes `snapshot` into a temporary file beside `path`, which takes its place once it is whole and on disk: whatever
// happens in between, `path` is either the old state or the new one. The snapshot's writer is told of quiescent points
// in between, and is offline while the disk works. The error is one sentence.
[[nodiscard]] Result<StateSize, std::string> write_state_file(const std::string& path, const store::Snapshot& snapshot,
                                                              store::Writer& writer);

// Reads a state file from its beginning, one group at a time.
class StateFileReader {
 public:
  StateFileReader();
  ~StateFileReader();
  StateFileReader(const StateFileReader&) = delete;
  StateFileReader& operator=(const StateFileReader&) = delete;

  // False when there is no such file: a first start. The error, one sentence, when it is not ours or cannot be read.
  [[nodiscard]] Result<bool, std::string> open(const std::string& path);
  // False at the end. `group` is valid until the next call. The error when the file is damaged or cut off; groups that
  // came before are then worth nothing either.
  [[nodiscard]] Result<bool, std::string> next(StoredGroup& group);

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept;
  };
  [[nodiscard]] bool read(void* to, size_t bytes);

  std::unique_ptr<std::FILE, Closer> file_;
  std::string path_;
  std::string payload_;
  uint64_t left_ = 0;  // bytes of the file behind what was read
  uint64_t groups_ = 0;
};

}  // namespace sluice::wal
