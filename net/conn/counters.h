// What the connections of one worker count: plain numbers, written and read on that worker's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::net::conn {

// Why a connection ended.
enum class CloseReason : uint8_t {
  kClient,      // the client closed it
  kAnswered,    // after an answer that said so (Connection: close, HTTP/1.0)
  kRefused,     // after an early error
  kReset,       // the peer or the network broke it
  kTimeout,     // head or body did not come in time
  kIdle,        // nothing for kIdleNs
  kPressure,    // idle, and its place was needed
  kSlowReader,  // took nothing for kSendStallNs
  kBroken,      // a streamed answer could not go on
  kStop,        // graceful stop
  kFull,        // the table was full when it came
  kError,       // an errno that nobody expected
};
inline constexpr size_t kCloseReasons = static_cast<size_t>(CloseReason::kError) + 1;
// "client", "answered", ... for metrics.
[[nodiscard]] const char* close_reason_name(CloseReason reason) noexcept;

struct Counters {
  uint64_t accepted = 0;
  uint64_t open = 0;  // now
  std::array<uint64_t, kCloseReasons> closed{};
  uint64_t requests = 0;   // complete heads
  uint64_t refused = 0;    // early errors
  uint64_t continues = 0;  // 100 Continue sent
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t sends = 0;          // send operations; below requests when answers are coalesced
  uint64_t buffers_empty = 0;  // times that a receive ended because no provided buffer was free
  uint64_t bodies_copied = 0;  // bodies that came in pieces through provided buffers: copied once
  uint64_t bodies_direct = 0;  // bodies received into their own memory
};

}  // namespace sluice::net::conn
