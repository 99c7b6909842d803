#include "core/wal/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "core/base/hash.h"

namespace sluice::wal {
namespace {

constexpr std::string_view kAside = ".corrupt";

// A group as its records make it, from the newest on.
class GroupBuilder {
 public:
  void begin(std::string_view label_text) {
    group_.families.clear();
    group_.push_time_ns = group_.push_failure_time_ns = 0;
    group_.label_text = label_text;
    newest_ = nullptr;
    by_name_.clear();
    patterns_.clear();
    texts_used_ = 0;
  }

  // Older than all before.
  void apply(const RecordView& record) {
    if (newest_ == nullptr) {
      newest_ = &record;
      group_.push_time_ns = record.push_time_ns;
      group_.push_failure_time_ns = record.push_failure_time_ns;
    }
    if (record.families == 0) return;
    // Of pushes of one pattern the newest has all families.
    const char* const pattern = record.pattern_bytes.data();
    if (pattern != nullptr && std::ranges::find(patterns_, pattern) != patterns_.end()) return;
    if (!record.read_families(scratch_, next_text())) return;
    if (pattern != nullptr) patterns_.push_back(pattern);
    // Most groups are one record: its names differ anyway.
    const bool first = group_.families.empty();
    if (!first && by_name_.empty()) {
      for (const StoredFamily& family : group_.families) by_name_.insert(family.name);
    }
    for (StoredFamily& family : scratch_) {
      if (!first && !by_name_.insert(family.name).second) continue;
      family.stamp = record.stamp;
      group_.families.push_back(family);
    }
  }

  // nullptr when it was deleted. Valid until the next begin().
  [[nodiscard]] const StoredGroup* group() {
    if (newest_ == nullptr || newest_->kind == RecordKind::kErase) return nullptr;
    if (!std::ranges::is_sorted(group_.families, {}, &StoredFamily::name)) {
      std::ranges::sort(group_.families, {}, &StoredFamily::name);
    }
    return &group_;
  }

 private:
  // For texts that no file holds.
  std::string& next_text() {
    if (texts_used_ == texts_.size()) texts_.emplace_back();
    return texts_[texts_used_++];
  }

