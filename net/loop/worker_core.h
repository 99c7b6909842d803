// The loop of one worker: the turn, accepting and handing on, the graceful stop.
//
// Thread: made and run on the worker's thread. Lifetime: within that of its ring, service, hooks and Shared.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/large_memory.h"
#include "core/base/owner.h"
#include "net/loop/contention.h"
#include "net/loop/listeners.h"
#include "net/loop/runnable.h"
#include "net/loop/service.h"
#include "net/loop/shared.h"
#include "net/loop/timers.h"
#include "net/loop/worker.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

struct CoreOptions {
  uint32_t connections_max = 4096;
  int64_t stop_bound_ns = 10'000'000'000;
};

class WorkerCore final : public Worker, public ring::CompletionHandler {
 public:
  WorkerCore(uint32_t index, const CoreOptions& options, Shared& shared, ring::Ring& ring, Service& service,
             EpochHooks& hooks);

  // Takes over this worker's sockets of `listeners` and turns until it has been stopped and its connections are gone.
  // True when they ended by themselves; otherwise they were cut.
  bool run(const Listeners& listeners);

  // ---- Worker ------------------------------------------------------------------------------------------------------
  ring::Ring& ring() noexcept override { return ring_; }
  uint32_t index() const noexcept override { return index_; }
  int64_t now_ns() const noexcept override { return now_ns_; }
  void schedule(Runnable& runnable, Runnable::Work work) noexcept override { run_queue_.schedule(runnable, work); }
  void unschedule(Runnable& runnable) noexcept override { run_queue_.unschedule(runnable); }
  void arm(Timer& timer, int64_t at_ns) noexcept override { timers_.arm(timer, at_ns); }
  void disarm(Timer& timer) noexcept override { timers_.disarm(timer); }
  void small_request() noexcept override { contention_.small_request(now_ns_); }
  bool contended() const noexcept override { return contention_.at(now_ns_); }
  void connection_closed() noexcept override;
  uint32_t connections() const noexcept override { return connections_; }
  uint32_t connections_max() const noexcept override { return options_.connections_max; }
  bool stopping() const noexcept override { return stop_ != Stop::kNo; }

  // ---- CompletionHandler -------------------------------------------------------------------------------------------
  void on_completion(const ring::Completion& completion) override;
  void before_wait() override {
    self_.waits.set(1);
    hooks_.offline();
  }
  void after_wait() override;

 private:
  // One listening socket of this worker.
  struct Listening {
    enum class State : uint8_t { kArmed, kParked, kCancelling, kEmptying, kClosed };
    int socket = -1;
    uint16_t entry = 0;
    bool unix_socket = false;
    bool handed_on = false;  // the only socket of its entry: every worker gets its share
    State state = State::kParked;
    int64_t retry_ns = 0;  // kParked: not armed before
  };
  enum class Stop : uint8_t { kNo, kAccepting, kFinishing, kAborting, kEnded };

  void turn();
  void serve();
  [[nodiscard]] bool long_waits() const noexcept;
  [[nodiscard]] Deadline short_until() const noexcept;
  void release_memory() noexcept;
  [[nodiscard]] int64_t wait_ns() noexcept;
  void take_mail();
  // Accepting.
  void take_over(const Listeners& listeners);
  [[nodiscard]] ring::Token token_of(const Listening& listening) const noexcept;
  void arm(Listening& listening);
  void on_accept(const ring::Completion& completion);
  void place(const NewConnection& connection, bool handed_on);
  void take(const NewConnection& connection);
  void take_waiting();
  void refuse(const NewConnection& connection);
  void refuse_waiting();
  void hand_on(const NewConnection& connection, uint32_t target);
  void refresh_loads() noexcept;
  void rearm_listeners();
  [[nodiscard]] bool accept_queued(const Listening& listening);
  // Stopping.
  void begin_stop();
  void empty_and_close(Listening& listening);
  void close(Listening& listening);
  void advance_stop();

  // Fixed after construction.
  const uint32_t index_;
  const CoreOptions options_;
  Shared& shared_;
  Peer& self_;
  ring::Ring& ring_;
  Service& service_;
  EpochHooks& hooks_;

  // Owner thread.
  ThreadOwner owner_;
  SlicedReleases releases_;
  int64_t now_ns_;
  int64_t turn_began_ns_;
  TimerWheel timers_;
  RunQueue run_queue_;
  Contention contention_;
  RunQueue::Left left_ = RunQueue::Left::kNothing;
  uint32_t left_size_ = 0;      // of the run queue when left_ was found
  uint32_t parked_rounds_ = 0;  // rounds in a row with parked work only
  bool helping_ = false;        // somebody wants help, or may
  bool serve_long_ = true;      // in this turn
  std::vector<Listening> listening_;
  uint32_t connections_ = 0;
  std::vector<NewConnection> waiting_;  // accepted when connections_ was at its limit, the oldest first
  std::vector<uint64_t> loads_;         // of all workers, refreshed once a turn
  std::vector<uint64_t> sent_;          // messages sent to each worker
  bool loads_fresh_ = false;
  uint32_t last_target_ = 0;
  Stop stop_ = Stop::kNo;
  int64_t stop_deadline_ns_ = 0;
};

}  // namespace sluice::net::loop
