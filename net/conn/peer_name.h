// The other end of a connection, spelled as Go does.
#pragma once

#include <string>

namespace sluice::net::conn {

// "192.0.2.1:1234", "[2001:db8::1]:1234" (IPv4 mapped into IPv6 as IPv4), "@" for a Unix socket or when the peer is
// gone. One system call.
[[nodiscard]] std::string peer_name(int socket, bool unix_socket);

}  // namespace sluice::net::conn
