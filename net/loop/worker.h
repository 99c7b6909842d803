// One worker as its service sees it: a thread with its ring, its timers, its runnable work and its connections. Nothing
// is shared with other workers but the store and the mailboxes.
//
// A turn: one trip into the kernel, a bounded batch of completions, messages from other workers, at most 12 slices of
// runnable work, Service::on_turn, timers, a quiescent point.
//
// Thread: everything here belongs to the worker's thread. Tests of a service implement it over a fake ring
// (tests/net/ring/fake_ring.h).
#pragma once

#include <cstdint>

#include "core/base/limits.h"
#include "net/loop/runnable.h"
#include "net/loop/timers.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  virtual ~Worker() = default;

  [[nodiscard]] virtual ring::Ring& ring() noexcept = 0;
  [[nodiscard]] virtual uint32_t index() const noexcept = 0;
  // The monotonic clock as read once after the kernel came back: good enough for deadlines of connections.
  [[nodiscard]] virtual int64_t now_ns() const noexcept = 0;

  virtual void schedule(Runnable& runnable, Runnable::Work work) noexcept = 0;
  virtual void unschedule(Runnable& runnable) noexcept = 0;
  virtual void arm(Timer& timer, int64_t at_ns) noexcept = 0;
  virtual void disarm(Timer& timer) noexcept = 0;

  // A request was answered at once, the only one that its connection had brought.
  virtual void small_request() noexcept = 0;
  // Such requests came within the last kContentionNs: pieces of long work are to be small.
  [[nodiscard]] virtual bool contended() const noexcept = 0;
  // A slice of long work.
  [[nodiscard]] int64_t slice_ns() const noexcept { return contended() ? limits::kContendedSliceNs : limits::kSliceNs; }

  // The service says once for every on_connection() that the connection is gone and its descriptor closed.
  virtual void connection_closed() noexcept = 0;
  [[nodiscard]] virtual uint32_t connections() const noexcept = 0;
  // Connections that this worker may have at most (from Sizing). The listener is not armed above it.
  [[nodiscard]] virtual uint32_t connections_max() const noexcept = 0;
  // A graceful stop has begun: answers carry `Connection: close`.
  [[nodiscard]] virtual bool stopping() const noexcept = 0;
};

}  // namespace sluice::net::loop
