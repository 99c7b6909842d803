// What the threads of a run share: the start that they wait for, the wish to stop, figures for the progress line.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <mutex>

#include "core/base/clock.h"
#include "tools/load/histogram.h"

namespace sluice::tools::load {

class RunState {
 public:
  explicit RunState(uint32_t threads) : filled_(threads, Start{this}) {}

  // Each load thread once, after filling: all measure from the same moment, which it returns.
  int64_t wait_for_start() {
    filled_.arrive_and_wait();
    return started_at();
  }
  // 0 before the start.
  [[nodiscard]] int64_t started_at() const noexcept { return started_ns_.load(std::memory_order_acquire); }

  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool stopping() const noexcept { return stop_.load(std::memory_order_relaxed); }

  // The connections beside the load stop after it.
  void stop_side() noexcept { stop_side_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool stopping_side() const noexcept { return stop_side_.load(std::memory_order_relaxed); }

  // What happened since the last call of either side.
  struct Progress {
    uint64_t answered = 0;
    uint64_t failed = 0;
    Histogram latency;
  };
  void publish(Progress& since) {
    const std::lock_guard lock(mutex_);
    progress_.answered += since.answered;
    progress_.failed += since.failed;
    progress_.latency.merge(since.latency);
    since.answered = since.failed = 0;
    since.latency.clear();
  }
  void take(Progress& out) {
    const std::lock_guard lock(mutex_);
    out = progress_;
    progress_.answered = progress_.failed = 0;
    progress_.latency.clear();
  }

 private:
  struct Start {
    RunState* state;
    void operator()() const noexcept { state->started_ns_.store(monotonic_ns(), std::memory_order_release); }
  };
  std::atomic<int64_t> started_ns_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> stop_side_{false};
  std::mutex mutex_;
  Progress progress_;
  std::barrier<Start> filled_;
};

}  // namespace sluice::tools::load
