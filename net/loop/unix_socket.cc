#include "net/loop/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::net::loop {

namespace {

sockaddr_un address_of(const std::string& path) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof(address.sun_path) - 1));
  return address;
}

Unexpected<std::string> failed(const char* what) {
  return Unexpected<std::string>(fmt::format("{}: {}", what, std::strerror(errno)));
}

// Makes room at the path, or says why not.
Result<void, std::string> clear_path(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return failed("cannot look at the path");
  }
  if (!S_ISSOCK(status.st_mode)) return Unexpected<std::string>("the path exists and is not a socket");
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return failed("cannot make a socket");
  const sockaddr_un address = address_of(path);
  const int connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = connected == 0 ? 0 : errno;
  ::close(probe);
  // Only a socket without a listener refuses; EAGAIN is a listener with a full queue, and any other answer is no proof.
  if (error == ENOENT) return {};
  if (error == 0 || error == EAGAIN) {
    return Unexpected<std::string>("another program, perhaps a second gateway, listens on this socket");
  }
  errno = error;
  if (error != ECONNREFUSED) return failed("cannot tell whether the socket is in use");
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed("cannot remove the stale socket");
  return {};
}

}  // namespace

Result<UnixListener, std::string> listen_unix(const std::string& path, unsigned mode, int backlog) {
  if (auto cleared = clear_path(path); !cleared) return Unexpected<std::string>(cleared.error());
  UnixListener listener;
  listener.socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener.socket < 0) return failed("cannot make a socket");
  const auto fail = [&](const char* what) {
    auto problem = failed(what);
    ::close(listener.socket);
    return problem;
  };
  // The file's mode comes from the descriptor's, so it is never wider than asked for; the umask may narrow it, which
  // the chmod behind corrects.
  if (fchmod(listener.socket, mode) != 0) return fail("cannot set the mode");
  const sockaddr_un address = address_of(path);
  if (::bind(listener.socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return fail("cannot bind");
  }
  struct stat status{};
  if (chmod(path.c_str(), mode) != 0 || lstat(path.c_str(), &status) != 0) return fail("cannot set the mode");
  listener.device = status.st_dev;
  listener.inode = status.st_ino;
  if (::listen(listener.socket, backlog) != 0) return fail("cannot listen");
  return listener;
}

void remove_unix(const std::string& path, uint64_t device, uint64_t inode) noexcept {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return;
  if (status.st_dev == device && status.st_ino == inode) unlink(path.c_str());
}

}  // namespace sluice::net::loop
