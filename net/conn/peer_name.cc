#include "net/conn/peer_name.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace sluice::net::conn {

std::string peer_name(int socket, bool unix_socket) {
  if (unix_socket) return "@";
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return "@";
  char text[INET6_ADDRSTRLEN + 1];
  if (storage.ss_family == AF_INET) {
    sockaddr_in address;
    std::memcpy(&address, &storage, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
  }
  if (storage.ss_family != AF_INET6) return "@";
  sockaddr_in6 address;
  std::memcpy(&address, &storage, sizeof address);
  const std::string port = std::to_string(ntohs(address.sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    ::inet_ntop(AF_INET, address.sin6_addr.s6_addr + 12, text, sizeof text);
    return std::string(text) + ":" + port;
  }
  ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  std::string host = text;
  char zone[IF_NAMESIZE];
  if (address.sin6_scope_id != 0 && ::if_indextoname(address.sin6_scope_id, zone) != nullptr) {
    host += "%";
    host += zone;
  }
  return "[" + host + "]:" + port;
}

std::string_view peer_address(std::string_view peer) noexcept {
  const size_t colon = peer.rfind(':');
  return colon == std::string_view::npos ? std::string_view() : peer.substr(0, colon);
}

}  // namespace sluice::net::conn
