// The live snapshots, at most limits::kSnapshotsMax, and what each of them still pins.
//
// Invariants
//  - A slot is free (bound 0, list kClosed), walking (bound kWalking) or bounded (bound = a stamp).
//  - A retired object that a live snapshot may have read is on the list of one live snapshot, or on its way there on
//  the
//    lists of one participant. It is never freed before every snapshot that may have read it is closed.
//  - A snapshot may have read an object if it registered before the object's chain was sealed (the seal's epoch is
//  above
//    the epoch of its opening) and the object's birth is not above its bound.
// Progress: every operation is lock-free, and wait-free but for place(), which loops only when another thread pins or
// closes. Linearization: open at (2), close at (6).
// Reclamation: the nodes are the participant's that takes them out.
//
// The newest snapshot that can see an object gets it. When a snapshot closes, its objects are placed again in the same
// way; as a newer one could not see them, they move to the next older one that can, or are freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/sync/atomics.h"
#include "core/sync/epoch_clock.h"
#include "core/sync/retired.h"

namespace sluice::sync {

enum class SnapshotId : uint32_t {};

// What it is: see above. Owned by the Epochs domain; lives as long as it. Threads: registered participants open, bound
// and close; a snapshot may be closed by another thread than the one that opened it. Fails: open() returns nothing when
// all slots are in use (the caller shares a snapshot or waits).
template <typename Atomics>
class SnapshotList {
 public:
  static constexpr uint64_t kWalking = UINT64_MAX - 1;  // "infinity": above every stamp, below kNoBirth

  explicit SnapshotList(EpochClock<Atomics>& clock) noexcept : clock_(clock) {}
  SnapshotList(const SnapshotList&) = delete;
  SnapshotList& operator=(const SnapshotList&) = delete;

  // Registers a snapshot with bound = infinity. What the caller reads after this stays valid until close(), across its
  // quiescent points. O(slots).
  [[nodiscard]] std::optional<SnapshotId> open() noexcept;

  // At the END of the walk: nothing with a birth above `stamp` was read. `stamp` is StampCounter::last() taken then.
  void set_bound(SnapshotId id, uint64_t stamp) noexcept;

  // Ends the snapshot and returns the chain of what it pinned, for the caller to place again
  // (Participant::close_snapshot does both). O(1).
  [[nodiscard]] RetiredNode* close(SnapshotId id) noexcept;

  // For the destructor of the domain: close() of a slot that may be free.
  [[nodiscard]] RetiredNode* abandon(SnapshotId id) noexcept {
    Slot& slot = slot_of(id);
    // Relaxed: no other thread is left.
    return slot.claimed.load(std::memory_order_relaxed) == 0 ? nullptr : close(id);
  }

  // Gives a node, whose grace period has passed, to the newest snapshot that can see its object. False: none can, and
  // none ever will; the caller frees it.
  [[nodiscard]] bool place(RetiredNode* node) noexcept;

  // Objects kept alive by snapshots, those being moved after a close included. A figure for metrics and limits.
  [[nodiscard]] uint64_t pinned() const noexcept {
    return pinned_.load(std::memory_order_relaxed);  // Relaxed: a figure, it orders nothing.
  }

  // Snapshots that are open. A figure.
  [[nodiscard]] size_t live() const noexcept;

  // The caller takes `node` off a closed snapshot's chain to place it again.
  void unpin(RetiredNode* node) noexcept {
    if (!node->pinned) return;
    node->pinned = false;
    pinned_.fetch_sub(1, std::memory_order_relaxed);  // Relaxed: a figure.
  }

 private:
  template <typename T>
  using Atomic = typename Atomics::template Atomic<T>;

  struct alignas(kCacheLineBytes) Slot {
    Atomic<uint32_t> claimed{0};  // 1 while a snapshot owns the slot
    Atomic<uint64_t> bound{0};    // 0, a stamp, or kWalking
    // Epoch of the opening. Stale (older, the previous owner's) for a moment after opening, which only pins more.
    Atomic<uint64_t> opened{0};
    Atomic<RetiredNode*> head{closed_mark()};
  };

  [[nodiscard]] static RetiredNode* closed_mark() noexcept {
    static RetiredNode mark;
    return &mark;
  }

  // The newest live snapshot that can see the node's object, nullptr if none.
  [[nodiscard]] Slot* newest_seeing(const RetiredNode& node) noexcept;
  [[nodiscard]] static bool push(Slot& slot, RetiredNode* node) noexcept;

  Slot& slot_of(SnapshotId id) noexcept {
    SLUICE_CHECK(static_cast<uint32_t>(id) < limits::kSnapshotsMax);
    return slots_[static_cast<uint32_t>(id)];
  }

