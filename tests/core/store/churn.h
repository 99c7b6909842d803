// The life of a store in a serverless fleet, in one process: groups that come, are pushed to and go, for ever.
//
// Pushes have 1 to 40 samples in 1 to 8 families with texts of different lengths, half of them PUT and half POST (so
// versions share blocks). Of ten operations eight push to a group that is alive, one deletes a group and one pushes to
// a new one in its place. Groups lie in more lanes than there are threads and threads change lanes all the time, so
// what one thread has allocated mostly another one frees. Everything that is random has a seed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/testing.h"

namespace sluice::store::testing {

// What the process and the store hold.
struct Footprint {
  uint64_t store_bytes = 0;     // Stats::bytes: blocks
  uint64_t held_bytes = 0;      // Stats::held_bytes: of slabs
  uint64_t in_use_bytes = 0;    // mallinfo2: given out by malloc; 0 where malloc is another's
  uint64_t from_system = 0;     // mallinfo2: what malloc took from the system for that
  uint64_t resident_bytes = 0;  // of the process
};
[[nodiscard]] Footprint footprint_of(const Store& store);

class Churn {
 public:
  // The first operations make the groups.
  Churn(size_t groups, unsigned threads, uint64_t seed);
  ~Churn();
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  // Runs about so many operations on all threads together, then frees what can be freed.
  void run(uint64_t operations);
  // Runs so many operations in each of `turns` turns that the threads take one after the other: while one works, the
  // others rest. What a thread has allocated in its turn the next one frees, nearly all of it if a turn is long. The
  // worst that a schedule can do to an allocator that keeps threads apart, and the same in every run.
  void run_in_turns(uint64_t operations, unsigned turns);
  [[nodiscard]] uint64_t operations() const noexcept { return operations_; }
  // The most versions that ever waited for their grace period: a thread that does not run lets them pile up.
  [[nodiscard]] uint64_t retired_max() const noexcept { return retired_max_.load(std::memory_order_relaxed); }
  [[nodiscard]] Store& store() noexcept { return *store_; }

 private:
  struct Lane {
    std::mutex mutex;
    std::vector<uint64_t> alive;  // numbers of groups
    uint64_t next = 0;
  };

  void free_retired();
  void run_thread(uint64_t operations, uint64_t seed);
  void run_lane(Lane& lane, Writer& writer, std::mt19937_64& random);
  void push(Writer& writer, uint64_t group, bool replace, std::mt19937_64& random);

  const size_t groups_;
  const unsigned threads_;
  uint64_t seed_;
  uint64_t operations_ = 0;
  std::atomic<uint64_t> retired_max_{0};
  std::unique_ptr<Store> store_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<Pushed>> bodies_;
};

}  // namespace sluice::store::testing
