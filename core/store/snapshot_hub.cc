#include "core/store/snapshot_hub.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"
#include "core/store/snapshot_part.h"
#include "core/store/store_core.h"

namespace sluice::store {
namespace {

constexpr size_t kBucketsPerSlice = 16;  // about 100 groups, some 10 us when nothing is in the cache

constexpr size_t kChunkFirst = 8;
constexpr size_t kChunkMax = 512;  // 4 KiB; a full chunk is never copied

}  // namespace

void Snapshot::Bucket::add(const model::Version& version) {
  if (chunks.empty() || chunks.back().size() == chunks.back().capacity()) {
    const size_t capacity = groups < kChunkFirst ? kChunkFirst : std::min(kChunkMax, groups);
    chunks.emplace_back().reserve(capacity);
  }
  chunks.back().push_back(&version);
  ++groups;
}

void SnapshotWalk::start(WriterCore& writer, Snapshot& snapshot) {
  snapshot_ = &snapshot;
  shard_ = 0;
  cursor_.reset();
  bucket_of_.clear();
  last_shape_ = nullptr;
  ended_before_ = writer.store.mutations_ended();
  cut_ = writer.store.stamps.last();
}

bool SnapshotWalk::step(WriterCore& writer, sync::SnapshotId id, Deadline deadline) {
  while (shard_ < GroupMap::shard_count()) {
    if (walk_some(writer)) {
      ++shard_;
      cursor_.reset();
    }
    if (shard_ < GroupMap::shard_count() && deadline.passed()) return false;
  }
  writer.participant.set_bound(id, cut_);
  snapshot_->bound_ = cut_;
  const uint64_t begun = writer.store.mutations_begun();
  snapshot_->mutations_ = begun == ended_before_ ? begun : Snapshot::kUnique | snapshot_->sequence_;
  return true;
}

// A few buckets of the present shard; true at its end. Passes over a batch, so that its cache misses overlap: group,
// version, shape.
bool SnapshotWalk::walk_some(WriterCore& writer) {
  batch_.clear();
  const bool done = writer.store.groups.walk_shard(shard_, cursor_, kBucketsPerSlice, writer.participant,
                                                   [this](Group& group) { batch_.push_back(&group); });
  for (const Group* group : batch_) __builtin_prefetch(group);
  versions_.clear();
  for (const Group* group : batch_) {
    const model::Version* version = group->cell.current();
    if (version == nullptr || version == Group::Cell::dead()) continue;
    __builtin_prefetch(version);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(version) + sizeof(model::Version) - 1);
    versions_.push_back({version, place_of(group->stable_hash())});
  }
  for (const auto& [current, place] : versions_) {
    const model::Version* version = current;
    while (version != nullptr && version->stamp() > cut_) version = version->previous();
    if (version != nullptr) add(*version, place);
  }
  return done;
}

void SnapshotWalk::add(const model::Version& version, uint16_t place) {
  const model::Shape* shape = &version.shape();
  if (shape != last_shape_) {
    const auto [at, inserted] = bucket_of_.try_emplace(shape, snapshot_->buckets_.size());
    if (inserted) snapshot_->buckets_.emplace_back().shape = shape;
    last_shape_ = shape;
    last_bucket_ = at->second;
  }
  Snapshot::Bucket& bucket = snapshot_->buckets_[last_bucket_];
  bucket.add(version);
  if (bucket.places.size() != bucket.chunks.size()) {
    bucket.places.emplace_back().reserve(bucket.chunks.back().capacity());
  }
  bucket.places.back().push_back(place);
  ++snapshot_->groups_;
  snapshot_->series_ += version.series();
  snapshot_->samples_ += version.samples();
  snapshot_->fragment_bytes_ += version.fragment_bytes();
}

bool SnapshotSlot::claim() noexcept {
  uint64_t free = kFree;
  // (2) acquire on success, pairs with (5): the last owner's clean-up is done. Relaxed on failure: in use.
  return state_.compare_exchange_strong(free, kWalking, std::memory_order_acquire, std::memory_order_relaxed);
}

SnapshotSlot::Walk SnapshotSlot::walk(WriterCore& writer, Atomic<uint64_t>& sequence, Deadline deadline) {
  if (!open_) {
    const auto id = writer.participant.open_snapshot();
    if (!id.has_value()) return Walk::kNoPlace;
    id_ = *id;
    open_ = true;
    // acq_rel read-modify-write, pairs with (1) of SnapshotHub: drawn before the first read of the walk.
    snapshot_.sequence_ = sequence.fetch_add(1, std::memory_order_acq_rel) + 1;
    sequence_.store(snapshot_.sequence_, std::memory_order_release);  // (3) release, pairs with the acquire loads (4).
    walk_.start(writer, snapshot_);
    settled_.store(walk_.ended_before(), std::memory_order_release);  // (9) release, pairs with the acquire loads (10).
  }
  return walk_.step(writer, id_, deadline) ? Walk::kDone : Walk::kAgain;
}

void SnapshotSlot::make_ready() noexcept {
  SLUICE_DCHECK(open_);
  settled_.store(snapshot_.mutations(), std::memory_order_relaxed);  // Relaxed: (6) comes after it.
  // (6) release store, pairs with the acquire (7): publishes the snapshot.
  state_.store(kReadyBase + 1, std::memory_order_release);
}

void SnapshotSlot::abandon(WriterCore& writer) noexcept {
  SLUICE_DCHECK(state_.load(std::memory_order_relaxed) == kWalking);  // Relaxed: the owner's own state.
  sequence_.store(0, std::memory_order_relaxed);                      // Relaxed: (5) comes after it.
  settled_.store(kNone, std::memory_order_relaxed);                   // Relaxed: likewise.
  if (open_) writer.participant.close_snapshot(id_);
  open_ = false;
  snapshot_ = Snapshot();
  state_.store(kFree, std::memory_order_release);  // (5) release store, pairs with (2).
}

