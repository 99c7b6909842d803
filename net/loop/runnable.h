// Work that a turn of the loop does in slices: a parse, a check, a scrape, a parked push that tries again.
//
// Thread: the owning worker. A Runnable lives inside its owner and must be unscheduled before that goes.
#pragma once

#include <cstdint>

#include "core/base/clock.h"
#include "core/base/limits.h"

namespace sluice::net::loop {

class RunQueue;

class Runnable {
 public:
  enum class Again : uint8_t {
    kNo,      // done: not run again before the next schedule()
    kYes,     // the slice is used up: it is long work, the loop does not wait in the kernel meanwhile
    kParked,  // waits for something in the store: tried again every turn; when only parked work is left the loop waits
              // briefly
  };
  // Whether it has had a share of the turn already (a slice of its own) or has yet to begin.
  enum class Work : uint8_t {
    kShort,
    kLong,
    kSurplus,  // as kLong: requests of a client that has had its share of them
  };
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;
  virtual ~Runnable() = default;
  // Works until done or until the deadline (a slice from now) has passed. May schedule and unschedule anything, itself
  // too.
  [[nodiscard]] virtual Again run(Deadline deadline) = 0;
  [[nodiscard]] bool scheduled() const noexcept { return queued_; }

 private:
  friend class RunQueue;
  Runnable* next_ = nullptr;
  Runnable* previous_ = nullptr;
  Work work_ = Work::kShort;
  bool queued_ = false;
};

// Two queues, each first in, first out: what has yet to begin goes before what is long. Of long work one slice is done
// in a round, so that new requests are looked for between any two; how much short work there is makes no difference to
// it.
class RunQueue {
 public:
  // Slices in one turn, the one of long work included. With kInlineNs before them and the release of memory behind,
  // twelve of kSliceNs (50 us) and what each needs to notice its end keep a turn under 1 ms.
  static constexpr uint32_t kSlicesPerTurn = 12;

  // What a round left behind: how long the loop may wait.
  enum class Left : uint8_t { kNothing, kParkedOnly, kWork };

  RunQueue() = default;
  ~RunQueue();
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // No effect when it is scheduled already.
  void schedule(Runnable& runnable, Runnable::Work work = Runnable::Work::kShort) noexcept;
  void unschedule(Runnable& runnable) noexcept;
  // Runs the short work that was scheduled before the call, in order, each once, then one of the long: at most
  // kSlicesPerTurn in all, that of long work for `long_slice_ns`; 0 leaves it to a later round. Of the short work
  // none but the first begins after `short_until`.
  Left run_round(int64_t long_slice_ns = limits::kSliceNs, Deadline short_until = Deadline::never());
  [[nodiscard]] uint32_t size() const noexcept { return short_.size + long_.size; }
  [[nodiscard]] bool long_work() const noexcept { return long_.size > 0; }
  // Whether the long work of the last round was surplus.
  [[nodiscard]] bool surplus_ran() const noexcept { return surplus_ran_; }

 private:
  struct List {
    Runnable* head = nullptr;
    Runnable* tail = nullptr;
    uint32_t size = 0;
  };
  [[nodiscard]] List& list_of(const Runnable& runnable) noexcept {
    return runnable.work_ == Runnable::Work::kShort ? short_ : long_;
  }
  void run_first(List& list, int64_t slice_ns);
  void push(Runnable& runnable, Runnable::Work work) noexcept;
  void unlink(Runnable& runnable) noexcept;

  List short_;
  List long_;
  Runnable* running_ = nullptr;  // in run() now; nullptr again when it was unscheduled meanwhile
  bool surplus_ran_ = false;
  uint32_t parked_streak_ = 0;  // runs in a row that ended parked, with nothing scheduled in between
};

}  // namespace sluice::net::loop
