// The sets of grouping label names that the groups of each job have: what makes the check for duplicate series across
// groups cheap.
//
// Every series of a group carries the group's labels, so two groups of one job whose keys have the same names can never
// share a series, and groups of different jobs cannot either. A job with one set has nothing to check. With several,
// each push is checked against the groups that its series project to under the other sets, and check and publication
// happen under the job's lock.
//
// Invariants
//  - A published group's set is in its job's list, with refs above 0.
//  - Lists are immutable; a list is replaced under the job's lock only. An empty list is final: the job is gone.
//  - A set that was added to a job with other sets is not ready() until a grace period after that: until then pushes
//  may
//    be going on that have not seen it and so do not take the lock. Nothing with series is published in it before.
//  - A step that publishes a group reads the list in the same step, or holds the lock.
// Progress: acquire() parks when the lock is taken, and is lock-free otherwise. Reclamation: lists, sets and jobs are
// retired through the participant.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/map/map.h"
#include "core/model/group_key.h"
#include "core/store/atomics.h"
#include "core/store/try_lock.h"
#include "core/sync/epochs.h"

namespace sluice::store {

class JobEntry;

using Participant = sync::BasicEpochs<Atomics>::Participant;

// What limits are about, of one version or of everything.
struct Sums {
  int64_t groups = 0;
  int64_t series = 0;
  int64_t bytes = 0;  // of text
};

class NameSet {
 public:
  NameSet(JobEntry& job, const model::GroupKey& key, bool ready);

  [[nodiscard]] JobEntry& job() const noexcept { return job_; }
  // Sorted, `job` among them.
  [[nodiscard]] size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] std::string_view name(size_t index) const noexcept { return names_[index]; }
  // The names of `key` are exactly these.
  [[nodiscard]] bool matches(const model::GroupKey& key) const noexcept;

  [[nodiscard]] bool ready() const noexcept {
    return ready_.load(std::memory_order_acquire) != 0;  // (1) acquire load, pairs with (2): the grace period is over.
  }
  void set_ready() noexcept { ready_.store(1, std::memory_order_release); }  // (2)

 private:
  friend class NameSets;
  static constexpr uint64_t kGone = uint64_t{1} << 63;

  // False: the set was taken off the list.
  [[nodiscard]] bool add_ref() noexcept;
  [[nodiscard]] bool drop_ref() noexcept;  // true for the last one
  [[nodiscard]] bool try_end() noexcept;   // true: no refs and never any again
  [[nodiscard]] bool unreferenced() const noexcept;

  JobEntry& job_;
  std::vector<std::string> names_;
  Atomic<uint64_t> refs_{1};  // groups and operations
  Atomic<uint32_t> ready_;
};

struct NameSetList {
  std::vector<NameSet*> sets;
};

class alignas(8) JobEntry {
 public:
  JobEntry(std::string_view job, uint64_t hash) : name_(job), hash_(hash) {}
  ~JobEntry();

  [[nodiscard]] uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::string_view key() const noexcept { return name_; }
  // Valid until the caller's next quiescent point.
  [[nodiscard]] const NameSetList& list() const noexcept {
    // (3) seq_cst load, pairs with (4): a step that reads the old list ends before the grace period that follows (4).
    return *list_.load(std::memory_order_seq_cst);
  }
  // What the job has, that of running pushes included, while StoreCore::counts_jobs(). The sums afterwards.
  Sums add(const Sums& sums) noexcept {
    // Relaxed: each is a number of its own, compared with a limit.
    return {groups_.fetch_add(sums.groups, std::memory_order_relaxed) + sums.groups,
            series_.fetch_add(sums.series, std::memory_order_relaxed) + sums.series,
            bytes_.fetch_add(sums.bytes, std::memory_order_relaxed) + sums.bytes};
  }
  // Guards publication in a job with several sets, and changes of the list.
  [[nodiscard]] TryLock& lock() noexcept { return lock_; }

 private:
  friend class NameSets;

  const std::string name_;
  const uint64_t hash_;
  TryLock lock_;
  Atomic<const NameSetList*> list_{nullptr};
  Atomic<int64_t> groups_{0};
  Atomic<int64_t> series_{0};
  Atomic<int64_t> bytes_{0};
};

class NameSets {
 public:
  enum class Acquired : uint8_t { kYes, kParked, kLimit };

  // A reference to the set of the key's names in the key's job, made if need be and if
  // the job has fewer than `sets_max`.
  [[nodiscard]] Acquired acquire(const model::GroupKey& key, uint64_t sets_max, Participant& participant,
                                 NameSet*& out);
  // One more reference to the set of a published group. False: the group was deleted meanwhile.
  [[nodiscard]] static bool hold(NameSet& set) noexcept { return set.add_ref(); }
  // Gives a reference back (a group was deleted, an operation failed). The set may be gone afterwards.
  void release(NameSet& set, Participant& participant);
  // Gives the job's lock back and does what its holder kept others from doing. The caller has a reference to a set of
  // it.
  void unlock(JobEntry& job, Participant& participant);

  [[nodiscard]] int64_t jobs() const noexcept { return static_cast<int64_t>(jobs_.size()); }
  // With nobody else about: frees everything.
  void clear(Participant& participant);

 private:
  [[nodiscard]] JobEntry& find_or_make(const model::GroupKey& key, Participant& participant, NameSet*& made);
  [[nodiscard]] Acquired add_set(JobEntry& job, const model::GroupKey& key, uint64_t sets_max, Participant& participant,
                                 NameSet*& out);
  // The sets of a job that are in use, and those that have just ended and go with the old list.
  struct Sorted {
    std::unique_ptr<NameSetList> live;
    std::vector<NameSet*> ended;
  };

  // Both with the job's lock held.
  [[nodiscard]] static Sorted sort_sets(JobEntry& job);
  static void replace_list(JobEntry& job, Sorted sorted, Participant& participant);
  void collect(JobEntry& job, Participant& participant);

  map::Map<JobEntry, Atomics> jobs_;
};

}  // namespace sluice::store
