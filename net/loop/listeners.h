// The sockets that the gateway listens on: one entry for each `--web.listen-address`, one TCP socket for each worker
// and entry, one socket for all workers for Unix and inherited ones.
//
// Thread: opened by the main thread before the workers start; each worker then owns its own sockets.
// Failure: one clear sentence that names the address and the flag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace sluice::net::loop {

// A `--web.listen-address`, parsed.
struct ListenAddress {
  enum class Kind : uint8_t {
    kAny,        // ":9091": IPv6 and IPv4 by one dual-stack socket, IPv4 alone where IPv6 is off
    kHost,       // "host:port", "127.0.0.1:port", "[::1]:port"
    kUnix,       // "unix:///path"
    kInherited,  // a descriptor handed over by the service manager
  };
  Kind kind = Kind::kAny;
  std::string host;     // kHost: name or number without brackets, with zone
  uint16_t port = 0;    // kAny, kHost; 0 = chosen by the kernel
  std::string path;     // kUnix
  int descriptor = -1;  // kInherited
  std::string text;     // as given, for messages
};

[[nodiscard]] Result<ListenAddress, std::string> parse_listen_address(std::string_view text);

struct ListenOptions {
  uint32_t workers = 1;
  unsigned unix_mode = 0660;  // --web.unix-socket-mode
  int backlog = 4096;         // cut by net.core.somaxconn
};

class Listeners {
 public:
  Listeners() = default;
  Listeners(Listeners&& other) noexcept;
  Listeners& operator=(Listeners&& other) noexcept;
  ~Listeners();  // close_all()

  // One open listen address.
  struct Entry {
    ListenAddress address;
    std::string bound;  // "127.0.0.1:40123", "[::]:9091", "unix:///path": with the port that the kernel chose
    uint16_t port = 0;  // the bound port, 0 for Unix
    bool unix_socket = false;
    std::vector<int> sockets;  // one for each worker, or exactly one: worker 0 accepts and hands on
    uint64_t unix_inode = 0;   // so that only our own socket file is removed
  };

  // Opens all or none.
  [[nodiscard]] static Result<Listeners, std::string> open(const std::vector<ListenAddress>& addresses,
                                                           const ListenOptions& options);
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  // The socket of that entry which this worker accepts from, or -1.
  [[nodiscard]] int socket_of(uint16_t entry, uint32_t worker) const noexcept;
  // Forgets a socket that a worker has taken over and will close itself.
  void released(uint16_t entry, uint32_t worker) noexcept;
  // Closes what is still owned and removes our socket files.
  void close_all() noexcept;

 private:
  std::vector<Entry> entries_;
};

}  // namespace sluice::net::loop
