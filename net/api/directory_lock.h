// The lock of FILE.sluice/: one process at a time writes there. It is the flock of a file in it.
#pragma once

#include <string>

#include "core/base/result.h"

namespace sluice::net::api {

// Threads: one at a time.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  // Of a directory that is there; does not wait. The error, one sentence: another process has it, or it cannot be had.
  [[nodiscard]] Result<void, std::string> take(const std::string& directory);
  // Whether it is still ours: who has removed the file lets another process take the lock of a new one. Where nobody
  // has, it is taken anew; where somebody has, it is lost for good.
  [[nodiscard]] bool hold();
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  bool lost_ = false;
};

}  // namespace sluice::net::api
