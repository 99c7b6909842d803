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

  virtual void schedule(Runnable& runnable) noexcept = 0;
  virtual void unschedule(Runnable& runnable) noexcept = 0;
  virtual void arm(Timer& timer, int64_t at_ns) noexcept = 0;
  virtual void disarm(Timer& timer) noexcept = 0;

  // The service says once for every on_connection() that the connection is gone and its descriptor closed.
  virtual void connection_closed() noexcept = 0;
  [[nodiscard]] virtual uint32_t connections() const noexcept = 0;
  // Connections that this worker may have at most (from Sizing). The listener is not armed above it.
  [[nodiscard]] virtual uint32_t connections_max() const noexcept = 0;
  // A graceful stop has begun: answers carry `Connection: close`.
  [[nodiscard]] virtual bool stopping() const noexcept = 0;
};

}  // namespace sluice::net::loop
