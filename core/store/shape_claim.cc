#include "core/store/shape_claim.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/store/store_core.h"

namespace sluice::store {
namespace {

constexpr size_t kFamiliesPerCheck = 64;
constexpr size_t kCollectedPerInsert = 8;   // so unused shapes stay below an eighth of the others
constexpr size_t kCollectedAtLimit = 1024;  // about 20 us under the lock

// Compares the families with those of a shape from `at` on. kReady: all are equal; kStale: they are not.
ShapeClaim::State compare(const model::Shape& shape, std::span<const model::ShapeFamily> families, size_t& at,
                          Deadline deadline) noexcept {
  if (shape.size() != families.size()) return ShapeClaim::State::kStale;
  while (at < families.size()) {
    if (shape.family(at) != families[at]) return ShapeClaim::State::kStale;
    ++at;
    if (at % kFamiliesPerCheck == 0 && at < families.size() && deadline.passed()) return ShapeClaim::State::kAgain;
  }
  return ShapeClaim::State::kReady;
}

}  // namespace

void ShapeClaim::begin(const limits::Values& values) noexcept {
  values_ = &values;
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
  if (!contested_.empty()) {
    if (grace_token_ != 0 && !grace_over()) return State::kParked;
    return settle_contest(merge, base, deadline);
  }
  if (grace_token_ != 0) {
    if (!grace_over()) return State::kParked;
    graced_ = true;
  }
  if (!lock_.held()) {
    if (const State state = find_unlocked(merge, base, deadline); state != State::kParked) return state;
    if (!lock_.acquire(writer_.store.registry.lock())) return State::kParked;
  }
  if (!writer_.store.registry.settle(deadline)) return State::kAgain;
  // Kept families are consistent with what is registered only while the version that they come from is published.
  if (base != nullptr && group->cell.current() != base) {
    unlock();
    return State::kStale;
  }
  const State state = register_locked(merge, base, deadline);
  if (contested_.empty() && state != State::kAgain) unlock();
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
    if (const State state = find_cached(merge, deadline); state != State::kReady) return state;
    record = cached_;
  }
  const bool alive = record->state() == ShapeState::kAlive;
  if (alive) hold(*record);
  drop_cached();
  return alive ? State::kReady : State::kParked;
}

// kReady: cached_ has the families; kParked: the cache does not know them.
ShapeClaim::State ShapeClaim::find_cached(const FamilyMerge& merge, Deadline deadline) {
  if (cached_ == nullptr) {
    cached_ = writer_.shapes.find(hash_);
    if (cached_ == nullptr) return State::kParked;
    cached_at_ = 0;
  }
  const State state = compare(*cached_, merge.families(), cached_at_, deadline);
  if (state == State::kAgain && !cached_held_) {
    cached_->usage.count_created(writer_.index());
    cached_held_ = true;
  }
  if (state != State::kStale) return state;
  drop_cached();
  return State::kParked;
}

void ShapeClaim::drop_cached() noexcept {
  if (cached_held_) cached_->usage.count_freed(writer_.index());
  cached_held_ = false;
  cached_ = nullptr;
}

ShapeClaim::State ShapeClaim::register_locked(const FamilyMerge& merge, const model::Version* base, Deadline deadline) {
  if (stage_ == Stage::kFind) {
    if (const State state = find_registered(merge, deadline); state != State::kStale) return state;
    stage_ = Stage::kLimits;
    at_ = 0;
    unknown_ = 0;
  }
  if (stage_ == Stage::kLimits) {
    if (const State state = pass_limits(merge, deadline); state != State::kReady) return state;
    stage_ = Stage::kConflicts;
    at_ = 0;
    conflicts_.clear();
  }
  if (stage_ == Stage::kConflicts) {
    if (const State state = pass_conflicts(merge, base, deadline); state != State::kReady) return state;
    stage_ = Stage::kMake;
  }
  if (const State state = make(merge, deadline); state != State::kReady) return state;
  writer_.store.registry.insert(std::move(made_));
  inserted_ = true;
  // Once that is done, it is found among the registered ones.
  stage_ = Stage::kFind;
  candidate_ = at_ = 0;
  if (!writer_.store.registry.settle(deadline)) return State::kAgain;
  return find_registered(merge, deadline);
}

