#include "core/wal/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/base/hash.h"
#include "core/wal/content.h"

namespace sluice::wal {
namespace {

class PosixFile final : public File {
 public:
  explicit PosixFile(int descriptor) noexcept : descriptor_(descriptor) {}
  ~PosixFile() override { close(descriptor_); }

  [[nodiscard]] int write_at(uint64_t offset, std::string_view bytes) noexcept override {
    while (!bytes.empty()) {
      const ssize_t done = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return errno;
      if (done == 0) return EIO;
      bytes.remove_prefix(static_cast<size_t>(done));
      offset += static_cast<uint64_t>(done);
    }
    return 0;
  }
  [[nodiscard]] int sync() noexcept override { return fdatasync(descriptor_) == 0 ? 0 : errno; }
  [[nodiscard]] int descriptor() const noexcept override { return descriptor_; }

 private:
  const int descriptor_;
};

// Linux has a random identity for each boot.
uint64_t boot_of_machine() noexcept {
  const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[64];
  const ssize_t bytes = ::read(file, text, sizeof(text));
  close(file);
  return bytes <= 0 ? 0 : stable_hash(std::string_view(text, static_cast<size_t>(bytes)));
}

class PosixDirectory final : public Storage {
 public:
  PosixDirectory(std::string path, int descriptor) noexcept
      : path_(std::move(path)), directory_(descriptor), boot_(boot_of_machine()) {}
  ~PosixDirectory() override { close(directory_); }

  [[nodiscard]] Result<std::unique_ptr<File>, int> create(const std::string& name) override {
    const int file = openat(directory_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return std::unexpected(errno);
    return std::make_unique<PosixFile>(file);
  }
  [[nodiscard]] Result<std::unique_ptr<Content>, int> read(const std::string& name) override {
    const int file = openat(directory_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return std::unexpected(errno);
    struct stat status{};
    const int error = fstat(file, &status) == 0 ? 0 : errno;
    auto content = error == 0 ? read_content(file, static_cast<size_t>(status.st_size)) : std::unexpected(error);
    close(file);
    return content;
  }
  [[nodiscard]] int sync(const std::string& name) override {
    const int file = openat(directory_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return errno;
    const int error = fdatasync(file) == 0 ? 0 : errno;
    close(file);
    return error;
  }
  [[nodiscard]] int rename(const std::string& from, const std::string& to) override {
    return renameat(directory_, from.c_str(), directory_, to.c_str()) == 0 ? 0 : errno;
  }
  [[nodiscard]] int remove(const std::string& name) override {
    return unlinkat(directory_, name.c_str(), 0) == 0 ? 0 : errno;
  }
  [[nodiscard]] int sync_directory() override {
    // Some file systems cannot sync a directory; its files are on disk all the same.
    return fsync(directory_) == 0 || errno == EINVAL ? 0 : errno;
  }
  [[nodiscard]] Result<std::vector<DirectoryEntry>, int> list() override {
    const int copy = openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return std::unexpected(errno);
    DIR* const entries = fdopendir(copy);
    if (entries == nullptr) {
      const int error = errno;
      close(copy);
      return std::unexpected(error);
    }
    std::vector<DirectoryEntry> all;
    errno = 0;
    while (const dirent* entry = readdir(entries)) {  // NOLINT(concurrency-mt-unsafe): a stream of its own
      struct stat status{};
      if (fstatat(directory_, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)) {
        all.push_back({entry->d_name, static_cast<uint64_t>(status.st_size)});
      }
      errno = 0;
    }
    const int error = errno;
    closedir(entries);
    if (error != 0) return std::unexpected(error);
    std::ranges::sort(all, {}, &DirectoryEntry::name);
    return all;
  }
  [[nodiscard]] bool in_place() override {
    struct stat named{};
    struct stat held{};
    if (fstat(directory_, &held) != 0) return errno != ESTALE;
    if (stat(path_.c_str(), &named) != 0) return errno != ENOENT && errno != ENOTDIR && errno != ESTALE;
    return named.st_dev == held.st_dev && named.st_ino == held.st_ino;
  }
  [[nodiscard]] uint64_t boot() const noexcept override { return boot_; }

 private:
  const std::string path_;
  const int directory_;
  const uint64_t boot_;
};

}  // namespace

Result<std::unique_ptr<Storage>, std::string> open_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(fmt::format("cannot make the directory {}: {}", path, std::strerror(errno)));
  }
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return std::unexpected(fmt::format("cannot open the directory {}: {}", path, std::strerror(errno)));
  return std::make_unique<PosixDirectory>(path, directory);
}

Result<void, std::string> sync_name_of_directory(const std::string& path) {
  const std::filesystem::path above = std::filesystem::path(path).parent_path();
  const int directory = open(above.empty() ? "." : above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = directory < 0 ? errno : 0;
  if (directory >= 0) {
    if (fsync(directory) != 0 && errno != EINVAL) error = errno;
    close(directory);
  }
  if (error == 0 || (directory < 0 && error == EACCES)) return {};
  return std::unexpected(fmt::format("cannot sync the directory that {} is in: {}", path, std::strerror(error)));
}

}  // namespace sluice::wal
