#include "core/wal/snapshot_file.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/wal/record.h"

namespace sluice::wal {
namespace {

constexpr std::string_view kTemporary = "snapshot.tmp";
// What is collected before the disk is asked.
constexpr size_t kBufferBytes = size_t{1} << 20;

std::string sentence(std::string_view doing, int error) {
  return fmt::format("cannot {} a snapshot: {}", doing, std::strerror(error));
}

class Output {
 public:
  Output(File& file, uint64_t stamp, uint64_t boot, store::Writer& writer) : file_(file), writer_(writer) {
    header_.kind = FileKind::kSnapshot;
    header_.sequence = stamp;
    header_.boot = boot;
    SLUICE_CHECK(getrandom(&header_.seed, sizeof(header_.seed), 0) == sizeof(header_.seed));
    std::string head;
    append_header(head, header_);
    error_ = file_.write_at(0, head);
  }

  [[nodiscard]] std::string& buffer() noexcept { return buffer_; }
  [[nodiscard]] uint64_t bytes() const noexcept { return end_; }
  [[nodiscard]] int error() const noexcept { return error_; }

  void flush() {
    seal_records(buffer_, end_, header_.seed);
    writer_.quiescent();
    writer_.offline();
    if (error_ == 0) error_ = file_.write_at(end_, buffer_);
    writer_.online();
    end_ += buffer_.size();
    buffer_.clear();
  }

 private:
  File& file_;
  store::Writer& writer_;
  FileHeader header_;
  std::string buffer_;
  uint64_t end_ = kFileHeaderBytes;
  int error_ = 0;
};

// As many as the disk takes; the error, one sentence, when a group has no room in a record.
Result<uint64_t, std::string> write_groups(Output& out, const store::Snapshot& snapshot, uint64_t group_bytes_max) {
  uint64_t groups = 0;
  for (const store::Snapshot::Bucket& bucket : snapshot.buckets()) {
    for (const store::Snapshot::Chunk& chunk : bucket.chunks) {
      for (const model::Version* version : chunk) {
        if (!append_group(out.buffer(), *version, group_bytes_max)) {
          return std::unexpected(fmt::format("cannot write a snapshot: the group {{{}}} is of more than {} bytes",
                                             version->label_text(), group_bytes_max));
        }
        ++groups;
        if (out.buffer().size() >= kBufferBytes) out.flush();
        if (out.error() != 0) return groups;
      }
    }
  }
  return groups;
}

}  // namespace

Result<SnapshotSize, std::string> write_snapshot(Storage& storage, uint64_t stamp, const store::Snapshot& snapshot,
                                                 store::Writer& writer, uint64_t group_bytes_max) {
  const std::string temporary(kTemporary);
  if (const int error = storage.remove(temporary); error != 0 && error != ENOENT) {
    return std::unexpected(sentence("make room for", error));
  }
  auto file = storage.create(temporary);
  if (!file) return std::unexpected(sentence("create", file.error()));
  Output out(**file, stamp, storage.boot(), writer);
  const auto groups = write_groups(out, snapshot, group_bytes_max);
  if (!groups) {
    static_cast<void>(storage.remove(temporary));
    return std::unexpected(groups.error());
  }
  SnapshotSize size;
  size.groups = *groups;
  append_end(out.buffer(), size.groups);
  out.flush();
  writer.offline();
  int error = out.error();
  if (error == 0) error = (*file)->sync();
  file->reset();
  if (error == 0) error = storage.rename(temporary, snapshot_name(stamp));
  if (error == 0) error = storage.sync_directory();
  if (error != 0) static_cast<void>(storage.remove(temporary));
  writer.online();
  if (error != 0) return std::unexpected(sentence("write", error));
  size.bytes = out.bytes();
  return size;
}

bool is_covered(std::string_view name, uint64_t stamp, const std::vector<uint64_t>& present, uint64_t first_sequence) {
  uint64_t number = 0;
  if (parse_snapshot_name(name, number)) return number < stamp;
  uint32_t worker = 0;
  if (!parse_segment_name(name, worker, number)) return false;
  // A log that has not begun has no present segment: then all that there are, are old.
  return number < (worker < present.size() ? std::max(present[worker], first_sequence) : first_sequence);
}

Result<void, std::string> remove_covered(Storage& storage, uint64_t stamp, const std::vector<uint64_t>& present,
                                         uint64_t first_sequence) {
  const auto entries = storage.list();
  if (!entries) return std::unexpected(sentence("list what is older than", entries.error()));
  int error = 0;
  bool removed = false;
  const auto remove_all = [&](bool snapshots) {
    for (const DirectoryEntry& entry : *entries) {
      uint64_t other = 0;
      if (parse_snapshot_name(entry.name, other) != snapshots) continue;
      if (!is_covered(entry.name, stamp, present, first_sequence)) continue;
      if (const int failed = storage.remove(entry.name); failed != 0 && failed != ENOENT) error = failed;
      removed = true;
    }
  };
  remove_all(true);
  if (error == 0 && removed) error = storage.sync_directory();
  if (error != 0) return std::unexpected(sentence("remove what is older than", error));
  remove_all(false);
  if (error == 0) error = storage.sync_directory();
  if (error != 0) return std::unexpected(sentence("remove segments before", error));
  return {};
}

}  // namespace sluice::wal
