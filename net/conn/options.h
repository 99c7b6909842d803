// What a test, or an operator, may set about connections. Defaults are the limits with their derivations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/limit_table.h"
#include "core/base/limits.h"
#include "core/sync/keyed_counts.h"

namespace sluice::net::conn {

struct Options {
  // Connections of each address, of all workers; none is counted without. Outlives them.
  sync::KeyedCounts* addresses = nullptr;
  uint64_t connections_per_address_max = 0;
  size_t head_bytes_max = limits::kHeadBytesMax;
  int64_t head_deadline_ns = limits::kHeadDeadlineNs;
  int64_t request_ns = INT64_MAX;  // from the first byte of a request to the first of its answer
  int64_t body_grace_ns = limits::kBodyGraceNs;
  int64_t body_bytes_per_second_min = limits::kBodyBytesPerSecondMin;
  int64_t idle_ns = limits::kIdleNs;
  int64_t send_stall_ns = limits::kSendStallNs;
  int64_t sent_bytes_per_second_min = 0;  // of an answer, behind send_stall_ns; 0: none
  int64_t contended_send_stall_ns = limits::kContendedSendStallNs;
  int64_t contended_stream_ns = limits::kContendedStreamNs;
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

// What the table of limits says.
[[nodiscard]] constexpr Options options_for(const limits::Values& values) noexcept {
  using limits::Limit;
  const auto ns = [&](Limit limit) { return static_cast<int64_t>(values[limit]); };
  Options options;
  options.connections_per_address_max = values[Limit::kConnectionsPerAddress];
  options.head_bytes_max = values[Limit::kHeaderBytes];
  options.head_deadline_ns = ns(Limit::kHeaderTime);
  options.request_ns = ns(Limit::kRequestTime);
  options.body_grace_ns = ns(Limit::kWriterGrace);
  options.body_bytes_per_second_min = ns(Limit::kWriterRate);
  options.idle_ns = ns(Limit::kIdleTime);
  options.send_stall_ns = ns(Limit::kReaderStall);
  options.sent_bytes_per_second_min = ns(Limit::kReaderRate);
  options.contended_send_stall_ns = ns(Limit::kContendedReaderStall);
  options.contended_stream_ns = ns(Limit::kContendedReaderTime);
  options.body_bytes_held_max = values[Limit::kBodyMemory];
  options.pending_bytes_max = values[Limit::kPipelinedBytes];
  return options;
}

}  // namespace sluice::net::conn
