#include "net/api/reference_import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/wal/record.h"
#include "core/wal/state_file.h"
#include "net/api/directory_lock.h"
#include "net/api/own_metrics.h"
#include "net/api/reference_file.h"
#include "net/api/restore.h"

namespace sluice::net::api {
namespace {

struct Places {
  std::string folder;
  std::string state;
  std::string record;
};

Places places_of(const std::string& path) {
  const std::string folder = path + ".sluice";
  return {folder, folder + "/state", folder + "/imported"};
}

std::string system_error(std::string_view doing, const std::string& path) {
  return fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno));
}

void note(ImportSummary& summary, const wal::StoredGroup& group, std::string_view why) {
  if (++summary.left_out > ImportSummary::kReasonsShown) return;
  summary.reasons.push_back(fmt::format("of the group {{{}}} {}", group.label_text, why));
}

// A family that cannot be kept does not take others with it that were pushed at the same time.
void restore_one_by_one(Restore& restore, const wal::StoredGroup& group, ImportSummary& summary) {
  wal::StoredGroup single = group;
  for (const wal::StoredFamily& family : group.families) {
    single.families.assign(1, family);
    if (const auto restored = restore.group(single); !restored) {
      note(summary, group, fmt::format("the family {}: {}", family.name, restored.error()));
    }
  }
}

void count(ImportSummary& summary, const wal::StoredGroup& group) {
  ++summary.groups;
  summary.families += group.families.size();
  if (group.push_time_ns == 0) {
    ++summary.groups_failed;
    return;
  }
  summary.newest_push_ns = std::max(summary.newest_push_ns, group.push_time_ns);
  if (summary.oldest_push_ns == 0 || group.push_time_ns < summary.oldest_push_ns) {
    summary.oldest_push_ns = group.push_time_ns;
  }
}

store::Options store_options(bool check) {
  store::Options options;
  options.own_families = own_family_names();
  options.check = check;
  return options;
}

Result<void, std::string> write_state(const std::string& path, store::Store& store) {
  store::Writer writer(store);
  store::SnapshotRequest request;
  request.start(writer);
  while (request.step(Deadline::never()) != store::StepResult::kDone) writer.quiescent();
  auto snapshot = request.take();
  const auto written = wal::write_state_file(path, *snapshot, writer);
  snapshot.release();
  writer.quiescent();
  if (!written) return std::unexpected(written.error());
  return {};
}

// Behind its temporary name, so that a record that is there is whole.
Result<void, std::string> write_record(const Places& places, const ImportSummary& summary) {
  const std::string temporary = places.record + ".new";
  const std::string text = fmt::format(
      "sluice import 1\nfile_bytes {}\nfile_changed_ns {}\nimported_ns {}\ngroups {}\nfamilies {}\nseries {}\n"
      "left_out {}\n",
      summary.bytes, summary.changed_ns, wall_ns(), summary.groups, summary.families, summary.series, summary.left_out);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected(system_error("write", temporary));
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(descriptor) == 0;
  close(descriptor);
  if (!written || rename(temporary.c_str(), places.record.c_str()) != 0) {
    return std::unexpected(system_error("write", places.record));
  }
  return {};
}

// Some file systems cannot sync a folder; what is in it is on disk all the same.
Result<void, std::string> sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_error("open", folder));
  const bool synced = fsync(descriptor) == 0 || errno == EINVAL;
  close(descriptor);
  if (!synced) return std::unexpected(system_error("sync", folder));
  return {};
}

// A gateway has kept changes there: then its log counts, and no state beside it is read.
bool has_log(const std::string& folder) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    uint32_t worker = 0;
    uint64_t number = 0;
    if (wal::parse_snapshot_name(name, number)) return true;
    const bool segment = wal::parse_segment_name(name, worker, number);
    if (segment && entry.file_size(none) > wal::kFileHeaderBytes && !none) return true;
  }
  return false;
}

