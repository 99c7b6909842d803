// Where a connection gets its TLS from. Implemented by whoever knows the current certificates.
#pragma once

#include <memory>

#include "net/tls/session.h"

namespace sluice::net::tls {

class Source {
 public:
  virtual ~Source() = default;
  // For a new connection, on its worker's thread. nullptr: no memory, the connection is closed.
  // `kernel` as Session::make() takes it.
  [[nodiscard]] virtual std::unique_ptr<Session> open(const KernelTls* kernel) = 0;
};

}  // namespace sluice::net::tls
