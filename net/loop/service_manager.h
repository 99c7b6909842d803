// Listening sockets that a service manager opened for us (--web.systemd-socket).
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/loop/listen_address.h"

namespace sluice::net::loop {

// The sockets that LISTEN_FDS announces to this process (sd_listen_fds(3)): from descriptor 3 on, made close-on-exec.
// Takes the variables out of the environment, so that no child mistakes them for its own. The error when there are none
// is the reference's.
[[nodiscard]] Result<std::vector<ListenAddress>, std::string> inherited_addresses();

}  // namespace sluice::net::loop