// kStale: there is none.
ShapeClaim::State ShapeClaim::find_registered(const FamilyMerge& merge, Deadline deadline) {
  ShapeRegistry& registry = writer_.store.registry;
  while (ShapeRecord* known = registry.candidate(hash_, candidate_)) {
    const State state = compare(*known, merge.families(), at_, deadline);
    if (state == State::kAgain) return state;
    if (state == State::kReady) {
      registry.revive(*known);
      hold(*known);
      writer_.shapes.add(*known);
      if (inserted_) static_cast<void>(writer_.collect_shapes(kCollectedPerInsert));
      return state;
    }
    ++candidate_;
    at_ = 0;
  }
  return State::kStale;
}

// At a limit unused shapes are collected before the push is refused.
ShapeClaim::State ShapeClaim::pass_limits(const FamilyMerge& merge, Deadline deadline) {
  if (!merge.grows()) return State::kReady;
  limit_ = writer_.store.registry.limit_for(*values_, merge.families(), at_, unknown_, deadline);
  if (!limit_) return at_ == merge.families().size() ? State::kReady : State::kAgain;
  if (collected_) return State::kLimit;
  collected_ = writer_.collect_shapes(kCollectedAtLimit);
  if (!collected_) return State::kParked;
  // Counted anew when the names of what was collected have been taken out.
  at_ = 0;
  unknown_ = 0;
  return State::kAgain;
}

ShapeClaim::State ShapeClaim::pass_conflicts(const FamilyMerge& merge, const model::Version* base, Deadline deadline) {
  const ShapeRecord* base_record = base != nullptr ? &ShapeRecord::of(base->shape()) : nullptr;
  if (!writer_.store.registry.find_conflicts(merge.families(), merge.pushed(), base_record, conflicts_, at_,
                                             deadline)) {
    return State::kAgain;
  }
  if (conflicts_.empty()) return State::kReady;
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

ShapeClaim::State ShapeClaim::make(const FamilyMerge& merge, Deadline deadline) {
  const auto families = merge.families();
  if (made_ == nullptr) made_ = writer_.store.registry.make(hash_, families);
  while (made_->size() < families.size()) {
    made_->append(families[made_->size()]);
    if (made_->size() % kFamiliesPerCheck == 0 && made_->size() < families.size() && deadline.passed()) {
      return State::kAgain;
    }
  }
  return State::kReady;
}

// The grace period is over. Should the making of the new shape be sliced, the counts stay what they are.
ShapeClaim::State ShapeClaim::settle_contest(const FamilyMerge& merge, const model::Version* base, Deadline deadline) {
  const model::Shape* own = base != nullptr ? &base->shape() : nullptr;
  for (ShapeConflict& found : conflicts_) {
    if (found.with->usage.live_at_most() <= (found.with == own ? 1 : 0)) continue;
    conflict_ = std::move(found);
    restore_all();
    unlock();
    return State::kConflict;
  }
  if (const State state = make(merge, deadline); state != State::kReady) return state;
  unregistered_ = std::move(made_);
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
    static_cast<void>(registry.settle(Deadline::in_ns(limits::kSliceNs)));
    unlock();
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
  unlock();
  drop_cached();
  grace_token_ = 0;
  hash_ = 0;
  hashed_ = 0;
  hash_done_ = false;
}

void ShapeClaim::unlock() noexcept {
  stage_ = Stage::kFind;
  candidate_ = at_ = unknown_ = 0;
  inserted_ = false;
  made_.reset();
  lock_.reset();
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
