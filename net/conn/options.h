// What a test, or an operator, may set about connections. Defaults are the limits with their derivations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/limits.h"

namespace sluice::net::conn {

struct Options {
  int64_t head_deadline_ns = limits::kHeadDeadlineNs;
  int64_t body_grace_ns = limits::kBodyGraceNs;
  int64_t body_bytes_per_second_min = limits::kBodyBytesPerSecondMin;
  int64_t idle_ns = limits::kIdleNs;
  int64_t send_stall_ns = limits::kSendStallNs;
  int64_t send_stall_pressed_ns = limits::kSendStallPressedNs;
  int64_t stream_pressed_ns = limits::kStreamPressedNs;
  int64_t stream_look_ns = limits::kStreamLookNs;
  int64_t linger_ns = limits::kLingerNs;
  int64_t stop_fresh_ns = limits::kStopFreshNs;
  int64_t inline_ns = limits::kInlineNs;
  uint64_t drain_bytes_max = limits::kDrainBytesMax;
  // Memory of all bodies that a worker is receiving or working on: four of the largest. 503 above it.
  size_t body_bytes_held_max = 4 * limits::kBodyBytesMax;
  size_t held_buffers_max = limits::kHeldBuffersMax;
  size_t pending_bytes_max = limits::kPendingBytesMax;
  size_t stream_bytes = limits::kStreamBytes;
  size_t streams_bytes = limits::kStreamsBytes;  // of all streams of a worker
};

}  // namespace sluice::net::conn
