#include "tools/commands/wal_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "core/wal/record.h"
#include "core/wal/recovery.h"
#include "core/wal/storage.h"
#include "tools/commands/parse_command.h"

namespace sluice::tools {
namespace {

const char* name_of(wal::RecordKind kind) {
  switch (kind) {
    case wal::RecordKind::kPost:
      return "post";
    case wal::RecordKind::kPut:
      return "put";
    case wal::RecordKind::kFail:
      return "fail";
    case wal::RecordKind::kErase:
      return "erase";
    case wal::RecordKind::kGroup:
      return "group";
    case wal::RecordKind::kEnd:
      return "end";
    case wal::RecordKind::kPattern:
      return "pattern";
    case wal::RecordKind::kMark:
    case wal::RecordKind::kPostFilled:  // read as post and put
    case wal::RecordKind::kPutFilled:
      break;
  }
  return "mark";
}

void print_record(const std::string& file, const wal::RecordView& record, uint64_t bytes) {
  std::string rest;
  switch (record.kind) {
    case wal::RecordKind::kEnd:
      rest = fmt::format("groups={}", record.stamp);
      break;
    case wal::RecordKind::kMark:
      rest = fmt::format("durable={} before={:x}:{}", record.mark.bytes, record.mark.previous_sequence,
                         record.mark.previous_bytes);
      break;
    case wal::RecordKind::kPattern:
      rest = fmt::format("pattern={}", record.pattern);
      break;
    default:
      rest = fmt::format("stamp={} families={} {{{}}}", record.stamp, record.families, record.label_text);
      if (record.is_filled())
        rest += fmt::format(" {}={}", record.is_orphan() ? "lost_pattern" : "pattern", record.pattern);
      break;
  }
  fmt::print("{} {} {} bytes={} {}\n", file, record.offset, name_of(record.kind), bytes, rest);
}

void dump_file(const std::string& name, std::string_view bytes) {
  auto reader = wal::RecordReader::open(bytes);
  if (!reader) return fmt::print("{} 0 bad bytes={} {}\n", name, bytes.size(), reader.error());
  wal::RecordView record;
  for (;;) {
    const uint64_t offset = reader->offset();
    switch (reader->next(record)) {
      case wal::RecordReader::Next::kRecord:
        print_record(name, record, reader->offset() - offset);
        break;
      case wal::RecordReader::Next::kEnd:
        return;
      case wal::RecordReader::Next::kBad: {
        const bool goes_on = reader->skip();
        fmt::print("{} {} bad bytes={}\n", name, offset, (goes_on ? reader->offset() : bytes.size()) - offset);
        if (!goes_on) return;
        break;
      }
    }
  }
}

int dump(wal::Storage& storage, const std::string& directory) {
  const auto entries = storage.list();
  if (!entries) return fail_command(fmt::format("cannot list {}: {}", directory, std::strerror(entries.error())));
  for (const wal::DirectoryEntry& entry : *entries) {
    uint32_t worker = 0;
    uint64_t number = 0;
    if (!wal::parse_segment_name(entry.name, worker, number) && !wal::parse_snapshot_name(entry.name, number)) continue;
    const auto content = storage.read(entry.name);
    if (!content) {
      return fail_command(fmt::format("cannot read {}/{}: {}", directory, entry.name, std::strerror(content.error())));
    }
    dump_file(entry.name, (*content)->bytes());
  }
  return 0;
}

int verify(wal::Storage& storage, const std::string& directory) {
  wal::Recovery recovery(storage);
  if (const auto read = recovery.read(1); !read) return fail_command(fmt::format("{}: {}", directory, read.error()));
  const wal::RecoveryFigures& found = recovery.figures();
  uint64_t groups = 0;
  recovery.for_each_group(0, [&groups](const wal::StoredGroup&) { ++groups; });
  fmt::print("files        {}\nbytes        {}\nrecords      {}\ngroups       {}\nsnapshot     {}\nnewest_stamp {}\n",
             found.files, found.bytes, found.records, groups, found.snapshot_stamp, found.stamp_max);
  fmt::print("torn_files   {}\ntorn_bytes   {}\ndamaged      {}\n", found.torn_files, found.torn_bytes,
             found.damages.size());
  for (const wal::Damage& damage : found.damages) fmt::print("  {} {}: {}\n", damage.file, damage.offset, damage.what);
  if (found.damages.empty()) return 0;
  const wal::Damage& first = found.damages.front();
  return fail_command(
      fmt::format("{}/{} is damaged at offset {}: {}", directory, first.file, first.offset, first.what));
}

}  // namespace

int wal_command(const std::vector<std::string>& arguments) {
  CommandLine line("Reads the directory FILE.sluice/ of --persistence.file, and changes nothing.", "sluice wal");
  std::string directory;
  CommandLine& dumped = line.subcommand("dump", "One line for each record: file, offset, kind, bytes, what it says.");
  CommandLine& verified =
      line.subcommand("verify", "Reads everything as a start does. Exit code 1, with file and offset, for damage.");
  for (CommandLine* command : {&dumped, &verified}) {
    command->required("DIR", directory, {.text = "The directory."});
  }
  if (const auto code = parse_command(line, arguments)) return *code;
  // Opening would make it.
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return fail_command(fmt::format("{} is no directory that can be read", directory));
  }
  const auto storage = wal::open_directory(directory);
  if (!storage) return fail_command(storage.error());
  return dumped.was_typed() ? dump(**storage, directory) : verify(**storage, directory);
}

}  // namespace sluice::tools
