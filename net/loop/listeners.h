// The sockets that the gateway listens on: one entry for each `--web.listen-address` or inherited socket, one TCP
// socket for each worker and entry, one socket for all workers for Unix ones, one descriptor of the same socket for
// each worker for inherited ones.
//
// Thread: opened by the main thread before the workers start; each worker then owns its own sockets.
// Failure: one clear sentence that names the address and the flag.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/loop/listen_address.h"

namespace sluice::net::loop {

struct ListenOptions {
  uint32_t workers = 1;
  unsigned unix_mode = 0660;  // --web.unix-socket-mode
  int backlog = 4096;         // cut by net.core.somaxconn
};

// A connection from the listener's queue without waiting, close-on-exec; -1 when there is none. Leaves the listener
// non-blocking: for a socket that is about to be closed.
[[nodiscard]] int accept_now(int listener) noexcept;

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
    std::string note;   // why it is less than what was asked for; empty otherwise
    uint16_t port = 0;  // the bound port, 0 for Unix
    bool unix_socket = false;
    std::vector<int> sockets;  // one for each worker, or exactly one: worker 0 accepts and hands on
    uint64_t unix_device = 0;  // of the socket file, so that only our own is removed; 0 for others
    uint64_t unix_inode = 0;
  };

  // Opens all or none.
  [[nodiscard]] static Result<Listeners, std::string> open(const std::vector<ListenAddress>& addresses,
                                                           const ListenOptions& options);
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  // The socket of that entry which this worker accepts from, or -1.
  [[nodiscard]] int socket_of(uint16_t entry, uint32_t worker) const noexcept;
  // The workers have taken all sockets over and close them themselves.
  void release_all() noexcept { released_ = true; }
  // Closes what is still owned and removes our socket files.
  void close_all() noexcept;

 private:
  std::vector<Entry> entries_;
  bool released_ = false;
};

}  // namespace sluice::net::loop
