// What a thread counted, and how the threads' counts become one.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tools/load/histogram.h"
#include "tools/load/latency_rows.h"
#include "tools/load/timeline.h"

namespace sluice::tools::load {

struct LoadStats {
  // The measured window: requests planned (or, in a closed loop, sent) in it.
  Histogram latency;             // of those that were answered as they should be
  Histogram lateness;            // open loop: from when a request could have gone out to when it did
  LatencyRows rows;              // the same one by one, where they are asked for
  Timeline timeline;             // the whole run by the time of the answer; warm-up included
  uint64_t measured = 0;         // answered as they should be
  uint64_t failed = 0;           // of the measured: wrong answers, broken connections, no answer, never sent
  int64_t first_ns = INT64_MAX;  // the window on the monotonic clock, to the last answer
  int64_t last_ns = 0;

  // The whole run.
  uint64_t sent = 0;
  uint64_t pushes_acknowledged = 0;
  uint64_t deletes_acknowledged = 0;
  uint64_t refused_as_expected = 0;  // invalid and conflicting ones
  uint64_t wrong_status = 0;
  uint64_t broken = 0;      // no answer: the connection broke
  uint64_t timed_out = 0;   // no answer in time
  uint64_t never_sent = 0;  // open loop: still waiting for a connection at the end
  uint64_t connections_opened = 0;
  uint64_t waited = 0;  // open loop: no connection was free at the planned time
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  std::array<uint64_t, 600> statuses{};
  std::string first_failure;  // one sentence

  uint64_t fill_requests = 0;
  int64_t fill_ns = 0;
  int64_t cpu_ns = 0;   // of the thread, while it measured
  int64_t wall_ns = 0;  // the same by the clock

  [[nodiscard]] uint64_t all_failures() const noexcept { return wrong_status + broken + timed_out + never_sent; }

  void merge(const LoadStats& other) {
    latency.merge(other.latency);
    lateness.merge(other.lateness);
    rows.merge(other.rows);
    timeline.merge(other.timeline);
    measured += other.measured;
    failed += other.failed;
    first_ns = other.first_ns < first_ns ? other.first_ns : first_ns;
    last_ns = other.last_ns > last_ns ? other.last_ns : last_ns;
    sent += other.sent;
    pushes_acknowledged += other.pushes_acknowledged;
    deletes_acknowledged += other.deletes_acknowledged;
    refused_as_expected += other.refused_as_expected;
    wrong_status += other.wrong_status;
    broken += other.broken;
    timed_out += other.timed_out;
    never_sent += other.never_sent;
    connections_opened += other.connections_opened;
    waited += other.waited;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    for (size_t i = 0; i < statuses.size(); ++i) statuses[i] += other.statuses[i];
    if (first_failure.empty()) first_failure = other.first_failure;
    fill_requests += other.fill_requests;
    fill_ns = other.fill_ns > fill_ns ? other.fill_ns : fill_ns;
    cpu_ns += other.cpu_ns;
    wall_ns += other.wall_ns;
  }
};

}  // namespace sluice::tools::load
