// All workers of the process: started together, balanced by hand-over, stopped together.
//
// Threads: made, started, joined by the main thread; request_stop() may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/loop/listeners.h"
#include "net/loop/service.h"
#include "net/loop/turn_times.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

struct WorkerOptions {
  uint32_t workers = 1;
  uint32_t connections_max = 4096;         // of one worker
  ring::RingOptions ring;                  // of one worker
  int64_t stop_bound_ns = 10'000'000'000;  // from request_stop() until connections are cut
  bool pin = false;                        // pin worker i to the i-th CPU of the process's affinity mask
};

class WorkerGroup {
 public:
  // Called on the main thread, once for each worker, before its thread starts.
  using MakeService = std::function<std::unique_ptr<Service>(uint32_t index)>;
  using MakeHooks = std::function<std::unique_ptr<EpochHooks>(uint32_t index)>;  // may be empty

  WorkerGroup();
  ~WorkerGroup();  // request_stop() and join()
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  // Starts the threads; returns when each has its ring and listens. The error is one sentence; nothing runs then.
  [[nodiscard]] Result<void, std::string> start(const ring::Capabilities& capabilities, const WorkerOptions& options,
                                                Listeners listeners, const MakeService& make_service,
                                                const MakeHooks& make_hooks = {});
  // Graceful stop: listeners close after their queues are empty, connections end, at most stop_bound_ns. Any thread
  // once start() has returned; takes a lock, so not from a signal handler.
  void request_stop() noexcept;
  // Waits until every worker has ended. True when all connections ended by themselves.
  bool join();

  // On the thread of worker `from`, not while it is stopping: wakes one of the others that wait, if any does, for
  // EpochHooks::help(). Cheap when none does.
  void call_help(uint32_t from) noexcept;

  [[nodiscard]] uint32_t workers() const noexcept;
  [[nodiscard]] const Listeners& listeners() const noexcept;
  // Any thread: figures of one worker, for own metrics.
  [[nodiscard]] TurnTimes::Reading turn_times(uint32_t worker) const noexcept;
  [[nodiscard]] uint64_t connections(uint32_t worker) const noexcept;
  [[nodiscard]] uint64_t refused(uint32_t worker) const noexcept;    // closed at once, at connections_max
  [[nodiscard]] uint64_t handed_on(uint32_t worker) const noexcept;  // accepted here, given to another worker

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::net::loop
