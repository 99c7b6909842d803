// Who makes snapshots, and who shares them.
//
// kSnapshotsMax slots. A request takes a free one and walks the store into it; if another request began its walk after
// this one came, it waits for that one instead; if no slot is free it waits for one, and all that wait share the
// snapshot of the first that gets it. An older one will do, too, while no mutation has begun since its walk did: what a
// request may ask for is in it.
//
// A slot's state: kFree -> kWalking (one owner) -> kReadyBase + holders -> kWalking (the last holder cleans up) ->
// kFree. Progress: no loop waits; a request that cannot go on parks. A walker that is given up frees its slot.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"
#include "core/store/atomics.h"
#include "core/store/group.h"
#include "core/store/snapshot.h"
#include "core/sync/epochs.h"

namespace sluice::store {

class WriterCore;

// The walk of one snapshot: every shard once, in slices.
//
// The cut: the stamp S is read after the snapshot has been registered with the reclamation domain. Of a group whose
// current version is younger than S the walk takes the newest predecessor that is not. Predecessors of younger versions
// were replaced after S was read, hence after the registration, so this snapshot keeps them. What any version with a
// stamp up to S was checked against had been published before its stamp was drawn, so the walk sees that too.
class SnapshotWalk {
 public:
  void start(WriterCore& writer, Snapshot& snapshot);
  // True when done.
  [[nodiscard]] bool step(WriterCore& writer, sync::SnapshotId id, Deadline deadline);
  [[nodiscard]] uint64_t ended_before() const noexcept { return ended_before_; }

 private:
  [[nodiscard]] bool walk_some(WriterCore& writer);
  void add(const model::Version& version, uint16_t place);

  struct Found {
    const model::Version* version;
    uint16_t place;
  };
  Snapshot* snapshot_ = nullptr;
  size_t shard_ = 0;
  uint64_t cut_ = 0;           // the stamp S
  uint64_t ended_before_ = 0;  // mutations that had ended when the walk began
  map::WalkCursor<Group> cursor_;
  std::unordered_map<const model::Shape*, size_t> bucket_of_;
  const model::Shape* last_shape_ = nullptr;
  size_t last_bucket_ = 0;
  std::vector<Group*> batch_;
  std::vector<Found> versions_;
};

class SnapshotSlot {
 public:
  enum class Walk : uint8_t { kDone, kAgain, kNoPlace };

  // Takes the slot for a walk. False: in use.
  [[nodiscard]] bool claim() noexcept;
  // By the owner of a claimed slot. kNoPlace: somebody else has the last place in the domain's list.
  [[nodiscard]] Walk walk(WriterCore& writer, Atomic<uint64_t>& sequence, Deadline deadline);
  // The walk is done: ready, held once.
  void make_ready() noexcept;
  // By the owner: free again.
  void abandon(WriterCore& writer) noexcept;

  // One more hold if it is ready and began after `after`.
  [[nodiscard]] bool share(uint64_t after) noexcept;
  // It is being walked, and began after `after`.
  [[nodiscard]] bool coming(uint64_t after) const noexcept;
  // The same of one that shows the state after `mutations` and nothing else: not one more had begun when its walk
  // ended, or begins before it does.
  [[nodiscard]] bool share_settled(WriterCore& writer, uint64_t mutations) noexcept;
  [[nodiscard]] bool coming_settled(uint64_t mutations) const noexcept;
  void release(WriterCore& writer) noexcept;
  [[nodiscard]] bool in_use() const noexcept {
    return state_.load(std::memory_order_relaxed) != kFree;
  }  // relaxed: a figure

  [[nodiscard]] const Snapshot& snapshot() const noexcept { return snapshot_; }

 private:
  static constexpr uint64_t kFree = 0;
  static constexpr uint64_t kWalking = 1;
  static constexpr uint64_t kReadyBase = 1;  // plus the number of holders, at least one
  static constexpr uint64_t kNone = UINT64_MAX;

  [[nodiscard]] bool hold() noexcept;  // one more, if it is ready

  Atomic<uint64_t> state_{kFree};
  Atomic<uint64_t> sequence_{0};  // of the walk, 0 before it began
  // While it is walked: mutations that had ended when it began; later its snapshot's mutations(). kNone: no walk.
  Atomic<uint64_t> settled_{kNone};
  // The owner's while kWalking, immutable while ready.
  Snapshot snapshot_;
  SnapshotWalk walk_;
  sync::SnapshotId id_{};
  bool open_ = false;
};

class SnapshotHub {
 public:
  // A number such that snapshots with a larger sequence begin after this call.
  [[nodiscard]] uint64_t request() noexcept {
    // (1) acq_rel read-modify-write of nothing, pairs with the draw of a sequence: the walk sees what was done before.
    return sequence_.fetch_add(0, std::memory_order_acq_rel);
  }
  // A ready one that began after `after`, held for the caller; nullptr if none.
  [[nodiscard]] SnapshotSlot* share(uint64_t after) noexcept;
  [[nodiscard]] bool coming(uint64_t after) const noexcept;
  // The same of one that shows the state after `mutations`, whenever it began.
  [[nodiscard]] SnapshotSlot* share_settled(WriterCore& writer, uint64_t mutations) noexcept;
  [[nodiscard]] bool coming_settled(uint64_t mutations) const noexcept;
  // A slot to walk into, nullptr if none is free.
  [[nodiscard]] SnapshotSlot* claim() noexcept;
  [[nodiscard]] Atomic<uint64_t>& sequence() noexcept { return sequence_; }
  [[nodiscard]] uint64_t in_use() const noexcept;
  // Requests that found every slot held and wait for one. Relaxed, all three: a figure that decides nothing at once.
  void starve() noexcept { starving_.fetch_add(1, std::memory_order_relaxed); }
  void starve_no_more() noexcept { starving_.fetch_sub(1, std::memory_order_relaxed); }
  // One waits, and no slot is free for it.
  [[nodiscard]] bool starving() const noexcept {
    return starving_.load(std::memory_order_relaxed) != 0 && in_use() == limits::kSnapshotsMax;
  }

 private:
  Atomic<uint64_t> sequence_{0};
  Atomic<uint64_t> starving_{0};
  SnapshotSlot slots_[limits::kSnapshotsMax];
};

}  // namespace sluice::store