  StoredGroup group_;
  const RecordView* newest_ = nullptr;
  std::vector<StoredFamily> scratch_;
  std::unordered_set<std::string_view, KeyedHash> by_name_;  // of the families; empty with those of one record only
  std::vector<const char*> patterns_;
  std::deque<std::string> texts_;
  size_t texts_used_ = 0;
};

bool hides_what_was_before(RecordKind kind) noexcept {
  return kind == RecordKind::kPut || kind == RecordKind::kGroup || kind == RecordKind::kErase;
}

}  // namespace

Result<void, std::string> Recovery::open_files() {
  const auto entries = storage_.list();
  if (!entries)
    return std::unexpected(fmt::format("cannot list the files of the log: {}", std::strerror(entries.error())));
  for (const DirectoryEntry& entry : *entries) {
    File file;
    file.name = entry.name;
    if (parse_snapshot_name(entry.name, file.sequence)) {
      file.kind = FileKind::kSnapshot;
    } else if (!parse_segment_name(entry.name, file.worker, file.sequence)) {
      continue;
    }
    auto content = storage_.read(entry.name);
    if (!content) return std::unexpected(fmt::format("cannot read {}: {}", entry.name, std::strerror(content.error())));
    file.content = std::move(*content);
    figures_.bytes += file.content->bytes().size();
    if (const uint32_t format = RecordReader::unknown_format(file.content->bytes()); format != 0) {
      return std::unexpected(fmt::format("{} is of format {}, which this version does not know", entry.name, format));
    }
    if (file.kind == FileKind::kSegment) figures_.next_sequence = std::max(figures_.next_sequence, file.sequence + 1);
    files_.push_back(std::move(file));
  }
  figures_.files = files_.size();
  return {};
}

void Recovery::scan(File& file, unsigned parts) const {
  file.items.resize(parts);
  const std::string_view bytes = file.content->bytes();
  file.empty = file.kind == FileKind::kSegment && bytes.size() <= kFileHeaderBytes;
  const auto damage = [&](uint64_t offset, std::string what) {
    file.damages.push_back({file.name, offset, std::move(what)});
    file.whole = false;
  };
  const auto unreadable = file.content->unreadable();
  if (unreadable) damage(*unreadable, "it cannot be read from the disk");
  auto reader = RecordReader::open(bytes);
  if (!reader) {
    // Nothing is written behind a header that is not on disk, so a torn one has nothing behind it.
    if (!file.empty) damage(0, reader.error());
    return;
  }
  const FileHeader& header = reader->header();
  if (header.kind != file.kind || header.sequence != file.sequence ||
      (file.kind == FileKind::kSegment && header.worker != file.worker)) {
    return damage(0, "its header is that of another file");
  }
  if (reader->bad_header() != kFileHeaderBytes && !file.empty) {
    damage(reader->bad_header(), "one of two copies of its header does not verify");
  }
  bool ended = false;
  uint64_t groups = 0;
  uint64_t read_as_written = bytes.size();
  RecordView record;
  for (;;) {
    const RecordReader::Next next = reader->next(record);
    if (next == RecordReader::Next::kEnd) break;
    if (next == RecordReader::Next::kBad) {
      const uint64_t offset = reader->offset();
      const bool cut = reader->is_cut();
      const bool goes_on = reader->skip();
      if (cut && !goes_on) read_as_written = offset;
      const uint64_t end = goes_on ? reader->offset() : bytes.size();
      file.holes.push_back({file.name, offset, fmt::format("{} bytes do not verify", end - offset)});
      if (!goes_on) break;
      continue;
    }
    if (record.kind == RecordKind::kMark) {
      file.durable = std::max(file.durable, record.mark.bytes);
      if (file.previous.empty()) file.previous.push_back(record.mark);
      continue;
    }
    if (record.kind == RecordKind::kPattern) continue;
    if (record.kind == RecordKind::kEnd) {
      ended = true;
      if (record.stamp != groups) damage(record.offset, "groups are missing");
      continue;
    }
    file.stamp_max = std::max(file.stamp_max, record.stamp);
    if (record.is_orphan()) {
      file.orphans.push_back(record.offset);
      continue;
    }
    ++file.records;
    ++groups;
    const uint64_t hash = keyed_hash(record.label_text);
    file.items[(hash >> 32) % parts].push_back({hash, record});
  }
  if (header.boot != 0 && header.boot == storage_.boot()) file.durable = std::max(file.durable, read_as_written);
  // No crash has torn what the disk does not give.
  if (unreadable) file.durable = std::max(file.durable, uint64_t{bytes.size()});
  // A snapshot was durable before it had its name.
  if (file.kind == FileKind::kSnapshot) file.durable = ended ? bytes.size() : bytes.size() + 1;
}

void Recovery::judge_all() {
  std::map<std::pair<uint32_t, uint64_t>, uint64_t> durable;
  for (const File& file : files_) {
    for (const DurableMark& mark : file.previous) durable[{file.worker, mark.previous_sequence}] = mark.previous_bytes;
  }
  for (File& file : files_) {
    const auto later = durable.find({file.worker, file.sequence});
    const bool segment = file.kind == FileKind::kSegment;
    judge(file, segment && later != durable.end() ? std::max(file.durable, later->second) : file.durable);
  }
}

// Holes where the file was durable are damage; the first one behind is where a crash tore it.
void Recovery::judge(File& file, uint64_t durable) {
  const uint64_t bytes = file.content->bytes().size();
  uint64_t end = bytes;  // of what is used
  for (const Damage& hole : file.holes) {
    if (hole.offset < durable) {
      file.damages.push_back(hole);
      file.whole = false;
      continue;
    }
    file.torn_bytes = bytes - hole.offset;
    for (std::vector<Item>& items : file.items) {
      file.records -= std::erase_if(items, [&](const Item& item) { return item.record.offset > hole.offset; });
    }
    end = hole.offset;
    break;
  }
  const auto orphans = std::ranges::count_if(file.orphans, [end](uint64_t offset) { return offset < end; });
  if (orphans != 0) {
    file.damages.push_back(
        {file.name, file.orphans.front(), fmt::format("{} changes have lost their pattern", orphans)});
    file.whole = false;
  }
  if (end == bytes && durable > bytes && file.whole) {
    file.damages.push_back({file.name, bytes, "its end is missing"});
    file.whole = false;
  }
}

// Drops the records of all snapshots but one, and those of segments that it covers.
void Recovery::choose_snapshot() {
  File* chosen = nullptr;
  for (File& file : files_) {
    if (file.kind != FileKind::kSnapshot) continue;
    // Of every one, chosen or not: no later snapshot may have its name.
    figures_.stamp_max = std::max(figures_.stamp_max, file.sequence);
    const bool better =
        chosen == nullptr || (file.whole != chosen->whole ? file.whole : file.sequence > chosen->sequence);
    if (better) chosen = &file;
  }
  if (chosen == nullptr) return;
  // Damaged or not: what it covered may be missing in part, a DELETE before what it deleted.
  const uint64_t covered = chosen->sequence;
  figures_.snapshot_stamp = covered;
  for (File& file : files_) {
    for (std::vector<Item>& items : file.items) {
      if (file.kind == FileKind::kSnapshot) {
        if (&file != chosen) items.clear();
      } else {
        std::erase_if(items, [covered](const Item& item) { return item.record.stamp <= covered; });
      }
    }
  }
}

void Recovery::collect(unsigned parts) {
  parts_.resize(parts);
  for (File& file : files_) {
    figures_.records += file.records;
    figures_.stamp_max = std::max(figures_.stamp_max, file.stamp_max);
    figures_.torn_files += file.torn_bytes != 0 ? 1 : 0;
    figures_.torn_bytes += file.torn_bytes;
    std::ranges::move(file.damages, std::back_inserter(figures_.damages));
    for (unsigned part = 0; part < parts; ++part) {
      if (file.items.empty()) continue;
      if (file.kind == FileKind::kSegment) figures_.logged += file.items[part].size();
      std::vector<Item>& into = parts_[part];
      into.insert(into.end(), file.items[part].begin(), file.items[part].end());
    }
    file.items = {};
  }
}

Result<void, std::string> Recovery::read(unsigned parts) {
  if (auto opened = open_files(); !opened) return opened;
  const auto work = [&](unsigned part) {
    for (size_t index = part; index < files_.size(); index += parts) scan(files_[index], parts);
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned part = 1; part < parts; ++part) threads.emplace_back(work, part);
    work(0);
  }
  judge_all();
  choose_snapshot();
  collect(parts);
  const auto sort = [this](unsigned part) {
    std::ranges::sort(parts_[part], [](const Item& a, const Item& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      return std::tie(a.record.label_text, a.record.stamp) < std::tie(b.record.label_text, b.record.stamp);
    });
  };
  std::vector<std::jthread> threads;
  for (unsigned part = 1; part < parts; ++part) threads.emplace_back(sort, part);
  sort(0);
  return {};
}

