// A snapshot: one version of every group, bucketed by shape, kept in memory until it is released.
//
// What it shows: the state at one stamp, read when the request for it began to be served; of the groups that are
// deleted while it is being made some may be missing. So every mutation that was done before the request is in it, each
// group appears in exactly one version, and since a part of a consistent state is consistent, it never shows a
// conflict. What it costs: 10 bytes a group, and at most one version a group beyond those that are current, however
// long it is held (while it is being made also those that are replaced meanwhile). Writers never wait for it.
//
// At most limits::kSnapshotsMax are alive; a request beyond that waits for a free place, and all that wait share the
// one snapshot that begins after their requests. An older one that still shows the present is shared by all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/model/version.h"
#include "core/store/ops.h"

namespace sluice::store {

class SnapshotWalk;
class SnapshotSlot;

// Immutable once a SnapshotRef to it exists. Any thread that has a Writer may read it. The order of buckets and of the
// groups in a bucket is that of the walk: the same for two snapshots between which no group was made or deleted.
class Snapshot {
 public:
  using Chunk = std::vector<const model::Version*>;

  struct Bucket {
    const model::Shape* shape = nullptr;
    size_t groups = 0;
    std::vector<Chunk> chunks;  // none is empty
    // Beside the chunks, the place of each group among the parts (snapshot_part.h).
    std::vector<std::vector<uint16_t>> places;
    size_t groups_elsewhere = 0;  // of a part: groups of this shape in other parts

    // One more group. A chunk that is full is never copied.
    void add(const model::Version& version);
  };

  [[nodiscard]] std::span<const Bucket> buckets() const noexcept { return buckets_; }
  [[nodiscard]] size_t groups() const noexcept { return groups_; }
  // Sums over its versions, the two time series of each group not counted.
  [[nodiscard]] uint64_t series() const noexcept { return series_; }
  [[nodiscard]] uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] uint64_t fragment_bytes() const noexcept { return fragment_bytes_; }
  // The stamp whose state it shows: no version in it is newer.
  [[nodiscard]] uint64_t bound() const noexcept { return bound_; }
  // Changes with every snapshot.
  [[nodiscard]] uint64_t sequence() const noexcept { return sequence_; }
  // If it is equal for two snapshots, they show the same: no mutation was going on during or between their walks.
  // Else no other snapshot has it, and kUnique is set.
  [[nodiscard]] uint64_t mutations() const noexcept { return mutations_; }
  static constexpr uint64_t kUnique = uint64_t{1} << 63;

 private:
  friend class SnapshotWalk;
  friend class SnapshotSlot;

  std::vector<Bucket> buckets_;
  size_t groups_ = 0;
  uint64_t series_ = 0;
  uint64_t samples_ = 0;
  uint64_t fragment_bytes_ = 0;
  uint64_t bound_ = 0;
  uint64_t sequence_ = 0;
  uint64_t mutations_ = 0;
};

// A counted hold on a snapshot, released on the thread of the Writer that it came through.
class SnapshotRef {
 public:
  SnapshotRef() noexcept = default;
  SnapshotRef(SnapshotRef&& other) noexcept { swap(other); }
  SnapshotRef& operator=(SnapshotRef&& other) noexcept {
    SnapshotRef moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~SnapshotRef() { release(); }

  [[nodiscard]] explicit operator bool() const noexcept { return snapshot_ != nullptr; }
  [[nodiscard]] const Snapshot& operator*() const noexcept { return *snapshot_; }
  [[nodiscard]] const Snapshot* operator->() const noexcept { return snapshot_; }
  // Gives it back; the last one hands the versions on or frees them, a bounded number a turn.
  void release() noexcept;

 private:
  friend class SnapshotRequest;
  void swap(SnapshotRef& other) noexcept {
    std::swap(writer_, other.writer_);
    std::swap(slot_, other.slot_);
    std::swap(snapshot_, other.snapshot_);
  }

  Writer* writer_ = nullptr;
  SnapshotSlot* slot_ = nullptr;
  const Snapshot* snapshot_ = nullptr;
};

// Asks for a snapshot that begins after start(), or shows the same as one that did. Stepped like the other operations
// (ops.h): it walks the store itself, or waits (kParked) for another thread's walk.
class SnapshotRequest {
 public:
  SnapshotRequest() noexcept = default;
  ~SnapshotRequest() { cancel(); }
  SnapshotRequest(const SnapshotRequest&) = delete;
  SnapshotRequest& operator=(const SnapshotRequest&) = delete;

  void start(Writer& writer) noexcept;
  [[nodiscard]] StepResult step(Deadline deadline);
  // After kDone, once.
  [[nodiscard]] SnapshotRef take() noexcept { return std::move(ref_); }
  void cancel() noexcept;

 private:
  void set_starving(bool starving) noexcept;

  Writer* writer_ = nullptr;
  SnapshotSlot* walking_ = nullptr;  // the slot that this request fills
  bool starving_ = false;            // counted among those that wait for a slot
  uint64_t after_ = 0;               // snapshots with a larger sequence began after start()
  SnapshotRef ref_;
};

}  // namespace sluice::store
