#include "net/ring/ring.h"

#include "net/ring/epoll_ring.h"
#include "net/ring/probe.h"
#include "net/ring/uring_ring.h"

namespace sluice::net::ring {

Result<std::unique_ptr<Ring>, std::string> make_ring(const Capabilities& capabilities, const RingOptions& options) {
  if (capabilities.backend == Backend::kIoUring) {
    auto ring = UringRing::make(capabilities.features, options);
    if (!ring) return Unexpected<std::string>(ring.error().sentence);
    return std::move(*ring);
  }
  auto ring = EpollRing::make(options);
  if (!ring) return Unexpected<std::string>(ring.error());
  return std::move(*ring);
}

}  // namespace sluice::net::ring
