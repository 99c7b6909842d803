// Quiescent-state based reclamation (QSBR): when may an object that was taken out of a shared structure be freed.
//
// Invariants
//  - A participant that is online may hold pointers that it read since its last quiescent point; one that is offline
//    holds none.
//  - An object is freed only after (a) a grace period: every participant passed a quiescent point or was offline at
//  some
//    moment after the object was unpublished, and (b) every snapshot that may have read it is closed.
// Progress: quiescent, offline, online and retire are wait-free (retire may allocate a node when its cache is empty);
// reclaim and grace_passed are bounded by the number of participants and the budget. A participant that never passes a
// quiescent point delays frees, and nothing else: no operation waits for it.
// Linearization: unpublishing precedes the draw of an epoch; see epoch_clock.h for why that suffices.
// Reclamation: nodes are recycled by the participant that frees the object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/owner.h"
#include "core/sync/atomics.h"
#include "core/sync/epoch_clock.h"
#include "core/sync/retired.h"
#include "core/sync/snapshot_list.h"

namespace sluice::sync {

// The domain. One per process; outlives every participant. Destruction frees what is still retired (with a null
// context): by then no thread may read any of it.
template <typename Atomics>
class BasicEpochs {
 public:
  class Participant;

  BasicEpochs() = default;
  ~BasicEpochs();
  BasicEpochs(const BasicEpochs&) = delete;
  BasicEpochs& operator=(const BasicEpochs&) = delete;

  // A token for "everybody who may have read before now". grace_passed(token) turns true, and stays so, once every
  // participant that was online has passed a quiescent point since. Neither waits: a push that needs a grace period is
  // parked and asks again in a later turn. The asking participant must pass a quiescent point itself. Any thread.
  [[nodiscard]] uint64_t begin_grace() noexcept { return clock_.draw(); }
  [[nodiscard]] bool grace_passed(uint64_t token) noexcept;

  [[nodiscard]] SnapshotList<Atomics>& snapshots() noexcept { return snapshots_; }
  [[nodiscard]] const SnapshotList<Atomics>& snapshots() const noexcept { return snapshots_; }

  // Objects retired and not yet freed, pinned ones included. A figure for metrics and limits. O(participants).
  [[nodiscard]] uint64_t retired() const noexcept;

 private:
  template <typename T>
  using Atomic = typename Atomics::template Atomic<T>;

  static constexpr uint64_t kOffline = 0;

  struct alignas(kCacheLineBytes) Slot {
    Atomic<uint32_t> claimed{0};
    Atomic<uint64_t> seen{kOffline};      // epoch of the last quiescent point, or kOffline
    Atomic<uint64_t> retired_objects{0};  // written by the owner only; never reset, so that sums stay right
    Atomic<uint64_t> freed_objects{0};
  };

  [[nodiscard]] uint32_t claim_slot() noexcept;
  [[nodiscard]] uint64_t oldest_seen() noexcept;
  void leave_orphans(RetiredNode* chain) noexcept;
  [[nodiscard]] RetiredNode* take_orphans() noexcept;

  EpochClock<Atomics> clock_;
  SnapshotList<Atomics> snapshots_{clock_};
  alignas(kCacheLineBytes) Atomic<uint64_t> passed_{0};  // every token up to this has had its grace period
  Atomic<uint32_t> slots_used_{0};                       // slots above were never claimed
  Atomic<RetiredNode*> orphans_{nullptr};                // sealed nodes of participants that left
  Slot slots_[limits::kParticipantsMax];
};

// A thread's membership. Made, used and destroyed on one thread; online from the start. Once per turn of its loop the
// thread calls quiescent() and reclaim(); around blocking in the kernel, offline() and online().
// Limits: kParticipantsMax at one time, checked (thread counts come from flags that are checked against it).
template <typename Atomics>
class BasicEpochs<Atomics>::Participant {
 public:
  // `context` is handed to every free function that this participant runs (the worker's own caches and counters).
  explicit Participant(BasicEpochs& epochs, void* context = nullptr) noexcept;
  // What is still retired passes to the other participants, or to the domain's destructor.
  ~Participant();
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;

  // This thread holds no pointer that it read from a shared structure (a snapshot's excepted).
  void quiescent() noexcept;
  // Like quiescent(), until online() nothing shared is read. Nothing may be retired meanwhile.
  void offline() noexcept;
  void online() noexcept;
  [[nodiscard]] bool is_online() const noexcept { return online_; }

  // Hands over an object that no longer can be reached through any shared structure. It is freed after a grace period
  // and after the last snapshot with bound >= birth that may have read it. No allocation in the steady state.
  void retire(void* object, FreeFunction free, uint64_t birth_stamp) noexcept;
  // The same for what no snapshot reads (map tables).
  void retire(void* object, FreeFunction free) noexcept { retire(object, free, kNoBirth); }

  // Frees objects whose time has come, up to `per_turn` or twice what was retired since the last call, so that no
  // backlog grows however much one turn retires; returns how many. Call once per turn.
  size_t reclaim_turn(size_t per_turn) noexcept;
  size_t reclaim() noexcept { return reclaim_turn(limits::kReclaimPerTurn); }
  // Up to `objects_max`.
  size_t reclaim(size_t objects_max) noexcept;
  // Nothing of this participant's waits to be freed (what snapshots pin is theirs).
  [[nodiscard]] bool nothing_retired() const noexcept {
    return pending_ == nullptr && waiting_ == nullptr && ready_.empty();
  }

  // Snapshots, see SnapshotList. The walk may span many quiescent points of this thread.
  [[nodiscard]] std::optional<SnapshotId> open_snapshot() noexcept;
  void set_bound(SnapshotId id, uint64_t stamp) noexcept { epochs_.snapshots_.set_bound(id, stamp); }
  // What it pinned is placed or freed by later reclaim() calls of this participant.
  void close_snapshot(SnapshotId id) noexcept;

  // Index of this thread among the participants, below kParticipantsMax: for per-worker counters. A later participant
  // may get the same index, never two at a time.
  [[nodiscard]] uint32_t index() const noexcept { return index_; }
  [[nodiscard]] BasicEpochs& epochs() noexcept { return epochs_; }

 private:
  [[nodiscard]] RetiredNode* new_node() noexcept;
  void recycle(RetiredNode* node) noexcept;
  void advance() noexcept;
  void count(Atomic<uint64_t>& counter) noexcept {
    // Relaxed: this thread is the only writer, and readers want a figure.
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static void seal(RetiredNode* chain, uint64_t token) noexcept;

  // Fixed after construction.
  BasicEpochs& epochs_;
  void* const context_;
  const uint32_t index_;
  Slot& slot_;
  // Owner thread only. An object goes pending -> waiting -> ready -> freed or pinned.
  [[no_unique_address]] ThreadOwner owner_;
  bool online_ = false;
  RetiredNode* pending_ = nullptr;  // retired since the last seal
  RetiredNode* waiting_ = nullptr;  // sealed, its grace period has not passed
  uint64_t waiting_token_ = 0;
  size_t retired_since_reclaim_ = 0;
  ChainQueue ready_;  // grace period passed
  RetiredNode* spare_nodes_ = nullptr;
  uint32_t spare_count_ = 0;
};

using Epochs = BasicEpochs<StdAtomics>;

}  // namespace sluice::sync

#include "core/sync/epochs_impl.h"
