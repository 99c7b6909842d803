// Listening on a path: stale files are removed, live ones and files that are no sockets refused.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace sluice::net::loop {

struct UnixListener {
  int socket = -1;
  uint64_t device = 0;  // of the file, so that only our own is removed at the end
  uint64_t inode = 0;
};

// The error is the reason alone, for the caller's sentence.
[[nodiscard]] Result<UnixListener, std::string> listen_unix(const std::string& path, unsigned mode, int backlog);

// Removes the file if it is still the one that was made.
void remove_unix(const std::string& path, uint64_t device, uint64_t inode) noexcept;

}  // namespace sluice::net::loop