  EpochClock<Atomics>& clock_;
  Slot slots_[limits::kSnapshotsMax];
  Atomic<uint64_t> pinned_{0};
};

template <typename Atomics>
std::optional<SnapshotId> SnapshotList<Atomics>::open() noexcept {
  for (uint32_t i = 0; i < limits::kSnapshotsMax; ++i) {
    Slot& slot = slots_[i];
    uint32_t unclaimed = 0;
    // (1) acquire on success, pairs with the release (7): the slot's previous owner is done with it.
    if (!slot.claimed.compare_exchange_strong(unclaimed, 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      continue;
    }
    // Relaxed: published by (2); nobody pushes before having seen the bound.
    slot.head.store(nullptr, std::memory_order_relaxed);
    // (2) seq_cst store, followed by the read-modify-write of the epoch: either a writer's seal comes later and (4)
    // sees this registration, or it came earlier and the walk cannot find what it unpublished.
    slot.bound.store(kWalking, std::memory_order_seq_cst);
    // (3) release store, pairs with the acquire (5). Until it lands, the previous owner's smaller epoch stands here.
    slot.opened.store(clock_.draw(), std::memory_order_release);
    return SnapshotId{i};
  }
  return std::nullopt;
}

template <typename Atomics>
void SnapshotList<Atomics>::set_bound(SnapshotId id, uint64_t stamp) noexcept {
  Slot& slot = slot_of(id);
  SLUICE_CHECK(stamp < kWalking);
  SLUICE_DCHECK(slot.claimed.load(std::memory_order_relaxed) == 1);  // Relaxed: our own slot.
  // A bound of 0 would read as "closed"; no version has a stamp of 0, so 1 says the same or more.
  // (8) seq_cst store, pairs with (4): a reader of the old value pins more than it must, never less.
  slot.bound.store(stamp == 0 ? 1 : stamp, std::memory_order_seq_cst);
}

template <typename Atomics>
RetiredNode* SnapshotList<Atomics>::close(SnapshotId id) noexcept {
  Slot& slot = slot_of(id);
  SLUICE_CHECK(slot.claimed.load(std::memory_order_relaxed) == 1);  // Relaxed: our own slot.
  slot.bound.store(0,
                   std::memory_order_seq_cst);  // seq_cst like (2) and (8); before (6), so that a failed push sees it.
  // (6) acq_rel exchange: acquires the nodes pushed by (9); a push that comes later fails and looks again.
  RetiredNode* chain = slot.head.exchange(closed_mark(), std::memory_order_acq_rel);
  // (7) release store, pairs with (1).
  slot.claimed.store(0, std::memory_order_release);
  return chain;
}

template <typename Atomics>
typename SnapshotList<Atomics>::Slot* SnapshotList<Atomics>::newest_seeing(const RetiredNode& node) noexcept {
  Slot* newest = nullptr;
  uint64_t newest_opened = 0;
  for (Slot& slot : slots_) {
    // (4) seq_cst load, pairs with (2) and (8).
    const uint64_t bound = slot.bound.load(std::memory_order_seq_cst);
    if (bound == 0 || node.birth > bound) continue;
    // (5) acquire load, pairs with (3). A later owner's epoch means that the owner of `bound` has closed.
    const uint64_t opened = slot.opened.load(std::memory_order_acquire);
    if (node.token < opened) continue;  // Unpublished before that snapshot opened.
    if (newest == nullptr || opened > newest_opened) {
      newest = &slot;
      newest_opened = opened;
    }
  }
  return newest;
}

template <typename Atomics>
bool SnapshotList<Atomics>::push(Slot& slot, RetiredNode* node) noexcept {
  RetiredNode* head = slot.head.load(std::memory_order_acquire);  // Acquire, pairs with (6): then the bound reads 0.
  while (head != closed_mark()) {
    node->next = head;
    // (9) release on success, pairs with (6): publishes the node. Acquire on failure as the load above.
    if (slot.head.compare_exchange_strong(head, node, std::memory_order_release, std::memory_order_acquire)) {
      return true;
    }
  }
  node->next = nullptr;
  return false;
}

template <typename Atomics>
bool SnapshotList<Atomics>::place(RetiredNode* node) noexcept {
  if (node->birth == kNoBirth) return false;
  while (Slot* slot = newest_seeing(*node)) {
    node->pinned = true;
    pinned_.fetch_add(1, std::memory_order_relaxed);  // Relaxed: a figure.
    if (push(*slot, node)) return true;
    unpin(node);  // It closed in between: look again.
  }
  return false;
}

template <typename Atomics>
size_t SnapshotList<Atomics>::live() const noexcept {
  size_t count = 0;
  for (const Slot& slot : slots_) {
    count += slot.claimed.load(std::memory_order_relaxed);  // Relaxed: a figure.
  }
  return count;
}

}  // namespace sluice::sync
