// The disk as the log sees it: one directory of files. Everything that core/wal writes or reads goes through here, so
// that tests can put a disk in its place that fails, tears and forgets.
//
// Errors are numbers of errno. Functions block, but for File::descriptor(), with which a worker has its ring sync.
// Threads: a File belongs to one thread at a time; a Storage may be used by any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace sluice::wal {

// A file that is written.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  // All of the bytes, or an error: then nothing is known of what stands at `offset` and behind.
  [[nodiscard]] virtual int write_at(uint64_t offset, std::string_view bytes) noexcept = 0;
  // fdatasync. After an error nothing that was written since the last success may be taken for durable, whatever a
  // later call says.
  [[nodiscard]] virtual int sync() noexcept = 0;
  // For a ring's fdatasync; -1 when there is none.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

// The content of a file, as long as this lives.
class Content {
 public:
  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  virtual ~Content() = default;

  [[nodiscard]] virtual std::string_view bytes() const noexcept = 0;
  // Where the first byte stands that the disk has but does not give, if there is one. In bytes() such are zeros.
  [[nodiscard]] virtual std::optional<uint64_t> unreadable() const noexcept { return std::nullopt; }
};

struct DirectoryEntry {
  std::string name;
  uint64_t bytes = 0;
};

class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  // A new file, readable by its owner only; an error when there is one of that name.
  [[nodiscard]] virtual Result<std::unique_ptr<File>, int> create(const std::string& name) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Content>, int> read(const std::string& name) = 0;
  // What a process before this one has written into a file is durable after this.
  [[nodiscard]] virtual int sync(const std::string& name) = 0;
  // Takes the place of what is there.
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual int remove(const std::string& name) = 0;
  // Creations, renames and removals are durable after this.
  [[nodiscard]] virtual int sync_directory() = 0;
  // Files only, sorted by name.
  [[nodiscard]] virtual Result<std::vector<DirectoryEntry>, int> list() = 0;
  // Whether the path that it was opened with still leads to it: a directory that was moved, removed or unmounted takes
  // writes as before, and nobody will find them. What cannot be told counts as yes.
  [[nodiscard]] virtual bool in_place() = 0;
  // Says whether the machine has been up since: what was written at the same boot is read as it was written, synced or
  // not, or something has damaged it. 0: not known.
  [[nodiscard]] virtual uint64_t boot() const noexcept = 0;
};

// The directory at `path`, made if need be (0700). The error is one sentence.
[[nodiscard]] Result<std::unique_ptr<Storage>, std::string> open_directory(const std::string& path);

// The directory's own name is durable after this: a sync of what is in it need not make it so. One that this process
// may not read above it is left alone, and so are file systems that cannot sync a directory. The error is one sentence.
[[nodiscard]] Result<void, std::string> sync_name_of_directory(const std::string& path);

}  // namespace sluice::wal
