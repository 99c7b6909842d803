#include "core/store/shape_claim.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/store/store_core.h"

namespace sluice::store {
namespace {

constexpr size_t kFamiliesPerCheck = 64;
constexpr size_t kCollectedPerInsert = 8;   // so unused shapes stay below an eighth of the others
constexpr size_t kCollectedAtLimit = 1024;  // about 20 us under the lock

}  // namespace

void ShapeClaim::begin() noexcept {
  SLUICE_DCHECK(shape_ == nullptr && !lock_.held());
  graced_ = false;
  collected_ = false;
  grace_token_ = 0;
  hash_ = 0;
  hashed_ = 0;
  hash_done_ = false;
}

ShapeClaim::State ShapeClaim::step(const FamilyMerge& merge, const Group* group, const model::Version* base,
                                   Deadline deadline) {
  if (!contested_.empty()) return grace_over() ? settle_contest(merge, base) : State::kParked;
  if (grace_token_ != 0) {
    if (!grace_over()) return State::kParked;
    graced_ = true;
  }
  if (const State state = find_unlocked(merge, base, deadline); state != State::kParked) return state;
  if (!lock_.held() && !lock_.acquire(writer_.store.registry.lock())) return State::kParked;
  // Kept families are consistent with what is registered only while the version that they come from is published.
  if (base != nullptr && group->cell.current() != base) {
    lock_.reset();
    return State::kStale;
  }
  const State state = register_locked(merge, base);
  if (contested_.empty()) lock_.reset();
  return state;
}

bool ShapeClaim::hash_families(const FamilyMerge& merge, Deadline deadline) noexcept {
  const auto families = merge.families();
  while (hashed_ < families.size()) {
    hash_ = model::shape_hash_step(hash_, families[hashed_++]);
    if (hashed_ % kFamiliesPerCheck == 0 && hashed_ < families.size() && deadline.passed()) return false;
  }
  hash_done_ = true;
  return true;
}

// kParked: the registry has to be asked.
ShapeClaim::State ShapeClaim::find_unlocked(const FamilyMerge& merge, const model::Version* base, Deadline deadline) {
  ShapeRecord* record = nullptr;
  if (merge.same_as_base()) {
    record = &ShapeRecord::of(base->shape());
    hash_ = record->hash();
    hash_done_ = true;
  } else if (merge.families().empty()) {
    record = &writer_.store.registry.empty_shape();
  } else {
    if (!hash_done_ && !hash_families(merge, deadline)) return State::kAgain;
    record = writer_.shapes.find(hash_, merge.families());
  }
  if (record == nullptr || record->state() != ShapeState::kAlive) return State::kParked;
  hold(*record);
  return State::kReady;
}

ShapeClaim::State ShapeClaim::register_locked(const FamilyMerge& merge, const model::Version* base) {
  ShapeRegistry& registry = writer_.store.registry;
  if (ShapeRecord* known = registry.find(hash_, merge.families())) {
    hold(*known);
    writer_.shapes.add(*known);
    return State::kReady;
  }
  if (const State state = pass_limits(merge); state != State::kReady) return state;
  const ShapeRecord* base_record = base != nullptr ? &ShapeRecord::of(base->shape()) : nullptr;
  registry.find_conflicts(merge.families(), merge.pushed(), base_record, conflicts_);
  if (conflicts_.empty()) {
    ShapeRecord& record = registry.insert(registry.make(hash_, merge.families()));
    hold(record);
    writer_.shapes.add(record);
    static_cast<void>(writer_.collect_shapes(kCollectedPerInsert));
    return State::kReady;
  }
  if (conflicts_.back().certain) {
    if (conflicts_.back().with != nullptr && !graced_) {
      grace_token_ = writer_.store.epochs.begin_grace();
      return State::kParked;
    }
    conflict_ = std::move(conflicts_.back());
    return State::kConflict;
  }
  contest_all();
  grace_token_ = writer_.store.epochs.begin_grace();
  return State::kParked;
}

// At a limit unused shapes are collected before the push is refused.
ShapeClaim::State ShapeClaim::pass_limits(const FamilyMerge& merge) {
  ShapeRegistry& registry = writer_.store.registry;
  limit_ = registry.limit_for(merge.families(), merge.grows());
  if (limit_ == LimitKind::kNone) return State::kReady;
  if (collected_) return State::kLimit;
  collected_ = writer_.collect_shapes(kCollectedAtLimit);
  if (!collected_) return State::kParked;
  limit_ = registry.limit_for(merge.families(), merge.grows());
  return limit_ == LimitKind::kNone ? State::kReady : State::kLimit;
}

ShapeClaim::State ShapeClaim::settle_contest(const FamilyMerge& merge, const model::Version* base) {
  const model::Shape* own = base != nullptr ? &base->shape() : nullptr;
  for (ShapeConflict& found : conflicts_) {
    if (found.with->usage.live_at_most() <= (found.with == own ? 1 : 0)) continue;
    conflict_ = std::move(found);
    restore_all();
    lock_.reset();
    return State::kConflict;
  }
  unregistered_ = writer_.store.registry.make(hash_, merge.families());
  hold(*unregistered_);
  return State::kReady;
}

bool ShapeClaim::publishable() const noexcept {
  return unregistered_ != nullptr || shape_->state() == ShapeState::kAlive;
}

void ShapeClaim::published() noexcept {
  if (unregistered_ != nullptr) {
    ShapeRegistry& registry = writer_.store.registry;
    for (ShapeRecord* record : contested_) registry.bury(*record);
    contested_.clear();
    registry.insert(std::move(unregistered_));
    lock_.reset();
  }
  shape_->usage.count_unclaimed(writer_.index());
  shape_ = nullptr;
}

void ShapeClaim::drop() noexcept {
  if (shape_ != nullptr) {
    shape_->usage.count_unclaimed(writer_.index());
    shape_->usage.count_freed(writer_.index());
  }
  shape_ = nullptr;
  unregistered_.reset();
  restore_all();
  lock_.reset();
  grace_token_ = 0;
  hash_ = 0;
  hashed_ = 0;
  hash_done_ = false;
}

void ShapeClaim::contest_all() noexcept {
  for (const ShapeConflict& found : conflicts_) {
    if (std::ranges::find(contested_, found.with) != contested_.end()) continue;
    writer_.store.registry.contest(*found.with);
    contested_.push_back(found.with);
  }
}

void ShapeClaim::restore_all() noexcept {
  for (ShapeRecord* record : contested_) writer_.store.registry.restore(*record);
  contested_.clear();
}

void ShapeClaim::hold(ShapeRecord& record) noexcept {
  record.usage.count_created(writer_.index());
  record.usage.count_claimed(writer_.index());
  shape_ = &record;
}

bool ShapeClaim::grace_over() noexcept {
  if (!writer_.store.epochs.grace_passed(grace_token_)) return false;
  grace_token_ = 0;
  return true;
}

}  // namespace sluice::store