// What `imported` says of the file, or nothing when there is none.
struct Record {
  uint64_t bytes = 0;
  int64_t changed_ns = 0;
};
Result<std::optional<Record>, std::string> read_record(const Places& places) {
  if (access(places.record.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  std::ifstream file(places.record);
  std::string line;
  Record record;
  std::string bytes;
  std::string changed;
  if (!std::getline(file, line) || line != "sluice import 1" || !(file >> bytes >> record.bytes) ||
      !(file >> changed >> record.changed_ns) || bytes != "file_bytes" || changed != "file_changed_ns") {
    return std::unexpected(
        fmt::format("{} cannot be read or is not what an import writes; remove {} to import the file anew",
                    places.record, places.folder));
  }
  return record;
}

std::string parent_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// What was imported before is what counts.
Result<std::string, std::string> imported_state(const std::string& path, const Places& places, const Record& record) {
  if (access(places.state.c_str(), F_OK) != 0) {
    return std::unexpected(
        fmt::format("{} says that {} was imported, but {} is not there; put it back, or remove {} to import the file "
                    "anew",
                    places.record, path, places.state, places.folder));
  }
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 &&
      (static_cast<uint64_t>(status.st_size) != record.bytes ||
       status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec != record.changed_ns)) {
    log::write(log::Level::kWarn, log::Reason::kAlways,
               "the persistence file has changed since it was imported, and is not imported again",
               {{"file", path}, {"folder", places.folder}});
  }
  return places.state;
}

Result<ImportSummary, std::string> read_file(const std::string& path, store::Store& store, bool check) {
  ReferenceFile file;
  const auto kind = file.open(path);
  if (!kind) return std::unexpected(kind.error());
  if (*kind == ReferenceFile::Kind::kMissing) {
    return std::unexpected(fmt::format("cannot read the persistence file {}: {}", path, std::strerror(ENOENT)));
  }
  if (*kind == ReferenceFile::Kind::kOther) {
    return std::unexpected(fmt::format("the file {} was not written by a Pushgateway", path));
  }
  ImportSummary summary;
  summary.bytes = file.bytes();
  summary.changed_ns = file.changed_ns();
  store::Writer writer(store);
  Restore restore(writer, check);
  for (wal::StoredGroup group;;) {
    const auto more = file.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    count(summary, group);
    for (const std::string& why : file.left_out()) note(summary, group, why);
    if (const auto restored = restore.group(group); !restored) {
      if (group.families.empty()) note(summary, group, restored.error());
      restore_one_by_one(restore, group, summary);
    }
  }
  const store::Stats stats = store.stats();
  summary.series = stats.series;
  summary.samples = stats.samples;
  return summary;
}

}  // namespace

Result<ImportSummary, std::string> examine_reference_file(const std::string& path, bool check) {
  store::Store store(store_options(check));
  return read_file(path, store, check);
}

Result<ImportSummary, std::string> import_reference_file(const std::string& path, bool check) {
  const Places places = places_of(path);
  const auto record = read_record(places);
  if (!record) return std::unexpected(record.error());
  if (*record) {
    return std::unexpected(
        fmt::format("{} was imported before; remove {} to import it anew, which forgets all that was pushed since",
                    path, places.folder));
  }
  store::Store store(store_options(check));
  const auto summary = read_file(path, store, check);
  if (!summary) return summary;
  if (mkdir(places.folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(system_error("make the folder", places.folder));
  }
  DirectoryLock lock;
  if (auto locked = lock.take(places.folder); !locked) return std::unexpected(std::move(locked.error()));
  if (has_log(places.folder)) {
    return std::unexpected(
        fmt::format("{} has what a gateway has kept, and {} would not be read beside it; remove {} to import the file, "
                    "which forgets all that was pushed",
                    places.folder, path, places.folder));
  }
  if (const auto written = write_state(places.state, store); !written) return std::unexpected(written.error());
  if (const auto written = write_record(places, *summary); !written) return std::unexpected(written.error());
  for (const std::string& folder : {places.folder, parent_of(path)}) {
    if (const auto synced = sync_folder(folder); !synced) return std::unexpected(synced.error());
  }
  return summary;
}

Result<std::string, std::string> state_file_for(const std::string& path, bool check) {
  const Places places = places_of(path);
  const auto record = read_record(places);
  if (!record) return std::unexpected(record.error());
  if (*record) return imported_state(path, places, **record);
  const auto kind = ReferenceFile().open(path);
  if (!kind) return std::unexpected(kind.error());
  if (*kind != ReferenceFile::Kind::kReference) return path;
  if (has_log(places.folder)) {
    log::write(
        log::Level::kWarn, log::Reason::kAlways,
        "the persistence file of a Pushgateway is not imported: a gateway has kept changes beside it, which count",
        {{"file", path}, {"folder", places.folder}});
    return places.state;
  }
  const int64_t begin_ns = monotonic_ns();
  const auto summary = import_reference_file(path, check);
  if (!summary) return std::unexpected(summary.error());
  log::write(log::Level::kInfo, log::Reason::kAlways, "imported the persistence file of a Pushgateway",
             {{"file", path},
              {"groups", std::to_string(summary->groups)},
              {"series", std::to_string(summary->series)},
              {"left_out", std::to_string(summary->left_out)},
              {"ms", std::to_string((monotonic_ns() - begin_ns) / 1'000'000)}});
  for (const std::string& why : summary->reasons) {
    log::write(log::Level::kWarn, log::Reason::kAlways, "part of the persistence file was not imported",
               {{"err", why}});
  }
  return places.state;
}

}  // namespace sluice::net::api
