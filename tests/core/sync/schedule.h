// A deterministic scheduler for proofs of lock-free code.
//
// What it is: code written over an `Atomics` policy (core/sync/atomics.h) is instantiated with SimAtomics and run as
// fibers on one thread. Before each atomic access the scheduler may switch to another fiber, as a seeded random
// generator says, so the same seed gives the same interleaving, and a failure is replayed with SLUICE_SEED=<seed>.
//
// Memory model: that of TSO (amd64). A store that is not seq_cst goes into the fiber's store buffer and reaches memory
// later, in order, when the generator says so; the fiber itself reads its own buffer. seq_cst stores and all
// read-modify-writes (failed ones included) empty the buffer first. Plain interleaving cannot show the races of
// "announce, then look" code; delayed stores do. Reordering of loads, as on arm64, is not modelled: ThreadSanitizer and
// the numbered orders stand for that.
//
// Use:
//     for_each_seed(200, [](uint64_t seed) {
//       Thing<SimAtomics> thing;                          // outside a run, atomics act at once
//       Schedule schedule(seed);
//       schedule.spawn([&] { thing.put(1); });
//       schedule.spawn([&] { thing.put(2); });
//       EXPECT_TRUE(schedule.run());                      // false: steps_max was reached, so somebody does not
//       progress EXPECT_EQ(thing.size(), 2);
//     });
//
// Freezing: freeze_at(fiber, n) stops a fiber for ever before its n-th atomic access (from 1); run() then ends when all
// others have ended. thaw() lets it go on, for another run() that ends the test tidily. A frozen fiber's buffered
// stores still reach memory, as they do on hardware. Not for real threads: everything between construction and
// destruction happens on one thread.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "tests/core/sync/fiber.h"

namespace sluice::sync::testing {

// xorshift64*, seeded through splitmix so that neighbouring seeds differ.
class Random {
 public:
  explicit Random(uint64_t seed) noexcept;
  uint64_t next() noexcept;
  uint64_t below(uint64_t bound) noexcept { return next() % bound; }
  bool one_in(uint64_t n) noexcept { return below(n) == 0; }

 private:
  uint64_t state_;
};

class Schedule {
 public:
  // The generator also chooses how often to switch (1 in 1 to 16 accesses) and how long stores are delayed.
  explicit Schedule(uint64_t seed);
  ~Schedule();
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Adds a fiber; returns its number. Before run(), or from a running fiber.
  size_t spawn(std::function<void()> body);

  // Runs until every fiber has ended or is frozen, then empties all store buffers. False when steps_max was reached.
  bool run();
  // Runs this fiber alone until it ends or is frozen.
  bool run_only(size_t fiber);

  void freeze_at(size_t fiber, uint64_t step) { tasks_[fiber]->freeze_at = step; }
  void thaw() noexcept;
  [[nodiscard]] bool frozen(size_t fiber) const { return tasks_[fiber]->frozen; }
  [[nodiscard]] bool ended(size_t fiber) const { return tasks_[fiber]->ended; }
  // Atomic accesses that the fiber has made.
  [[nodiscard]] uint64_t steps(size_t fiber) const { return tasks_[fiber]->steps; }
  void set_steps_max(uint64_t steps) noexcept { steps_max_ = steps; }

  // What the run went through.
  [[nodiscard]] uint64_t switches() const noexcept { return switches_; }
  [[nodiscard]] uint64_t failed_exchanges() const noexcept { return failed_exchanges_; }

  // For code under test that wants randomness from the same seed.
  [[nodiscard]] Random& random() noexcept { return random_; }

  // The schedule whose fiber is running, nullptr outside of runs.
  [[nodiscard]] static Schedule* current() noexcept { return current_; }

  // SimAtomic's side.
  void step();
  [[nodiscard]] uint64_t load(const uint64_t* cell) const;
  void store(uint64_t* cell, uint64_t value, bool at_once);
  void drain_own();
  void forget(const uint64_t* cell);
  void count_failed_exchange() noexcept { ++failed_exchanges_; }

