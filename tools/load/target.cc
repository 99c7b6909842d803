#include "tools/load/target.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>
#include <cerrno>
#include <cstring>

namespace sluice::tools::load {

namespace {

Result<SocketAddress, std::string> resolve(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.empty() ? nullptr : port.c_str(), &hints, &found);
  if (error != 0) return std::unexpected(fmt::format("cannot resolve '{}': {}", host, gai_strerror(error)));
  SocketAddress out;
  out.length = found->ai_addrlen;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return out;
}

void set_option(int socket, int level, int name, int value) noexcept {
  // Each of them only makes things quicker; without it everything works as well.
  static_cast<void>(setsockopt(socket, level, name, &value, sizeof(value)));
}

}  // namespace

Result<Target, std::string> parse_target(std::string_view url) {
  std::string_view rest = url;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.find("://") != std::string_view::npos) {
    return std::unexpected(fmt::format("'{}': only http:// is supported", url));
  }
  Target target;
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos) target.prefix = rest.substr(slash);
  while (target.prefix.ends_with('/')) target.prefix.pop_back();
  std::string_view authority = rest.substr(0, slash);
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  const std::string port(has_port ? authority.substr(colon + 1) : "9091");
  if (has_port) authority = authority.substr(0, colon);
  target.host = fmt::format("{}:{}", authority, port);
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  if (authority.empty()) return std::unexpected(fmt::format("'{}' names no host", url));
  auto address = resolve(std::string(authority), port, AI_NUMERICSERV);
  if (!address) return std::unexpected(address.error());
  target.address = *address;
  return target;
}

Result<SocketAddress, std::string> parse_source(std::string_view text) {
  return resolve(std::string(text), "", AI_NUMERICHOST);
}

int begin_connect(const Target& target, const SocketAddress* source) noexcept {
  const int socket = ::socket(target.address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -errno;
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  bool good = true;
  if (source != nullptr) {
    // The port is chosen at connect, so that one source address can have all ports towards each target.
    set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    good = bind(socket, reinterpret_cast<const sockaddr*>(&source->storage), source->length) == 0;
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address.storage);
  if (good) good = connect(socket, address, target.address.length) == 0 || errno == EINPROGRESS;
  if (good) return socket;
  const int error = errno;
  ::close(socket);
  return -error;
}

int connect_and_wait(const Target& target, int64_t timeout_ms) noexcept {
  const int socket = begin_connect(target, nullptr);
  if (socket < 0) return socket;
  pollfd wanted{socket, POLLOUT, 0};
  int error = ETIMEDOUT;
  socklen_t size = sizeof(error);
  if (poll(&wanted, 1, static_cast<int>(timeout_ms)) > 0) getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    ::close(socket);
    return -error;
  }
  static_cast<void>(fcntl(socket, F_SETFL, 0));
  const timeval limit{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  static_cast<void>(setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
  static_cast<void>(setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)));
  return socket;
}

}  // namespace sluice::tools::load
