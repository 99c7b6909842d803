#include "net/loop/listen_address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>

namespace sluice::net::loop {

namespace {

constexpr std::string_view kUnixScheme = "unix://";

Unexpected<std::string> refuse(const ListenAddress& address, std::string_view why) {
  return Unexpected<std::string>(fmt::format("{}={}: {}", address.flag, address.text, why));
}

// A number, or a service's name as the reference allows (":http").
bool parse_port(std::string_view text, uint16_t& port) {
  if (text.empty()) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error == std::errc() && stop == end) return true;
  if (text.front() >= '0' && text.front() <= '9') return false;
  const std::string name(text);
  servent entry{};
  servent* found = nullptr;
  char memory[1024];
  if (getservbyname_r(name.c_str(), "tcp", &entry, memory, sizeof(memory), &found) != 0 || found == nullptr)
    return false;
  port = ntohs(static_cast<uint16_t>(found->s_port));
  return true;
}

}  // namespace

Result<ListenAddress, std::string> parse_listen_address(std::string_view text, std::string_view flag) {
  ListenAddress address;
  address.text = std::string(text);
  address.flag = std::string(flag);
  if (text.starts_with(kUnixScheme)) {
    address.kind = ListenAddress::Kind::kUnix;
    address.path = std::string(text.substr(kUnixScheme.size()));
    if (address.path.empty() || address.path.front() != '/')
      return refuse(address, "a socket's path begins with a slash");
    constexpr size_t kPathMax = sizeof(sockaddr_un::sun_path) - 1;
    if (address.path.size() > kPathMax) {
      return refuse(address, fmt::format("a socket's path has at most {} bytes", kPathMax));
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse(address, "the port is missing; write for example :9091");
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return refuse(address, "the bracket is not closed, or no port follows it");
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return refuse(address, "brackets are for IPv6 addresses");
  } else if (host.find(':') != std::string_view::npos) {
    return refuse(address, "an IPv6 address stands in brackets, for example [::1]:9091");
  }
  if (!parse_port(text.substr(colon + 1), address.port)) {
    return refuse(address, "the port must be a number from 0 to 65535");
  }
  address.kind = host.empty() ? ListenAddress::Kind::kAny : ListenAddress::Kind::kHost;
  address.host = std::string(host);
  return address;
}

}  // namespace sluice::net::loop
