#include "net/loop/listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "net/loop/unix_socket.h"

namespace sluice::net::loop {

namespace {

// An address to bind, with its length.
struct Target {
  sockaddr_storage storage{};
  socklen_t length = 0;
  bool dual_stack = false;

  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] uint16_t port() const noexcept {
    return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                               : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
};

Target any_ipv6(uint16_t port) noexcept {
  Target target;
  auto* address = reinterpret_cast<sockaddr_in6*>(&target.storage);
  address->sin6_family = AF_INET6;
  address->sin6_addr = in6addr_any;
  address->sin6_port = htons(port);
  target.length = sizeof(*address);
  target.dual_stack = true;
  return target;
}

Target any_ipv4(uint16_t port) noexcept {
  Target target;
  auto* address = reinterpret_cast<sockaddr_in*>(&target.storage);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_ANY);
  address->sin_port = htons(port);
  target.length = sizeof(*address);
  return target;
}

// The first IPv4 address of the host, else the first of any kind: as the reference listens.
Result<Target, std::string> resolve(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) return Unexpected<std::string>(fmt::format("cannot resolve the host: {}", gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  const addrinfo* chosen = found;
  for (const addrinfo* i = found; i != nullptr; i = i->ai_next) {
    if (i->ai_family == AF_INET) {
      chosen = i;
      break;
    }
  }
  Target target;
  std::memcpy(&target.storage, chosen->ai_addr, chosen->ai_addrlen);
  target.length = chosen->ai_addrlen;
  // "[::]" means both, as with ":9091"; a particular IPv6 address cannot.
  const auto* six = reinterpret_cast<const sockaddr_in6*>(&target.storage);
  target.dual_stack = chosen->ai_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr);
  return target;
}

bool set_option(int socket, int level, int name, int value) noexcept {
  return setsockopt(socket, level, name, &value, sizeof(value)) == 0;
}

// Options that accepted sockets inherit from the listener: no system call for each connection.
void set_inherited_options(int socket) noexcept {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // As the reference's server: probes after 15 s, every 15 s, so that peers that vanished are noticed.
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 15);
}