bool SnapshotSlot::share(uint64_t after) noexcept {
  if (sequence_.load(std::memory_order_acquire) <= after) return false;  // (4)
  if (!hold()) return false;
  // The slot may have been used anew between the two looks; then it began later still.
  SLUICE_DCHECK(snapshot_.sequence() > after);
  return true;
}

bool SnapshotSlot::hold() noexcept {
  uint64_t state = state_.load(std::memory_order_relaxed);  // Relaxed: the exchange checks it.
  while (state > kReadyBase) {
    // (7) acquire on success, pairs with (6). Relaxed on failure: looked at again.
    if (state_.compare_exchange_strong(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool SnapshotSlot::share_settled(WriterCore& writer, uint64_t mutations) noexcept {
  if (settled_.load(std::memory_order_acquire) != mutations || !hold()) return false;  // (10)
  if (snapshot_.mutations() == mutations) return true;
  release(writer);  // it was used anew between the two looks
  return false;
}

bool SnapshotSlot::coming_settled(uint64_t mutations) const noexcept {
  return settled_.load(std::memory_order_acquire) == mutations;  // (10)
}

bool SnapshotSlot::coming(uint64_t after) const noexcept {
  return sequence_.load(std::memory_order_acquire) > after;  // (4)
}

void SnapshotSlot::release(WriterCore& writer) noexcept {
  // (8) acq_rel read-modify-write, pairs with itself: all holders' reads come before the last one's clean-up.
  const uint64_t before = state_.fetch_sub(1, std::memory_order_acq_rel);
  SLUICE_CHECK(before > kReadyBase);
  if (before == kReadyBase + 1) abandon(writer);  // the state is kWalking now, and ours
}

SnapshotSlot* SnapshotHub::share(uint64_t after) noexcept {
  for (SnapshotSlot& slot : slots_) {
    if (slot.share(after)) return &slot;
  }
  return nullptr;
}

bool SnapshotHub::coming(uint64_t after) const noexcept {
  for (const SnapshotSlot& slot : slots_) {
    if (slot.coming(after)) return true;
  }
  return false;
}

SnapshotSlot* SnapshotHub::share_settled(WriterCore& writer, uint64_t mutations) noexcept {
  for (SnapshotSlot& slot : slots_) {
    if (slot.share_settled(writer, mutations)) return &slot;
  }
  return nullptr;
}

bool SnapshotHub::coming_settled(uint64_t mutations) const noexcept {
  for (const SnapshotSlot& slot : slots_) {
    if (slot.coming_settled(mutations)) return true;
  }
  return false;
}

SnapshotSlot* SnapshotHub::claim() noexcept {
  for (SnapshotSlot& slot : slots_) {
    if (slot.claim()) return &slot;
  }
  return nullptr;
}

uint64_t SnapshotHub::in_use() const noexcept {
  uint64_t count = 0;
  for (const SnapshotSlot& slot : slots_) count += slot.in_use() ? 1 : 0;
  return count;
}

void SnapshotRef::release() noexcept {
  if (SnapshotSlot* slot = std::exchange(slot_, nullptr)) slot->release(writer_->core());
  snapshot_ = nullptr;
  writer_ = nullptr;
}

void SnapshotRequest::start(Writer& writer) noexcept {
  cancel();
  writer_ = &writer;
  after_ = writer.core().store.snapshots.request();
}

StepResult SnapshotRequest::step(Deadline deadline) {
  SLUICE_CHECK(writer_ != nullptr);
  WriterCore& writer = writer_->core();
  SnapshotHub& hub = writer.store.snapshots;
  if (walking_ == nullptr) {
    const std::optional<uint64_t> settled = writer.store.settled_mutations();
    SnapshotSlot* shared = hub.share(after_);
    if (shared == nullptr && settled) shared = hub.share_settled(writer, *settled);
    if (shared == nullptr) {
      const bool coming = hub.coming(after_) || (settled && hub.coming_settled(*settled));
      if (!coming) walking_ = hub.claim();
      set_starving(!coming && walking_ == nullptr);
      if (walking_ == nullptr) return StepResult::kParked;
    } else {
      set_starving(false);
      ref_.writer_ = writer_;
      ref_.slot_ = shared;
      ref_.snapshot_ = &shared->snapshot();
      return StepResult::kDone;
    }
  }
  switch (walking_->walk(writer, hub.sequence(), deadline)) {
    case SnapshotSlot::Walk::kAgain:
      return StepResult::kAgain;
    case SnapshotSlot::Walk::kNoPlace:
      walking_->abandon(writer);
      walking_ = nullptr;
      return StepResult::kParked;
    case SnapshotSlot::Walk::kDone:
      break;
  }
  walking_->make_ready();
  ref_.writer_ = writer_;
  ref_.slot_ = walking_;
  ref_.snapshot_ = &walking_->snapshot();
  walking_ = nullptr;
  return StepResult::kDone;
}

void SnapshotRequest::set_starving(bool starving) noexcept {
  if (starving == starving_) return;
  starving_ = starving;
  SnapshotHub& hub = writer_->core().store.snapshots;
  if (starving) {
    hub.starve();
  } else {
    hub.starve_no_more();
  }
}

void SnapshotRequest::cancel() noexcept {
  set_starving(false);
  if (walking_ != nullptr) walking_->abandon(writer_->core());
  walking_ = nullptr;
  ref_.release();
}

}  // namespace sluice::store
