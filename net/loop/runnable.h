// Work that a turn of the loop does in slices: a parse, a check, a scrape, a parked push that tries again.
//
// Thread: the owning worker. A Runnable lives inside its owner and must be unscheduled before that goes.
#pragma once

#include <cstdint>

#include "core/base/clock.h"

namespace sluice::net::loop {

class RunQueue;

class Runnable {
 public:
  enum class Again : uint8_t {
    kNo,      // done: not run again before the next schedule()
    kYes,     // the slice is used up: at the end of the queue, the loop does not wait in the kernel meanwhile
    kParked,  // waits for something in the store: as kYes, but when only parked work is left the loop waits briefly
  };
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;
  virtual ~Runnable() = default;
  // Works until done or until the deadline (kSliceNs from now) has passed. May schedule and unschedule anything, itself
  // too.
  [[nodiscard]] virtual Again run(Deadline deadline) = 0;
  [[nodiscard]] bool scheduled() const noexcept { return queued_; }

 private:
  friend class RunQueue;
  Runnable* next_ = nullptr;
  Runnable* previous_ = nullptr;
  bool queued_ = false;
};

// First in, first out, each at most once in a round.
class RunQueue {
 public:
  // Slices in one turn. With kInlineNs before them and the release of memory behind, twelve of kSliceNs (50 us) and
  // what each needs to notice its end keep a turn under 1 ms.
  static constexpr uint32_t kSlicesPerTurn = 12;

  // What a round left behind: how long the loop may wait.
  enum class Left : uint8_t { kNothing, kParkedOnly, kWork };

  RunQueue() = default;
  ~RunQueue();
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  void schedule(Runnable& runnable) noexcept;  // no effect when it is scheduled already
  void unschedule(Runnable& runnable) noexcept;
  // Runs what was scheduled before the call, in order, each once, at most kSlicesPerTurn of them.
  Left run_round();
  [[nodiscard]] uint32_t size() const noexcept { return size_; }

 private:
  void push(Runnable& runnable) noexcept;
  void unlink(Runnable& runnable) noexcept;

  Runnable* head_ = nullptr;
  Runnable* tail_ = nullptr;
  Runnable* running_ = nullptr;  // in run() now; nullptr again when it was unscheduled meanwhile
  uint32_t size_ = 0;
  uint32_t parked_streak_ = 0;  // runs in a row that ended parked, with nothing scheduled in between
};

}  // namespace sluice::net::loop
