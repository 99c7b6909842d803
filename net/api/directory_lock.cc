#include "net/api/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::net::api {
namespace {

int open_lock(const std::string& path) { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); }

}  // namespace

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<void, std::string> DirectoryLock::take(const std::string& directory) {
  path_ = directory + "/lock";
  descriptor_ = open_lock(path_);
  if (descriptor_ < 0) return std::unexpected(fmt::format("cannot open {}: {}", path_, std::strerror(errno)));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return std::unexpected(fmt::format("another gateway uses the directory {}", directory));
  return std::unexpected(fmt::format("cannot lock {}: {}", path_, std::strerror(errno)));
}

bool DirectoryLock::hold() {
  if (lost_) return false;
  struct stat held{};
  struct stat named{};
  if (fstat(descriptor_, &held) != 0) return true;
  const bool there = stat(path_.c_str(), &named) == 0;
  if (there ? named.st_dev == held.st_dev && named.st_ino == held.st_ino : errno != ENOENT) return true;
  const int next = open_lock(path_);
  if (next < 0) return true;  // what cannot be told counts as ours
  if (flock(next, LOCK_EX | LOCK_NB) == 0) {
    close(std::exchange(descriptor_, next));
    return true;
  }
  lost_ = errno == EWOULDBLOCK;
  close(next);
  return !lost_;
}

}  // namespace sluice::net::api
