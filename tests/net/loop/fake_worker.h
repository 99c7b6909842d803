// A worker without a thread, for tests of a service: the turn of net/loop over any ring, taken one at a time, with a
// clock that the test moves.
#pragma once

#include "core/base/check.h"
#include "net/loop/contention.h"
#include "net/loop/runnable.h"
#include "net/loop/service.h"
#include "net/loop/timers.h"
#include "net/loop/worker.h"
#include "net/ring/ring.h"

namespace sluice::net::loop {

class FakeWorker final : public Worker, public ring::CompletionHandler {
 public:
  explicit FakeWorker(ring::Ring& ring, int64_t now_ns = 1'000'000'000)
      : ring_(ring), now_ns_(now_ns), timers_(now_ns) {}

  uint64_t surplus = 0;  // times that somebody was scheduled as that

  void start(Service& service) {
    service_ = &service;
    service.on_start(*this);
  }
  // A connection arrives, as if accepted here.
  void connect(const NewConnection& connection) {
    ++connections_;
    service_->on_connection(connection);
  }
  // One turn in the order of the real loop; returns the number of completions.
  uint32_t turn(int64_t wait_ns = 0) {
    const uint32_t dispatched = ring_.turn(run_queue_.size() > 0 ? 0 : wait_ns, *this);
    run_queue_.run_round(slice_ns());
    service_->on_turn(now_ns_);
    timers_.expire(now_ns_, 128);
    return dispatched;
  }
  // Moves the clock; deadlines that this passes expire in the next turn.
  void advance(int64_t duration_ns) { now_ns_ += duration_ns; }
  void stop() {
    stopping_ = true;
    service_->on_stop();
  }
  [[nodiscard]] uint32_t runnables() const { return run_queue_.size(); }
  [[nodiscard]] uint32_t timers() const { return timers_.armed(); }
  void set_connections_max(uint32_t max) { connections_max_ = max; }

  // ---- Worker ------------------------------------------------------------------------------------------------------
  ring::Ring& ring() noexcept override { return ring_; }
  uint32_t index() const noexcept override { return 0; }
  int64_t now_ns() const noexcept override { return now_ns_; }
  void schedule(Runnable& runnable, Runnable::Work work) noexcept override {
    if (work == Runnable::Work::kSurplus) ++surplus;
    run_queue_.schedule(runnable, work);
  }
  void unschedule(Runnable& runnable) noexcept override { run_queue_.unschedule(runnable); }
  void arm(Timer& timer, int64_t at_ns) noexcept override { timers_.arm(timer, at_ns); }
  void disarm(Timer& timer) noexcept override { timers_.disarm(timer); }
  void small_request() noexcept override { contention_.small_request(now_ns_); }
  bool contended() const noexcept override { return contention_.at(now_ns_); }
  void connection_closed() noexcept override {
    SLUICE_CHECK(connections_ > 0);
    --connections_;
  }
  uint32_t connections() const noexcept override { return connections_; }
  uint32_t connections_max() const noexcept override { return connections_max_; }
  bool stopping() const noexcept override { return stopping_; }

  void on_completion(const ring::Completion& completion) override { service_->on_completion(completion); }

 private:
  ring::Ring& ring_;
  Service* service_ = nullptr;
  int64_t now_ns_;
  TimerWheel timers_;
  RunQueue run_queue_;
  Contention contention_;
  uint32_t connections_ = 0;
  uint32_t connections_max_ = 1000;
  bool stopping_ = false;
};

}  // namespace sluice::net::loop
