// What the public classes of store.h stand for; internal to core/store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/owner.h"
#include "core/base/slabs.h"
#include "core/model/group_key.h"
#include "core/store/group.h"
#include "core/store/journal.h"
#include "core/store/name_sets.h"
#include "core/store/push_machine.h"
#include "core/store/shape_cache.h"
#include "core/store/shape_registry.h"
#include "core/store/snapshot_hub.h"
#include "core/store/store.h"
#include "core/sync/epochs.h"
#include "core/sync/single_writer.h"
#include "core/sync/stamp_counter.h"

namespace sluice::store {

// One writer's figures: written by its thread only. The numbers of what is stored are net, so one writer's may be
// negative; the sums are right.
struct alignas(sync::kCacheLineBytes) WriterCounters {
  sync::SingleWriter<int64_t> groups;
  sync::SingleWriter<int64_t> series;
  sync::SingleWriter<int64_t> samples;
  sync::SingleWriter<int64_t> bytes;
  sync::SingleWriter<int64_t> text_bytes;
  sync::SingleWriter<int64_t> failed_groups;
  sync::SingleWriter<uint64_t> cas_failures;
  sync::SingleWriter<uint64_t> restarts;
  sync::SingleWriter<uint64_t> conflicts;
  sync::SingleWriter<uint64_t> limit_hits;
  sync::SingleWriter<uint64_t> parks;
  sync::SingleWriter<uint64_t> compactions;
  // Mutations that are about to be published, and that have been or have failed: equal sums mean that nothing is going
  // on.
  Atomic<uint64_t> begun{0};
  Atomic<uint64_t> ended{0};
};

class StoreCore {
 public:
  explicit StoreCore(Options store_options);
  ~StoreCore();

  [[nodiscard]] Stats stats() const noexcept;
  // The sum over all writers.
  [[nodiscard]] int64_t total(sync::SingleWriter<int64_t> WriterCounters::* figure) const noexcept;
  // Whether some limit is about single jobs: only then theirs are counted.
  [[nodiscard]] bool counts_jobs() const noexcept { return counts_jobs_; }
  // Sums of WriterCounters::begun and ended.
  [[nodiscard]] uint64_t mutations_begun() const noexcept;
  [[nodiscard]] uint64_t mutations_ended() const noexcept;
  // Their number if there was a moment during the call when none was going on: then all that had ended before the call
  // are among them, and what a snapshot with this Snapshot::mutations() shows was the state at that moment.
  [[nodiscard]] std::optional<uint64_t> settled_mutations() const noexcept;

  // Wipes that have begun. What a push that began behind a wipe makes anew has seen it: the number only grows, and
  // whoever was told of the wipe's beginning, or of the push's end, is behind it. No other memory is published by it.
  [[nodiscard]] uint32_t wipes() const noexcept { return wipes_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint32_t begin_wipe() noexcept { return wipes_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  Atomic<uint32_t> wipes_{0};  // read by every push, so beside what nobody writes

 public:
  // In this order: whatever is freed by the domain's destructor still finds the shapes and the slabs.
  const Options options;
  const std::unique_ptr<WriterCounters[]> counters;
  Slabs slabs;
  ShapeRegistry registry;
  sync::BasicEpochs<Atomics> epochs;
  sync::BasicStampCounter<Atomics> stamps;
  NameSets name_sets;
  GroupMap groups;
  SnapshotHub snapshots;

 private:
  const bool counts_jobs_;
};

class WriterCore {
 public:
  explicit WriterCore(StoreCore& store_core);

  [[nodiscard]] unsigned index() const noexcept { return participant.index(); }

  // The group with this key that is not dead, and its current version in `version`; nullptr if there is none.
  [[nodiscard]] Group* find_group(const model::GroupKey& key, model::Version*& version) noexcept;
  // Writer::expect().
  void expect(uint64_t key_hash, Writer::Near near) noexcept;
  // Replaces `base` by `next` in the group, which must be current in this step. False: it was not current any more.
  [[nodiscard]] bool replace_version(Group& group, model::Version& base, model::Version& next) noexcept;
  // Makes the group dead if `base` still is its version, unlinks and retires both. False as above.
  [[nodiscard]] bool kill_group(Group& group, model::Version& base) noexcept;
  // The group with this key that is not dead: one that is there, with or without a version, or a new one without, which
  // takes over a reference to `set`.
  struct Place {
    Group* group;
    bool inserted;
  };
  [[nodiscard]] Place find_or_insert_group(const model::GroupKey& key, NameSet& set) noexcept;
  // Gives a group its first version. False: it has or had one.
  [[nodiscard]] bool fill_group(Group& group, model::Version& first) noexcept;

  // Keeps a version readable across quiescent points; the caller may read it at the moment of the call.
  void hold(const model::Version& version) noexcept;
  void release(const model::Version& version) noexcept;

  // Around every attempt at publication, what the journal is told included.
  void begin_mutation() noexcept;
  void end_mutation() noexcept;

  // Before the stamp of a mutation is drawn; kAccept without a journal.
  [[nodiscard]] Journal::Verdict begin_change(size_t bytes) noexcept {
    return journal == nullptr ? Journal::Verdict::kAccept : journal->begin(bytes);
  }
  // False: begin_change() would say kPark.
  [[nodiscard]] bool journal_has_room(size_t bytes) noexcept {
    if (journal == nullptr) return true;
    const Journal::Verdict verdict = journal->begin(bytes);
    if (verdict == Journal::Verdict::kAccept) journal->abandon();
    return verdict != Journal::Verdict::kPark;
  }
  // After the attempt: published or not.
  void end_change(bool published, const Change& change) noexcept {
    if (journal == nullptr) return;
    if (published) {
      journal->append(change);
    } else {
      journal->abandon();
    }
  }

  // With the registry's lock held: settles for a slice at most, then looks at `count` shapes, see
  // ShapeRegistry::collect().
  [[nodiscard]] bool collect_shapes(size_t count);
  void housekeep() noexcept;

  [[nodiscard]] PushMachine* borrow_machine();
  void give_back(PushMachine* machine) noexcept;

  StoreCore& store;
  SlabCache slabs;  // destroyed behind everything that frees
  Participant participant;
  WriterCounters& counters;
  ShapeCache shapes;
  Journal* journal = nullptr;
  size_t block_bytes = 0;  // of the version that was published last
  [[no_unique_address]] ThreadOwner owner;

 private:
  void account(const model::Version& version, int64_t sign) noexcept;
  void unlink(Group& group) noexcept;

  std::vector<std::unique_ptr<PushMachine>> spare_machines_;
};

// Frees a retired version; `context` is the WriterCore that reclaims it, nullptr when the store ends.
void free_retired_version(void* version, void* context);

}  // namespace sluice::store
