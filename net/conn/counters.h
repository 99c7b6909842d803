// What the connections of one worker count: written on that worker's thread, read by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/sync/single_writer.h"

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
  kFull,        // the table was full when it came, or its address had too many
  kError,       // an errno that nobody expected
  kTls,         // a handshake or a record failed
};
inline constexpr size_t kCloseReasons = static_cast<size_t>(CloseReason::kTls) + 1;
// "client", "answered", ... for metrics.
[[nodiscard]] const char* close_reason_name(CloseReason reason) noexcept;

struct Counters {
  using Count = sync::SingleWriter<uint64_t>;

  Count accepted;
  Count open;  // now
  std::array<Count, kCloseReasons> closed{};
  Count requests;   // complete heads
  Count repeated;   // of those: known by a template
  Count refused;    // early errors
  Count continues;  // 100 Continue sent
  Count bytes_in;
  Count bytes_out;
  Count sends;          // send operations; below requests when answers are coalesced
  Count buffers_empty;  // times that a receive ended because no provided buffer was free
  Count bodies_copied;  // bodies that came in pieces through provided buffers: copied once
  Count bodies_direct;  // bodies received into their own memory
};

}  // namespace sluice::net::conn
