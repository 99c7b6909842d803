// The store: every group, its versions, the consistency check and the snapshots. The only place that mutates groups.
//
// Threads: one Store for the process; one Writer for each thread that touches it (each worker has one; other threads
// that want to read or write make their own). A Writer and everything started through it (PushOp, EraseOp, WipeOp,
// SnapshotRequest) belongs to that thread. A Snapshot may be read by any thread that has a Writer.
//
// The thread's side of reclamation: between two calls of quiescent() every version it has read stays in memory. A
// thread calls quiescent() once a turn, with no pointer into the store in hand except through a Snapshot, and offline()
// before it blocks in the kernel: as long as it does neither, nothing that anybody replaces is freed and no shape is
// born.
//
// No function waits. What cannot go on at once says kParked and is stepped again in a later turn, after quiescent().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "core/model/families.h"
#include "core/store/journal.h"
#include "core/store/ops.h"
#include "core/store/snapshot.h"

namespace sluice::store {

// A family that the gateway exposes itself. It exists from the start and for ever: a pushed family of the same name
// must have its type, and suffixes collide with it. Series never do: ours carry no job label.
struct OwnFamily {
  std::string name;
  model::MetricType type = model::MetricType::kGauge;
};

struct Options {
  unsigned writers_max = 1;             // Writers alive at the same time
  std::vector<OwnFamily> own_families;  // push_time_seconds and push_failure_time_seconds are added by the store
  limits::Values limits;  // reaching one is answered with it; a push that does not grow what it is about passes
  bool check = true;      // false: --push.disable-consistency-check, nothing is compared across groups
};

// Sums of per-writer counters: each is a recent value, together they are no point in time.
struct Stats {
  // What is stored now.
  uint64_t groups = 0;
  uint64_t series = 0;         // pushed ones; each group shows two more
  uint64_t samples = 0;        // lines of text
  uint64_t bytes = 0;          // of blocks, retired versions and those that a snapshot holds included
  uint64_t text_bytes = 0;     // of the current versions' fragments
  uint64_t failed_groups = 0;  // never pushed to with success
  uint64_t held_bytes = 0;     // of the slabs' spans, in use or lying around
  uint64_t shapes = 0;
  uint64_t snapshots = 0;
  // Objects that were replaced and not yet freed, the pinned ones included, and those that only snapshots hold.
  uint64_t versions_retired = 0;
  uint64_t versions_pinned = 0;
  // Since the start.
  uint64_t mutations = 0;
  uint64_t cas_failures = 0;
  uint64_t restarts = 0;  // pushes that computed anew because their group changed, cas_failures included
  uint64_t conflicts = 0;
  uint64_t limit_hits = 0;
  uint64_t parks = 0;        // steps that ended in kParked
  uint64_t compactions = 0;  // versions that copied fragments of older blocks
};

class StoreCore;
class WriterCore;

class Store {
 public:
  explicit Store(Options options);
  // Every Writer, Snapshot and operation must be gone.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Any thread.
  [[nodiscard]] Stats stats() const noexcept;
  // The newest stamp that a mutation has drawn. Any thread.
  [[nodiscard]] uint64_t last_stamp() const noexcept;
  // Stamps go on above this one, as after a restart above all that was found on disk. Before the first mutation.
  void continue_stamps_after(uint64_t stamp) noexcept;
  // Memory that the store has and does not use: what it grows into first. Any thread.
  [[nodiscard]] uint64_t free_bytes() const noexcept;
  // If no mutation is going on: snapshots with this Snapshot::mutations() show what a snapshot that began now would
  // show. Any thread.
  [[nodiscard]] std::optional<uint64_t> settled_mutations() const noexcept;

  // Whether a SnapshotRequest waits because every snapshot is held by somebody else. Any thread.
  [[nodiscard]] bool snapshots_starve() const noexcept;

  [[nodiscard]] StoreCore& core() noexcept { return *core_; }

 private:
  std::unique_ptr<StoreCore> core_;
};

class Writer {
 public:
  // At most Options::writers_max are alive at a time. May be made on another thread than the one that uses it. It is
  // online from the start.
  explicit Writer(Store& store);
  // Operations and snapshots that were started through it must be gone.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Announces that this thread holds no pointer into the store. Once a turn; frees what nobody can see any more, at
  // most a bounded number of versions a call.
  // `contended`: others wait, so of a backlog of retired memory only a little is freed on that occasion.
  void quiescent(bool contended = false) noexcept;
  // Before blocking, after blocking. An offline thread delays nobody and must not touch the store.
  void offline() noexcept;
  void online() noexcept;
  // Every mutation through this writer is told to the journal, which must outlive it or be taken away before. nullptr,
  // as at the start, for none. With no operation of this writer under way.
  void set_journal(Journal* journal) noexcept;

  // The group with that hash will be pushed to soon: starts loading where it is looked up; then, some 100 ns later, the
  // group and the memory of its next version; then its present version. Costs little if it is not pushed to after all.
  enum class Near : uint8_t { kLookup, kGroup, kVersion };
  void expect(uint64_t key_hash, Near near) noexcept;

  // A grace period: once grace_passed() says so, every step that any thread was in at begin_grace() has ended. Tokens
  // may be used from any thread that has a writer.
  [[nodiscard]] uint64_t begin_grace() noexcept;
  [[nodiscard]] bool grace_passed(uint64_t token) noexcept;

  // Collects shapes that nothing uses any more, some 20 us at most. About once a second, online.
  void housekeep() noexcept;

  [[nodiscard]] WriterCore& core() noexcept { return *core_; }

 private:
  std::unique_ptr<WriterCore> core_;
};

}  // namespace sluice::store
