#include "core/store/push_machine.h"

#include "core/base/check.h"
#include "core/model/label_text.h"
#include "core/model/version_access.h"
#include "core/store/store_core.h"

namespace sluice::store {

using limits::Limit;

namespace {

const model::CanonicalPush kEmptyPush;
const model::Families kEmptyFamilies;

}  // namespace

PushMachine::PushMachine(WriterCore& writer)
    : writer_(writer), claim_(writer), builder_(writer.slabs, writer.counters.bytes), probe_(writer) {}

void PushMachine::start(const PushRequest& request) {
  SLUICE_DCHECK(stage_ == Stage::kNone);
  request_.emplace(request);
  fail_ = false;
  values_ = request.limits != nullptr ? request.limits : &writer_.store.options.limits;
  held_up_ = false;
  claim_.begin(*values_);
  stage_ = Stage::kStart;
}

void PushMachine::start_fail(const model::GroupKey& key, int64_t wall_ns, const limits::Values* values,
                             Pressure pressure) {
  start(PushRequest{key, kEmptyFamilies, kEmptyPush, false, wall_ns, values, pressure});
  fail_ = true;
}

StepResult PushMachine::step(Deadline deadline, PushResult& result) {
  SLUICE_DCHECK_OWNER(writer_.owner);
  SLUICE_CHECK(stage_ != Stage::kNone);
  refresh();
  if (held_up_ && !writer_.journal_has_room(change_bytes())) {
    hold_base();
    writer_.counters.parks.add(1);
    return StepResult::kParked;
  }
  held_up_ = false;
  for (;;) {
    switch (advance(deadline, result)) {
      case Next::kGoOn:
        continue;
      case Next::kAgain:
        hold_base();
        return StepResult::kAgain;
      case Next::kParked:
        hold_base();
        writer_.counters.parks.add(1);
        return StepResult::kParked;
      case Next::kDone:
        reset();
        return StepResult::kDone;
    }
  }
}

PushMachine::Next PushMachine::advance(Deadline deadline, PushResult& result) {
  switch (stage_) {
    case Stage::kNone:
    case Stage::kStart:
      break;
    case Stage::kMerge:
      if (!merge_.step(deadline)) return Next::kAgain;
      if (merge_.families().size() > (*values_)[Limit::kFamiliesPerGroup] && merge_.more_families_than_base()) {
        return limit(result, Limit::kFamiliesPerGroup);
      }
      stage_ = Stage::kShape;
      return Next::kGoOn;
    case Stage::kShape:
      return find_shape(deadline, result);
    case Stage::kBuild:
      return build(deadline);
    case Stage::kSet:
      return find_set(result);
    case Stage::kProbe:
      return probe(deadline, result);
    case Stage::kPublish:
      return publish(result);
  }
  SLUICE_CHECK(false);
}

PushMachine::Next PushMachine::find_shape(Deadline deadline, PushResult& result) {
  switch (claim_.step(merge_, group_, base_, deadline)) {
    case ShapeClaim::State::kReady:
      stage_ = Stage::kBuild;
      return Next::kGoOn;
    case ShapeClaim::State::kAgain:
      return Next::kAgain;
    case ShapeClaim::State::kParked:
      return Next::kParked;
    case ShapeClaim::State::kLimit:
      return limit(result, *claim_.limit());
    case ShapeClaim::State::kConflict: {
      const ShapeConflict& found = claim_.conflict();
      model::Conflict conflict_found;
      conflict_found.kind = found.kind;
      conflict_found.family = request_->push.families[merge_.push_index(found.family)].source;
      conflict_found.other_type = found.other_type;
      conflict_found.other_is_own = found.with_own;
      conflict_found.other_name = found.other_name;
      return conflict(result, conflict_found);
    }
    case ShapeClaim::State::kStale:
      refresh();
      return Next::kGoOn;
  }
  SLUICE_CHECK(false);
}

PushMachine::Next PushMachine::build(Deadline deadline) {
  const uint64_t base_stamp = base_ != nullptr ? base_->stamp() : 0;
  const uint64_t shape = claim_.shape().id();
  const bool same_inputs = builder_.started() && built_shape_ == shape && built_base_ == base_stamp;
  if (!same_inputs && !(built_shape_ == shape && builder_.fits(merge_, claim_.shape()))) {
    if (base_ == nullptr) {
      label_text_.clear();
      model::append_label_text(label_text_, request_->key);
    }
    builder_.start(base_, request_->push, merge_, claim_.shape(),
                   base_ != nullptr ? base_->label_text() : std::string_view(label_text_), request_->wall_ns);
    built_base_ = base_stamp;
    built_shape_ = shape;
  }
  if (!builder_.built() && !builder_.step(deadline)) return Next::kAgain;
  stage_ = Stage::kSet;
  return Next::kGoOn;
}

bool PushMachine::has_series() const noexcept { return !request_->push.families.empty(); }

PushMachine::Next PushMachine::find_set(PushResult& result) {
  StoreCore& store = writer_.store;
  if (group_ == nullptr && set_ == nullptr) {
    if (store.total(&WriterCounters::groups) >= static_cast<int64_t>((*values_)[Limit::kGroups])) {
      return limit(result, Limit::kGroups);
    }
    const uint64_t failed_max = (*values_)[Limit::kFailedGroups];
    if (fail_ && failed_max != 0 && store.total(&WriterCounters::failed_groups) >= static_cast<int64_t>(failed_max)) {
      return limit(result, Limit::kFailedGroups);
    }
    switch (store.name_sets.acquire(request_->key, (*values_)[Limit::kNameSetsPerJob], writer_.participant, set_)) {
      case NameSets::Acquired::kYes:
        break;
      case NameSets::Acquired::kParked:
        return Next::kParked;
      case NameSets::Acquired::kLimit:
        return limit(result, Limit::kNameSetsPerJob);
    }
  }
  NameSet& set = current_set();
  if (!store.options.check || !has_series()) {
    stage_ = Stage::kPublish;
    return Next::kGoOn;
  }
  if (!set.ready()) {
    if (!grace_over()) return Next::kParked;
    set.set_ready();
  }
  if (job_locked_ || set.job().list().sets.size() == 1) {
    stage_ = Stage::kPublish;
    return Next::kGoOn;
  }
  if (!set.job().lock().try_lock()) return Next::kParked;
  if (set_ == nullptr) {
    if (!NameSets::hold(set)) {
      // The group was deleted meanwhile, and its set with it.
      set.job().lock().unlock();
      refresh();
      return Next::kGoOn;
    }
    set_ = &set;
  }
  job_locked_ = true;
  probe_.start(*request_, set);
  stage_ = Stage::kProbe;
  return Next::kGoOn;
}

PushMachine::Next PushMachine::probe(Deadline deadline, PushResult& result) {
  switch (probe_.step(deadline)) {
    case SeriesProbe::State::kClean:
      probe_.stop();
      stage_ = Stage::kPublish;
      return Next::kGoOn;
    case SeriesProbe::State::kAgain:
      return Next::kAgain;
    case SeriesProbe::State::kDuplicate:
      return conflict(result, probe_.conflict());
  }
  SLUICE_CHECK(false);
}

PushMachine::Next PushMachine::publish(PushResult& result) {
  if (!claim_.publishable()) {
    unlock_job();  // it may have to wait for the registry's lock now
    claim_.drop();
    stage_ = Stage::kShape;
    return Next::kGoOn;
  }
  StoreCore& store = writer_.store;
  if (store.options.check && has_series() && !job_locked_) {
    NameSet& set = current_set();
    if (!set.ready() || set.job().list().sets.size() != 1) {
      stage_ = Stage::kSet;
      return Next::kGoOn;
    }
  }
  if (const auto beyond = reserve()) return limit(result, *beyond);
  switch (writer_.begin_change(writer_.journal != nullptr ? change_bytes() : 0)) {
    case Journal::Verdict::kAccept:
      break;
    case Journal::Verdict::kPark:
      give_reserved_back();
      return wait_for_journal();
    case Journal::Verdict::kRefuse:
      give_reserved_back();
      result = {};
      result.status = PushStatus::kRefused;
      return Next::kDone;
  }
  const bool born = base_ == nullptr;
  // The place before the stamp: a DELETE that was seen there has an older one.
  const WriterCore::Place place =
      born ? writer_.find_or_insert_group(request_->key, *set_) : WriterCore::Place{group_, false};
  writer_.begin_mutation();
  const uint64_t stamp = store.stamps.next();
  const int64_t push_time = fail_ ? (base_ != nullptr ? base_->push_time_ns() : 0) : request_->wall_ns;
  const int64_t failure_time = fail_ ? request_->wall_ns : (base_ != nullptr ? base_->push_failure_time_ns() : 0);
  model::Version& next = builder_.finish(stamp, push_time, failure_time);
  model::VersionAccess::set_made_time(next, base_ != nullptr ? base_->made_time_ns() : request_->wall_ns);
  model::VersionAccess::set_wipes(next, born || request_->replace ? store.wipes() : base_->wipes());
  model::VersionAccess::set_previous(next, base_);
  const bool compacted = builder_.compacted();
  const bool published =
      born ? writer_.fill_group(*place.group, next) : writer_.replace_version(*place.group, *base_, next);
  Change change;
  change.kind = fail_ ? ChangeKind::kFail : request_->replace ? ChangeKind::kPut : ChangeKind::kPost;
  change.created = born;
  change.stamp = stamp;
  change.label_text = next.label_text();
  change.version = &next;
  change.push = fail_ ? nullptr : &request_->push;
  writer_.end_change(published, change);
  writer_.end_mutation();
  if (!published) {
    writer_.counters.cas_failures.add(1);
    give_reserved_back();
    if (born) return lose_birth(place.inserted);
    refresh();
    return Next::kGoOn;
  }
  writer_.block_bytes = own_block(next)->bytes;
  builder_.take();
  if (merge_.kept() == 0) writer_.shapes.note_list(request_->push.list, claim_.shape());
  claim_.published();
  if (born) give_set_away(place.inserted);
  if (compacted) writer_.counters.compactions.add(1);
  result.status = PushStatus::kOk;
  result.limit.reset();
  result.created = born;
  result.stamp = stamp;
  return Next::kDone;
}

std::optional<Limit> PushMachine::reserve() noexcept {
  growth_ = {1, static_cast<int64_t>(builder_.series()), static_cast<int64_t>(builder_.fragment_bytes())};
  if (base_ != nullptr) {
    growth_.groups = 0;
    growth_.series -= static_cast<int64_t>(base_->series());
    growth_.bytes -= static_cast<int64_t>(base_->fragment_bytes());
  }
  if (const auto beyond = find_limit()) return beyond;
  if (!writer_.store.counts_jobs()) return std::nullopt;
  const Sums sums = current_set().job().add(growth_);
  const auto is_beyond = [this](int64_t growth, int64_t sum, Limit which) {
    const uint64_t most = (*values_)[which];
    return growth > 0 && most != 0 && sum > static_cast<int64_t>(most);
  };
  std::optional<Limit> beyond;
  if (is_beyond(growth_.groups, sums.groups, Limit::kGroupsPerJob)) beyond = Limit::kGroupsPerJob;
  if (is_beyond(growth_.series, sums.series, Limit::kSeriesPerJob)) beyond = Limit::kSeriesPerJob;
  if (is_beyond(growth_.bytes, sums.bytes, Limit::kBytesPerJob)) beyond = Limit::kBytesPerJob;
  if (beyond) give_reserved_back();
  return beyond;
}

// What a journal takes a snapshot can hold.
uint64_t PushMachine::group_bytes_max() const noexcept {
  const uint64_t most = (*values_)[Limit::kBytesPerGroup];
  if (most != 0) return most;
  return writer_.journal != nullptr ? limits::kGroupBytesMax : UINT64_MAX;
}

// Of its group, and of what counts for all jobs.
std::optional<Limit> PushMachine::find_limit() const noexcept {
  const StoreCore& store = writer_.store;
  const auto is_beyond = [&](int64_t growth, sync::SingleWriter<int64_t> WriterCounters::* figure, Limit which) {
    const uint64_t most = (*values_)[which];
    return growth > 0 && most != 0 && store.total(figure) + growth > static_cast<int64_t>(most);
  };
  if (growth_.bytes > 0 && builder_.fragment_bytes() > group_bytes_max()) return Limit::kBytesPerGroup;
  if (is_beyond(growth_.series, &WriterCounters::series, Limit::kSeries)) return Limit::kSeries;
  if (is_beyond(growth_.bytes, &WriterCounters::text_bytes, Limit::kBytes)) return Limit::kBytes;
  const int64_t before = static_cast<int64_t>(builder_.fragment_bytes()) - growth_.bytes;
  switch (request_->pressure) {
    case Pressure::kNone:
      break;
    case Pressure::kNoGrowth:
      // Numbers that become longer are no growth.
      if (growth_.groups > 0 || growth_.series > 0 || growth_.bytes > before / 8) return Limit::kMemory;
      break;
    case Pressure::kShrinkOnly:
      if (growth_.groups > 0 || growth_.bytes >= 0) return Limit::kMemory;
      break;
    case Pressure::kStop:
      return Limit::kMemory;
  }
  return std::nullopt;
}

void PushMachine::give_reserved_back() noexcept {
  if (!writer_.store.counts_jobs()) return;
  current_set().job().add({-growth_.groups, -growth_.series, -growth_.bytes});
}

// Only its own writer can make room, and its disk may be slow: the locks, which are everybody's, are given back, and
// what was found out under them is found out again.
PushMachine::Next PushMachine::wait_for_journal() noexcept {
  held_up_ = true;
  if (job_locked_) {
    probe_.stop();
    unlock_job();
    stage_ = Stage::kSet;
  }
  if (claim_.locked()) {
    claim_.drop();
    stage_ = Stage::kShape;
  }
  return Next::kParked;
}

// Of names, helps and fragments; the push's own families, whatever the group has beside them.
size_t PushMachine::change_bytes() const noexcept {
  size_t bytes = request_->push.used_bytes;
  for (const model::CanonicalFamily& family : request_->push.families) bytes += family.name.size() + family.help.size();
  return bytes;
}

PushMachine::Next PushMachine::lose_birth(bool inserted) noexcept {
  writer_.counters.restarts.add(1);
  give_set_away(inserted);
  model::Version* now = nullptr;
  group_ = writer_.find_group(request_->key, now);
  restart(now);
  return Next::kGoOn;
}

// The job's lock is given back through the set, whoever holds the reference now: nothing is freed within a step.
void PushMachine::give_set_away(bool inserted) noexcept {
  unlock_job();
  if (inserted) {
    set_ = nullptr;
  } else {
    drop_set();
  }
}

PushMachine::Next PushMachine::limit(PushResult& result, Limit which) noexcept {
  writer_.counters.limit_hits.add(1);
  result = {};
  result.status = PushStatus::kLimit;
  result.limit = which;
  return Next::kDone;
}

PushMachine::Next PushMachine::conflict(PushResult& result, const model::Conflict& found) {
  writer_.counters.conflicts.add(1);
  result = {};
  result.status = PushStatus::kConflict;
  result.conflict = found;
  return Next::kDone;
}

// Looks the group up; what was computed on another version than the present one is void.
void PushMachine::refresh() noexcept {
  model::Version* now = nullptr;
  group_ = writer_.find_group(request_->key, now);
  if (now == base_ && stage_ != Stage::kStart) return;
  if (stage_ != Stage::kStart) writer_.counters.restarts.add(1);
  restart(now);
}

void PushMachine::restart(model::Version* base) noexcept {
  probe_.stop();
  unlock_job();
  claim_.drop();
  drop_base();
  if (base != nullptr) drop_set();
  base_ = base;
  grace_token_ = 0;
  if (base_ != nullptr && writer_.shapes.has_list(request_->push.list, base_->shape())) {
    merge_.start_same(*base_, request_->push);
  } else {
    merge_.start(base_, request_->push, request_->replace);
  }
  stage_ = Stage::kMerge;
}

void PushMachine::reset() noexcept {
  if (stage_ == Stage::kNone) return;
  probe_.stop();
  unlock_job();
  builder_.discard();
  claim_.drop();
  drop_base();
  drop_set();
  group_ = nullptr;
  base_ = nullptr;
  built_base_ = 0;
  built_shape_ = 0;
  stage_ = Stage::kNone;
}

void PushMachine::hold_base() noexcept {
  if (base_ == nullptr || base_held_) return;
  writer_.hold(*base_);
  base_held_ = true;
}

void PushMachine::drop_base() noexcept {
  if (!base_held_) return;
  writer_.release(*base_);
  base_held_ = false;
}

void PushMachine::drop_set() noexcept {
  if (set_ == nullptr) return;
  writer_.store.name_sets.release(*set_, writer_.participant);
  set_ = nullptr;
}

// Before drop_set(): the lock is given back while the set is held.
void PushMachine::unlock_job() noexcept {
  if (!job_locked_) return;
  writer_.store.name_sets.unlock(set_->job(), writer_.participant);
  job_locked_ = false;
}

bool PushMachine::grace_over() noexcept {
  sync::BasicEpochs<Atomics>& epochs = writer_.store.epochs;
  if (grace_token_ == 0) grace_token_ = epochs.begin_grace();
  if (!epochs.grace_passed(grace_token_)) return false;
  grace_token_ = 0;
  return true;
}

}  // namespace sluice::store
