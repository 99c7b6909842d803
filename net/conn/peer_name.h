// The other end of a connection, spelled as Go does.
#pragma once

#include <string>
#include <string_view>

namespace sluice::net::conn {

// "192.0.2.1:1234", "[2001:db8::1]:1234" (IPv4 mapped into IPv6 as IPv4), "@" for a Unix socket or when the peer is
// gone. One system call.
[[nodiscard]] std::string peer_name(int socket, bool unix_socket);

// Of such a name, what is before the port: "192.0.2.1", "[2001:db8::1]". Empty for "@".
[[nodiscard]] std::string_view peer_address(std::string_view peer) noexcept;

}  // namespace sluice::net::conn