void Recovery::for_each_group(unsigned part, const std::function<void(const StoredGroup&)>& take) const {
  const std::vector<Item>& items = parts_[part];
  GroupBuilder builder;
  for (size_t begin = 0; begin < items.size();) {
    const std::string_view label_text = items[begin].record.label_text;
    size_t end = begin;
    size_t from = begin;  // what is before is hidden
    for (; end < items.size() && items[end].record.label_text == label_text; ++end) {
      if (hides_what_was_before(items[end].record.kind)) from = end;
    }
    builder.begin(label_text);
    for (size_t at = end; at != from; --at) builder.apply(items[at - 1].record);
    if (const StoredGroup* group = builder.group()) take(*group);
    begin = end;
  }
}

Result<void, std::string> Recovery::make_durable() {
  for (const File& file : files_) {
    if (file.empty) continue;
    if (const int error = storage_.sync(file.name); error != 0) {
      return std::unexpected(fmt::format("cannot sync {}: {}", file.name, std::strerror(error)));
    }
  }
  if (const int error = storage_.sync_directory(); error != 0) {
    return std::unexpected(fmt::format("cannot sync the directory of the log: {}", std::strerror(error)));
  }
  return {};
}

void Recovery::remove_empty(uint64_t sequence) {
  for (const File& file : files_) {
    if (file.empty && file.whole && file.sequence < sequence) static_cast<void>(storage_.remove(file.name));
  }
}

Result<void, std::string> Recovery::set_aside() {
  bool renamed = false;
  for (const File& file : files_) {
    if (file.whole) continue;
    std::string name = file.name + std::string(kAside);
    for (int number = 1; storage_.read(name); ++number) name = fmt::format("{}{}.{}", file.name, kAside, number);
    // What is not there any more an earlier try has renamed.
    if (const int error = storage_.rename(file.name, name); error != 0 && error != ENOENT) {
      return std::unexpected(fmt::format("cannot set {} aside: {}", file.name, std::strerror(error)));
    }
    renamed = true;
  }
  if (!renamed) return {};
  if (const int error = storage_.sync_directory(); error != 0) {
    return std::unexpected(fmt::format("cannot set damaged files aside: {}", std::strerror(error)));
  }
  return {};
}

}  // namespace sluice::wal
