#include "net/loop/service_manager.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace sluice::net::loop {
namespace {

constexpr int kFirstDescriptor = 3;
// No service has so many sockets; a wrong number must not make us look at every descriptor.
constexpr int kSocketsMax = 256;

std::optional<int> variable(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const std::string_view view = text;
  int value = 0;
  const auto [end, status] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (status != std::errc() || end != view.data() + view.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<std::vector<ListenAddress>, std::string> inherited_addresses() {
  const std::optional<int> process = variable("LISTEN_PID");
  const std::optional<int> count = variable("LISTEN_FDS");
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  if (process != getpid() || count.value_or(0) <= 0) {
    return std::unexpected("no socket activation file descriptors found");
  }
  if (*count > kSocketsMax) return std::unexpected(fmt::format("LISTEN_FDS is {}, more than {}", *count, kSocketsMax));
  std::vector<ListenAddress> addresses;
  for (int descriptor = kFirstDescriptor; descriptor < kFirstDescriptor + *count; ++descriptor) {
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ListenAddress& address = addresses.emplace_back();
    address.kind = ListenAddress::Kind::kInherited;
    address.descriptor = descriptor;
    address.text = fmt::format("the inherited socket {}", descriptor);
  }
  return addresses;
}

}  // namespace sluice::net::loop