 private:
  struct Store {
    uint64_t* cell;
    uint64_t value;
  };
  struct Task {
    std::unique_ptr<Fiber> fiber;
    std::deque<Store> buffer;
    uint64_t steps = 0;
    uint64_t freeze_at = 0;
    bool frozen = false;
    bool ended = false;
  };

  [[nodiscard]] Task* pick() noexcept;
  void switch_to(Task* task);
  void commit_oldest(Task& task);
  void drain_somebody();
  bool run_loop();

  static thread_local Schedule* current_;

  Random random_;
  uint64_t switch_one_in_;
  uint64_t drain_one_in_;
  uint64_t steps_max_ = 200'000'000;
  uint64_t total_steps_ = 0;
  uint64_t switches_ = 0;
  uint64_t failed_exchanges_ = 0;
  bool exhausted_ = false;
  Fiber main_;
  std::vector<std::unique_ptr<Task>> tasks_;
  Task* running_ = nullptr;  // nullptr: the thread's own stack
  Task* only_ = nullptr;     // run_only's
};

// std::atomic's interface over the schedule. Values of up to 8 bytes.
template <typename T>
class SimAtomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(uint64_t));

 public:
  SimAtomic() noexcept : SimAtomic(T{}) {}
  SimAtomic(T value) noexcept : cell_(encode(value)) {}  // NOLINT(google-explicit-constructor): as std::atomic
  ~SimAtomic() {
    if (Schedule* schedule = Schedule::current()) schedule->forget(&cell_);
  }
  SimAtomic(const SimAtomic&) = delete;
  SimAtomic& operator=(const SimAtomic&) = delete;

  T load(std::memory_order /*order*/) const {
    Schedule* schedule = Schedule::current();
    if (schedule == nullptr) return decode(cell_);
    schedule->step();
    return decode(schedule->load(&cell_));
  }

  void store(T value, std::memory_order order) {
    Schedule* schedule = Schedule::current();
    if (schedule == nullptr) {
      cell_ = encode(value);
      return;
    }
    schedule->step();
    schedule->store(&cell_, encode(value), order == std::memory_order_seq_cst);
  }

  T exchange(T value, std::memory_order /*order*/) {
    return modify([value](T) { return value; });
  }
  template <typename D>
  T fetch_add(D delta, std::memory_order /*order*/) {
    return modify([delta](T before) { return static_cast<T>(before + delta); });
  }
  template <typename D>
  T fetch_sub(D delta, std::memory_order /*order*/) {
    return modify([delta](T before) { return static_cast<T>(before - delta); });
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order /*success*/, std::memory_order /*failure*/) {
    begin_modify();
    if (cell_ == encode(expected)) {
      cell_ = encode(desired);
      return true;
    }
    expected = decode(cell_);
    if (Schedule* schedule = Schedule::current()) schedule->count_failed_exchange();
    return false;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order) {
    return compare_exchange_strong(expected, desired, order, order);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  static uint64_t encode(T value) noexcept {
    uint64_t raw = 0;
    std::memcpy(&raw, &value, sizeof(T));
    return raw;
  }
  static T decode(uint64_t raw) noexcept {
    T value{};
    std::memcpy(&value, &raw, sizeof(T));
    return value;
  }
  static void begin_modify() {
    Schedule* schedule = Schedule::current();
    if (schedule == nullptr) return;
    schedule->step();
    schedule->drain_own();
  }
  template <typename Change>
  T modify(Change change) {
    begin_modify();
    const T before = decode(cell_);
    cell_ = encode(change(before));
    return before;
  }

  uint64_t cell_;
};

struct SimAtomics {
  template <typename T>
  using Atomic = SimAtomic<T>;
  static constexpr bool kZeroBytesAreZero = false;
};

// Calls body(seed) for `count` seeds from a random, printed base; SLUICE_SEED=<seed> runs that seed alone, and
// SLUICE_SEEDS=<n> multiplies the count, and under a sanitizer there are fewer. Stops at the first seed that leaves a
// GoogleTest failure and prints it; a seed that ends in an abort or a sanitizer's report is printed too.
void for_each_seed(uint64_t count, const std::function<void(uint64_t seed)>& body);

}  // namespace sluice::sync::testing
