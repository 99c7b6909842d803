// `--web.listen-address` as a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace sluice::net::loop {

struct ListenAddress {
  enum class Kind : uint8_t {
    kAny,        // ":9091": IPv6 and IPv4 by one dual-stack socket, IPv4 alone where IPv6 is off
    kHost,       // "host:port", "127.0.0.1:port", "[::1]:port"
    kUnix,       // "unix:///path"
    kInherited,  // a listening descriptor handed over by the service manager; made by the caller, never parsed
  };
  Kind kind = Kind::kAny;
  std::string host;                           // kHost: name or number without brackets, perhaps with a zone
  uint16_t port = 0;                          // kAny, kHost; 0 = chosen by the kernel
  std::string path;                           // kUnix
  int descriptor = -1;                        // kInherited
  std::string text;                           // as given, for messages
  std::string flag = "--web.listen-address";  // likewise
};

// The error is one sentence naming the address and the flag.
[[nodiscard]] Result<ListenAddress, std::string> parse_listen_address(std::string_view text,
                                                                      std::string_view flag = "--web.listen-address");

}  // namespace sluice::net::loop