// Binds and listens. `first`: without SO_REUSEPORT until it listens, so that a second gateway, whose first listener
// does the same, gets EADDRINUSE instead of half of our connections. Bound alone would not do: SO_REUSEADDR lets two
// sockets bind as long as neither listens. Returns the socket or a negative errno.
int open_tcp(const Target& target, bool first, bool several, int backlog) noexcept {
  const int family = target.storage.ss_family;
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  const auto fail = [socket](int error) {
    ::close(socket);
    return -error;
  };
  // REUSEADDR: a restart must not wait for connections in TIME_WAIT. It does not let two listeners in.
  if (!set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return fail(errno);
  if (family == AF_INET6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, target.dual_stack ? 0 : 1))
    return fail(errno);
  if (!first && !set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return fail(errno);
  set_inherited_options(socket);
  if (::bind(socket, target.get(), target.length) != 0) return fail(errno);
  if (::listen(socket, backlog) != 0) return fail(errno);
  if (first && several && !set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return fail(errno);
  return socket;
}

std::string name_of(const Target& target) {
  char host[NI_MAXHOST];
  if (getnameinfo(target.get(), target.length, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return target.storage.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, target.port())
                                              : fmt::format("{}:{}", host, target.port());
}

// What the kernel bound, port 0 resolved.
void read_back(int socket, Target& target) noexcept {
  target.length = sizeof(target.storage);
  SLUICE_CHECK(getsockname(socket, reinterpret_cast<sockaddr*>(&target.storage), &target.length) == 0);
}

Unexpected<std::string> refuse(const ListenAddress& address, std::string_view why) {
  const bool inherited = address.kind == ListenAddress::Kind::kInherited;
  return Unexpected<std::string>(fmt::format("cannot listen on {} ({}): {}", address.text,
                                             inherited ? "--web.systemd-socket" : address.flag, why));
}

std::string reason_of(int error) {
  std::string reason = std::strerror(error);
  if (error == EADDRINUSE) reason += "; another program, perhaps a second gateway, has this port";
  if (error == EACCES) reason += "; ports below 1024 need a privilege";
  return reason;
}

Result<void, std::string> open_tcp_entry(Listeners::Entry& entry, const ListenOptions& options) {
  const ListenAddress& address = entry.address;
  const bool any = address.kind == ListenAddress::Kind::kAny;
  Target target = any_ipv6(address.port);
  if (!any) {
    auto resolved = resolve(address);
    if (!resolved) return refuse(address, resolved.error());
    target = *resolved;
  }
  const bool several = options.workers > 1;
  int socket = open_tcp(target, true, several, options.backlog);
  if (any && (socket == -EAFNOSUPPORT || socket == -EADDRNOTAVAIL)) {
    entry.note = fmt::format("IPv4 alone, because IPv6 is off here ({})", std::strerror(-socket));
    target = any_ipv4(address.port);
    socket = open_tcp(target, true, several, options.backlog);
  }
  if (socket < 0) return refuse(address, reason_of(-socket));
  entry.sockets.push_back(socket);
  read_back(socket, target);
  while (entry.sockets.size() < options.workers) {
    socket = open_tcp(target, false, true, options.backlog);
    if (socket < 0) return refuse(address, reason_of(-socket));
    entry.sockets.push_back(socket);
  }
  entry.port = target.port();
  entry.bound = name_of(target);
  return {};
}

Result<void, std::string> open_unix_entry(Listeners::Entry& entry, const ListenOptions& options) {
  auto listener = listen_unix(entry.address.path, options.unix_mode, options.backlog);
  if (!listener) return refuse(entry.address, listener.error());
  entry.sockets.push_back(listener->socket);
  entry.unix_socket = true;
  entry.unix_device = listener->device;
  entry.unix_inode = listener->inode;
  entry.bound = entry.address.text;
  return {};
}

// One queue, from which every worker accepts through a descriptor of its own: what we do not accept before we end waits
// there for the next process. The descriptor that we were given stays open: a second start, on the other backend, needs
// it again.
Result<void, std::string> take_inherited_entry(Listeners::Entry& entry, const ListenOptions& options) {
  const int socket = entry.address.descriptor;
  int listening = 0;
  socklen_t length = sizeof(listening);
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return refuse(entry.address, "the descriptor is not a listening socket");
  }
  int type = 0;
  length = sizeof(type);
  if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM) {
    return refuse(entry.address, "the descriptor is not a stream socket");
  }
  Target target;
  read_back(socket, target);
  while (entry.sockets.size() < options.workers) {
    const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return refuse(entry.address, std::strerror(errno));
    entry.sockets.push_back(copy);
  }
  entry.unix_socket = target.storage.ss_family == AF_UNIX;
  if (!entry.unix_socket) {
    set_inherited_options(socket);
    entry.port = target.port();
    entry.bound = name_of(target);
  } else {
    entry.bound = entry.address.text;
  }
  return {};
}

}  // namespace

int accept_now(int listener) noexcept {
  const int flags = fcntl(listener, F_GETFL);
  if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0) return -1;
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    // A connection that died in the queue does not end it.
    if (socket >= 0 || (errno != EINTR && errno != ECONNABORTED)) return socket;
  }
}

Result<Listeners, std::string> Listeners::open(const std::vector<ListenAddress>& addresses,
                                               const ListenOptions& options) {
  SLUICE_CHECK(options.workers > 0);
  Listeners listeners;
  for (const ListenAddress& address : addresses) {
    Entry& entry = listeners.entries_.emplace_back();
    entry.address = address;
    Result<void, std::string> opened;
    switch (address.kind) {
      case ListenAddress::Kind::kAny:
      case ListenAddress::Kind::kHost:
        opened = open_tcp_entry(entry, options);
        break;
      case ListenAddress::Kind::kUnix:
        opened = open_unix_entry(entry, options);
        break;
      case ListenAddress::Kind::kInherited:
        opened = take_inherited_entry(entry, options);
        break;
    }
    if (!opened) return Unexpected<std::string>(opened.error());  // the destructor closes what is open
  }
  return listeners;
}

Listeners::Listeners(Listeners&& other) noexcept { *this = std::move(other); }

Listeners& Listeners::operator=(Listeners&& other) noexcept {
  std::swap(entries_, other.entries_);
  std::swap(released_, other.released_);
  return *this;
}

Listeners::~Listeners() { close_all(); }

int Listeners::socket_of(uint16_t entry, uint32_t worker) const noexcept {
  const std::vector<int>& sockets = entries_[entry].sockets;
  return worker < sockets.size() ? sockets[worker] : -1;
}

void Listeners::close_all() noexcept {
  for (Entry& entry : entries_) {
    if (!released_) {
      for (const int socket : entry.sockets) ::close(socket);
    }
    if (entry.unix_inode != 0) remove_unix(entry.address.path, entry.unix_device, entry.unix_inode);
  }
  entries_.clear();
}

}  // namespace sluice::net::loop
