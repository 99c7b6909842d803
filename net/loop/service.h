// What a worker runs: net/conn implements it. And the hooks by which the owner of the store hears of the loop's life.
#pragma once

#include <cstdint>

#include "core/base/clock.h"
#include "net/ring/completion.h"

namespace sluice::net::loop {

class Worker;

// A connection that begins its life on a worker, accepted there or handed over by another one.
struct NewConnection {
  int socket = -1;  // connected, fit for the worker's ring, owned by the receiver
  bool unix_socket = false;
  uint16_t listener = 0;  // index into Listeners
};

// One per worker; every function runs on the worker's thread.
class Service {
 public:
  virtual ~Service() = default;
  // Before the first turn. The worker outlives the service's last call.
  virtual void on_start(Worker& worker) = 0;
  // Takes the socket: closes it by worker.ring().close() when it cannot be served. Calls
  // worker.connection_closed() once at the end of each connection's life.
  virtual void on_connection(const NewConnection& connection) = 0;
  // Completions whose token.kind() is below Token::kOwnerKindsEnd.
  virtual void on_completion(const ring::Completion& completion) = 0;
  // Once a turn, after completions and messages and before slices: what those began and left parked may go on in the
  // same turn.
  virtual void before_slices(int64_t now_ns) { static_cast<void>(now_ns); }
  // Once a turn, after completions, messages and slices and before timers: re-arm parked receives, close idle
  // connections under pressure. `now_ns` is the worker's.
  virtual void on_turn(int64_t now_ns) { static_cast<void>(now_ns); }
  // Graceful stop: close idle connections, finish what is in flight. Connections that wait in the listeners' queues
  // still come by on_connection and are to be served. The worker goes on turning until its connections are gone or the
  // bound has passed.
  virtual void on_stop() = 0;
  // The bound has passed: connections that remain are cut. Cancel everything; the worker makes some more turns to
  // collect final completions, then on_end() follows.
  virtual void on_abort() = 0;
  // After the last turn, before the ring goes: give all buffers back, disarm and unschedule everything.
  virtual void on_end() {}
};

// The worker's life as core/sync's epochs want to hear it, and what it may do for others. On the worker's thread.
class EpochHooks {
 public:
  virtual ~EpochHooks() = default;
  virtual void enter() {}  // the thread begins
  // Between two turns: no pointer into the store is held. While small requests come (`contended`), no more is to be
  // done on that occasion than what has to be.
  virtual void quiescent(bool contended) { static_cast<void>(contended); }
  virtual void offline() {}  // about to wait in the kernel
  virtual void online() {}   // back
  virtual void leave() {}    // the thread ends
  // Somebody has called for help (WorkerGroup::call_help) and this worker has nothing else to do: a slice of work that
  // is not its own. False: nothing is left.
  [[nodiscard]] virtual bool help(Deadline deadline) { return static_cast<void>(deadline), false; }
};

}  // namespace sluice::net::loop
