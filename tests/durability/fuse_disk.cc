// fuse_disk MOUNTPOINT: mounts a DiskModel with libfuse3 and serves it until it is unmounted. The file system that is
// there is real to the kernel, so its errors and its waits reach io_uring operations as a disk's do.
//
// Commands are written to MOUNTPOINT/control, one a write:
//     cut PATTERN SEED | cut_at OPERATIONS PATTERN SEED | revive | clear | fail SYNCS ERRNO HELD | release |
//     budget BYTES | delay MICROSECONDS
// with the patterns none, all, prefix, sectors, last. HELD is none, all, or how names end that are not held up. Reading
// that file gives DiskModel::report().
#include <cerrno>
#define FUSE_USE_VERSION 35
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/durability/disk_model.h"

namespace sluice::testing {
namespace {

constexpr std::string_view kControl = "/control";

DiskModel& disk() {
  static DiskModel model;
  return model;
}

// What an open file, directory or the control file is to the kernel.
struct Handle {
  std::shared_ptr<Inode> file;
  std::string path;
  std::string report;  // of the control file
};

Handle& handle(const fuse_file_info* info) { return *reinterpret_cast<Handle*>(info->fh); }

int attach(fuse_file_info* info, Handle made) {
  info->fh = reinterpret_cast<uint64_t>(new Handle(std::move(made)));
  info->direct_io = 1;
  return 0;
}

bool command(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  std::string pattern;
  uint64_t number = 0;
  uint32_t seed = 0;
  words >> name;
  if (name == "revive") {
    disk().revive();
  } else if (name == "clear") {
    disk().clear();
  } else if (name == "release") {
    disk().release();
  } else if (name == "cut" || name == "cut_at") {
    if (name == "cut_at") words >> number;
    words >> pattern >> seed;
    const auto known = pattern_of(pattern);
    if (!words || !known) return false;
    name == "cut" ? disk().cut(*known, seed) : disk().cut_at(number, *known, seed);
  } else if (int error = 0; name == "fail" && words >> number >> error >> pattern) {
    const auto hold = pattern == "none"  ? DiskModel::Hold::kNone
                      : pattern == "all" ? DiskModel::Hold::kAll
                                         : DiskModel::Hold::kOthers;
    disk().fail_sync(number, error, hold, pattern);
  } else if (name == "budget" && words >> number) {
    disk().set_budget(number);
  } else if (name == "delay" && words >> seed) {
    disk().set_delay(seed);
  } else {
    return false;
  }
  return true;
}

// ---- libfuse's operations: 0 or a negative number of errno ----------------------------------------------------------

void* begin(fuse_conn_info* /*connection*/, fuse_config* config) {
  config->hard_remove = 1;
  config->nullpath_ok = 1;
  config->direct_io = 1;
  // Behind a power cut nothing that the kernel remembers is true.
  config->entry_timeout = 0;
  config->attr_timeout = 0;
  config->negative_timeout = 0;
  return nullptr;
}

int get_attributes(const char* path, struct stat* status, fuse_file_info* info) {
  *status = {};
  status->st_nlink = 1;
  if (path != nullptr && path == kControl) {
    status->st_mode = S_IFREG | 0600;
    return 0;
  }
  const auto file = info != nullptr ? handle(info).file : disk().find(path);
  if (file == nullptr) return -ENOENT;
  status->st_mode = file->directory ? S_IFDIR | 0700 : S_IFREG | 0600;
  status->st_size = static_cast<off_t>(disk().size(*file));
  return 0;
}

int make(const char* path, mode_t /*mode*/, fuse_file_info* info) {
  Handle made{nullptr, path, {}};
  if (const int error = disk().create(path, false, made.file); error != 0) return -error;
  return attach(info, std::move(made));
}

int make_directory(const char* path, mode_t /*mode*/) {
  std::shared_ptr<Inode> made;
  return -disk().create(path, true, made);
}

int open(const char* path, fuse_file_info* info) {
  if (path == kControl) {
    // A report is what was done since the last one, so only a reader may take it.
    const bool reads = (info->flags & O_ACCMODE) == O_RDONLY;
    return attach(info, {nullptr, path, reads ? disk().report() : std::string()});
  }
  auto file = disk().find(path);
  if (file == nullptr) return -ENOENT;
  return attach(info, {std::move(file), path, {}});
}

int close(const char* /*path*/, fuse_file_info* info) {
  delete &handle(info);
  return 0;
}

int read(const char* /*path*/, char* into, size_t bytes, off_t offset, fuse_file_info* info) {
  const Handle& from = handle(info);
  if (from.file == nullptr) {
    const std::string_view rest = std::string_view(from.report).substr(std::min<size_t>(offset, from.report.size()));
    bytes = std::min(bytes, rest.size());
    std::copy_n(rest.begin(), bytes, into);
    return static_cast<int>(bytes);
  }
  const int error = disk().read(*from.file, static_cast<uint64_t>(offset), into, bytes);
  return error != 0 ? -error : static_cast<int>(bytes);
}

int write(const char* /*path*/, const char* bytes, size_t count, off_t offset, fuse_file_info* info) {
  const Handle& into = handle(info);
  if (into.file == nullptr) return command(std::string(bytes, count)) ? static_cast<int>(count) : -EINVAL;
  size_t done = 0;
  const int error = disk().write(*into.file, static_cast<uint64_t>(offset), {bytes, count}, done);
  return error != 0 ? -error : static_cast<int>(done);
}

int truncate(const char* path, off_t bytes, fuse_file_info* info) {
  const auto file = info != nullptr ? handle(info).file : disk().find(path);
  return file == nullptr ? -ENOENT : -disk().truncate(*file, static_cast<uint64_t>(bytes));
}

int sync(const char* /*path*/, int /*data_only*/, fuse_file_info* info) {
  return handle(info).file == nullptr ? 0 : -disk().sync(*handle(info).file);
}

int sync_directory(const char* /*path*/, int /*data_only*/, fuse_file_info* info) {
  return -disk().sync_directory(handle(info).path);
}

int read_directory(const char* /*path*/, void* into, fuse_fill_dir_t fill, off_t /*offset*/, fuse_file_info* info,
                   fuse_readdir_flags /*flags*/) {
  for (const std::string& name : disk().list(handle(info).path)) {
    if (fill(into, name.c_str(), nullptr, 0, fuse_fill_dir_flags{}) != 0) return -ENOMEM;
  }
  return 0;
}

int rename(const char* from, const char* to, unsigned flags) { return flags != 0 ? -EINVAL : -disk().rename(from, to); }
int remove(const char* path) { return -disk().remove(path); }

fuse_operations operations() {
  fuse_operations all{};
  all.init = begin;
  all.getattr = get_attributes;
  all.create = make;
  all.mkdir = make_directory;
  all.open = open;
  all.opendir = open;
  all.release = close;
  all.releasedir = close;
  all.read = read;
  all.write = write;
  all.truncate = truncate;
  all.fsync = sync;
  all.fsyncdir = sync_directory;
  all.readdir = read_directory;
  all.rename = rename;
  all.unlink = remove;
  all.rmdir = remove;
  return all;
}

}  // namespace
}  // namespace sluice::testing

int main(int count, char** arguments) {
  if (count != 2) return 2;
  std::array<char*, 3> all = {arguments[0], const_cast<char*>("-f"), arguments[1]};
  const fuse_operations operations = sluice::testing::operations();
  return fuse_main(static_cast<int>(all.size()), all.data(), &operations, nullptr);
}
