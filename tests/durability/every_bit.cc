// every_bit DIRECTORY [STEP]: recovery on a directory that a gateway has left, once for every bit of its files that is
// flipped and for every length that one is cut at; or for each STEP-th.
//
// The directory is of bitrot.py and of this boot: every push replaces the whole group, and everything in it verifies.
// Recovered must be what there is without the record that the damage lies in, none when it lies in a copy of a header;
// and the damage must be noticed, but for records that are missing as a whole at the end of a segment, or a segment in
// which nothing stands. Nothing is written: the damaged file stands in memory.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/wal/record.h"
#include "core/wal/recovery.h"
#include "core/wal/storage.h"

namespace sluice::wal {
namespace {

constexpr int kFailuresMax = 5;

// Group -> all that is known of it, as text.
using State = std::map<std::string, std::string>;

class Bytes final : public Content {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view bytes() const noexcept override { return bytes_; }

 private:
  const std::string_view bytes_;
};

// Files in memory, which can be read only.
class Memory final : public Storage {
 public:
  explicit Memory(uint64_t boot) : boot_(boot) {}
  std::map<std::string, std::string> files;

  [[nodiscard]] Result<std::unique_ptr<File>, int> create(const std::string&) override {
    return std::unexpected(EROFS);
  }
  [[nodiscard]] Result<std::unique_ptr<Content>, int> read(const std::string& name) override {
    return std::make_unique<Bytes>(files.at(name));
  }
  [[nodiscard]] int sync(const std::string&) override { return EROFS; }
  [[nodiscard]] int rename(const std::string&, const std::string&) override { return EROFS; }
  [[nodiscard]] int remove(const std::string&) override { return EROFS; }
  [[nodiscard]] int sync_directory() override { return EROFS; }
  [[nodiscard]] Result<std::vector<DirectoryEntry>, int> list() override {
    std::vector<DirectoryEntry> entries;
    entries.reserve(files.size());
    for (const auto& [name, bytes] : files) entries.push_back({name, bytes.size()});
    return entries;
  }
  [[nodiscard]] bool in_place() override { return true; }
  [[nodiscard]] uint64_t boot() const noexcept override { return boot_; }

 private:
  const uint64_t boot_;
};

std::string describe(int64_t push_time_ns, int64_t failure_time_ns, std::vector<StoredFamily> families) {
  std::ranges::sort(families, {}, &StoredFamily::name);
  std::string text = fmt::format("{} {}", push_time_ns, failure_time_ns);
  for (const StoredFamily& family : families) {
    text += fmt::format("|{}|{}|{}|{}|{}|{}|{}", family.name, family.help, family.has_help,
                        static_cast<int>(family.type), family.push_time_ns, family.text, family.record);
  }
  return text;
}

State recovered(const Recovery& recovery) {
  State state;
  recovery.for_each_group(0, [&state](const StoredGroup& group) {
    state[std::string(group.label_text)] = describe(group.push_time_ns, group.push_failure_time_ns, group.families);
  });
  return state;
}

struct Change {
  std::string file;
  uint64_t begin = 0;
  uint64_t end = 0;
  RecordKind kind = RecordKind::kPost;
  uint64_t stamp = 0;
  std::string group;
  std::string content;
};

// The records of whole files, and what they mean without Recovery.
struct Records {
  std::vector<Change> changes;
  std::map<std::string, std::vector<uint64_t>> ends;  // by file, of records of every kind
  uint64_t snapshot = 0;

  void add(const std::string& name, std::string_view bytes) {
    auto reader = RecordReader::open(bytes);
    if (!reader) return;
    if (reader->header().kind == FileKind::kSnapshot) snapshot = std::max(snapshot, reader->header().sequence);
    std::vector<StoredFamily> families;
    std::string text;
    for (RecordView record; reader->next(record) == RecordReader::Next::kRecord;) {
      ends[name].push_back(reader->offset());
      if (record.kind == RecordKind::kMark || record.kind == RecordKind::kEnd || record.kind == RecordKind::kPattern)
        continue;
      families.clear();
      if (record.families != 0) static_cast<void>(record.read_families(families, text));
      changes.push_back({name, record.offset, reader->offset(), record.kind, record.stamp,
                         std::string(record.label_text),
                         describe(record.push_time_ns, record.push_failure_time_ns, families)});
    }
  }

