// Blocking sockets on the client's side of a test.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::net::loop {

class Client {
 public:
  Client() = default;
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~Client() { close(); }

  // Connected, or with ok() false and error() set.
  static Client tcp(const char* host, uint16_t port) {
    if (std::strchr(host, ':') != nullptr) {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      inet_pton(AF_INET6, host, &address.sin6_addr);
      return connect(AF_INET6, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host, &address.sin_addr);
    return connect(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  static Client unix_path(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  [[nodiscard]] bool ok() const { return socket_ >= 0; }
  [[nodiscard]] int error() const { return error_; }
  bool send(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // Up to `length` bytes; less at the end of the stream or after 20 s of silence.
  [[nodiscard]] std::string receive(size_t length) const {
    std::string all(length, '\0');
    size_t have = 0;
    while (have < length) {
      const ssize_t n = ::recv(socket_, all.data() + have, length - have, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      have += static_cast<size_t>(n);
    }
    all.resize(have);
    return all;
  }
  [[nodiscard]] std::string echo(std::string_view bytes) const {
    return send(bytes) ? receive(bytes.size()) : std::string("cannot send");
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  static Client connect(int family, const sockaddr* address, socklen_t length) {
    Client client;
    const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{20, 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (::connect(socket, address, length) != 0) {
      client.error_ = errno;
      ::close(socket);
    } else {
      client.socket_ = socket;
    }
    return client;
  }

  int socket_ = -1;
  int error_ = 0;
};

}  // namespace sluice::net::loop
