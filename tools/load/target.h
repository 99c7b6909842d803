// Where the load goes, and the sockets that go there.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace sluice::tools::load {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

struct Target {
  SocketAddress address;
  std::string host;    // for the Host field, "127.0.0.1:9091"
  std::string prefix;  // path before /metrics, empty or "/x" without a slash at the end
};

// `http://host[:port][/prefix]`, the scheme may be left out, port 9091 by default; names are resolved here. The error
// is one sentence.
[[nodiscard]] Result<Target, std::string> parse_target(std::string_view url);

// An address of this machine to send from, without a port.
[[nodiscard]] Result<SocketAddress, std::string> parse_source(std::string_view text);

// A TCP socket on its way to the target, without Nagle's delay; from `source` unless that is null. Does not wait: the
// first send or receive does, or says why there is no connection. Returns the descriptor or a negative errno.
[[nodiscard]] int begin_connect(const Target& target, const SocketAddress* source) noexcept;

// The same, waiting, and the descriptor blocks with a limit of `timeout_ms` on each receive and send.
[[nodiscard]] int connect_and_wait(const Target& target, int64_t timeout_ms) noexcept;

}  // namespace sluice::tools::load