  [[nodiscard]] State state(const std::function<bool(const Change&)>& survives) const {
    std::map<std::string, const Change*> newest;
    for (const Change& change : changes) {
      // What stands in a segment and is in the snapshot counts for nothing.
      if (change.kind != RecordKind::kGroup && change.stamp <= snapshot) continue;
      const Change*& known = newest[change.group];
      if (survives(change) && (known == nullptr || known->stamp < change.stamp)) known = &change;
    }
    State state;
    for (const auto& [group, change] : newest) {
      if (change != nullptr && change->kind != RecordKind::kErase) state[group] = change->content;
    }
    return state;
  }
};

enum class Noticed : uint8_t { kMust, kMay };

class Trials {
 public:
  Trials(Memory& disk, const Records& records) : disk_(disk), records_(records) {}

  // The file `name` is `bytes`, which differ from what they were in [begin, end).
  void run(const std::string& name, const std::string& bytes, uint64_t begin, uint64_t end, Noticed noticed,
           const std::string& what) {
    ++trials_;
    disk_.files[name] = bytes;
    Recovery recovery(disk_);
    if (const auto read = recovery.read(1); !read) return fail(what, read.error());
    const RecoveryFigures& found = recovery.figures();
    if (noticed == Noticed::kMust && found.damages.empty() && found.torn_files == 0) fail(what, "it is not noticed");
    for (const Damage& damage : found.damages) {
      if (damage.file != name) fail(what, "another file is named: " + damage.file);
    }
    const auto survives = [&](const Change& change) {
      return change.file != name || change.begin >= end || change.end <= begin;
    };
    if (recovered(recovery) != records_.state(survives)) fail(what, "the state is another one");
  }

  [[nodiscard]] uint64_t trials() const noexcept { return trials_; }
  [[nodiscard]] bool enough() const noexcept { return failures_ >= kFailuresMax; }
  [[nodiscard]] int failures() const noexcept { return failures_; }

 private:
  void fail(const std::string& what, const std::string& why) {
    ++failures_;
    fmt::print("FAILED: {}: {}\n", what, why);
  }

  Memory& disk_;
  const Records& records_;
  uint64_t trials_ = 0;
  int failures_ = 0;
};

// All of one file; its content is as it was afterwards.
void damage_file(Trials& trials, Memory& disk, const Records& records, const std::string& name, uint64_t step) {
  const std::string whole = disk.files.at(name);
  const bool segment = name.ends_with(".seg");
  const auto ends = records.ends.find(name);
  const bool empty = segment && ends == records.ends.end();
  for (uint64_t bit = 0; bit < whole.size() * 8 && !trials.enough(); bit += step) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ (1U << bit % 8));
    trials.run(name, bytes, bit / 8, bit / 8 + 1, empty ? Noticed::kMay : Noticed::kMust,
               fmt::format("bit {} of {}", bit, name));
  }
  for (uint64_t size = 0; size < whole.size() && !trials.enough(); size += step) {
    // No other file may speak of whole records that are missing at the end.
    const bool record_ends = ends != records.ends.end() && std::ranges::binary_search(ends->second, size);
    const bool may = segment && (size <= kFileHeaderBytes || record_ends);
    trials.run(name, whole.substr(0, size), size, whole.size(), may ? Noticed::kMay : Noticed::kMust,
               fmt::format("{} cut at {}", name, size));
  }
  disk.files[name] = whole;
}

int run(const std::string& directory, uint64_t step) {
  const auto real = open_directory(directory);
  if (!real) return fmt::print(stderr, "every_bit: {}\n", real.error()), 2;
  Memory disk((*real)->boot());
  Records records;
  const auto entries = (*real)->list();
  if (!entries) return fmt::print(stderr, "every_bit: {} cannot be listed\n", directory), 2;
  for (const DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(".seg") && !entry.name.ends_with(".snap")) continue;
    const auto content = (*real)->read(entry.name);
    if (!content) return fmt::print(stderr, "every_bit: {} cannot be read\n", entry.name), 2;
    disk.files[entry.name] = (*content)->bytes();
    records.add(entry.name, disk.files[entry.name]);
  }
  Trials trials(disk, records);
  uint64_t bytes = 0;
  std::vector<std::string> names;
  for (const auto& [name, content] : disk.files) {
    names.push_back(name);
    bytes += content.size();
  }
  for (const std::string& name : names) damage_file(trials, disk, records, name, step);
  fmt::print("every_bit: {} files of {} bytes with {} changes: {} damages, {} failures\n", names.size(), bytes,
             records.changes.size(), trials.trials(), trials.failures());
  return trials.failures() == 0 && !records.changes.empty() ? 0 : 1;
}

}  // namespace
}  // namespace sluice::wal

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    fmt::print(stderr, "every_bit DIRECTORY [STEP]\n");
    return 2;
  }
  return sluice::wal::run(argv[1], argc == 3 ? std::max(1ULL, std::strtoull(argv[2], nullptr, 10)) : 1);
}
