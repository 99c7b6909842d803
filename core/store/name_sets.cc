#include "core/store/name_sets.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace sluice::store {
namespace {

void free_set(void* set, void* /*context*/) { delete static_cast<NameSet*>(set); }
void free_list(void* list, void* /*context*/) { delete static_cast<const NameSetList*>(list); }
void free_job(void* job, void* /*context*/) { delete static_cast<JobEntry*>(job); }

NameSet* find_set(const NameSetList& list, const model::GroupKey& key) noexcept {
  for (NameSet* set : list.sets) {
    if (set->matches(key)) return set;
  }
  return nullptr;
}

}  // namespace

NameSet::NameSet(JobEntry& job, const model::GroupKey& key, bool ready) : job_(job), ready_(ready ? 1 : 0) {
  names_.reserve(key.label_count());
  for (size_t i = 0; i < key.label_count(); ++i) names_.emplace_back(key.label(i).name);
}

bool NameSet::matches(const model::GroupKey& key) const noexcept {
  if (names_.size() != key.label_count()) return false;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (key.label(i).name != names_[i]) return false;
  }
  return true;
}

bool NameSet::add_ref() noexcept {
  uint64_t refs = refs_.load(std::memory_order_relaxed);  // Relaxed: the exchange checks it.
  while ((refs & kGone) == 0) {
    // (5) acq_rel on success, pairs with itself: orders taking and giving up references. Relaxed on failure: looked at
    // again.
    if (refs_.compare_exchange_strong(refs, refs + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
      return true;
  }
  return false;
}

bool NameSet::drop_ref() noexcept {
  // (6) seq_cst read-modify-write, before the attempt at the lock: see NameSets::unlock().
  const uint64_t before = refs_.fetch_sub(1, std::memory_order_seq_cst);
  SLUICE_CHECK(before != 0 && (before & kGone) == 0);
  return before == 1;
}

bool NameSet::try_end() noexcept {
  uint64_t none = 0;
  // (7) acq_rel on success, pairs with (5) and (6); relaxed on failure: it is in use.
  return refs_.compare_exchange_strong(none, kGone, std::memory_order_acq_rel, std::memory_order_relaxed);
}

bool NameSet::unreferenced() const noexcept {
  return refs_.load(std::memory_order_seq_cst) == 0;  // (8) seq_cst load, after unlocking: see NameSets::unlock().
}

JobEntry::~JobEntry() { delete list_.load(std::memory_order_relaxed); }  // Relaxed: nobody else is left.

NameSets::Acquired NameSets::acquire(const model::GroupKey& key, uint64_t sets_max, Participant& participant,
                                     NameSet*& out) {
  for (;;) {
    out = nullptr;
    JobEntry& job = find_or_make(key, participant, out);
    if (out != nullptr) return Acquired::kYes;
    const NameSetList& list = job.list();
    if (list.sets.empty()) {
      // The job has ended: help whoever ended it, then make a new one.
      if (jobs_.erase(&job, participant)) participant.retire(&job, &free_job);
      continue;
    }
    if (NameSet* set = find_set(list, key); set != nullptr && set->add_ref()) {
      out = set;
      return Acquired::kYes;
    }
    if (!job.lock().try_lock()) return Acquired::kParked;
    const Acquired acquired = add_set(job, key, sets_max, participant, out);
    unlock(job, participant);
    if (acquired != Acquired::kParked) return acquired;
  }
}

JobEntry& NameSets::find_or_make(const model::GroupKey& key, Participant& participant, NameSet*& made) {
  const std::string_view name = key.job();
  const uint64_t hash = keyed_hash(name);
  if (JobEntry* job = jobs_.find(hash, name)) return *job;
  auto job = std::make_unique<JobEntry>(name, hash);
  auto set = std::make_unique<NameSet>(*job, key, true);
  auto list = std::make_unique<NameSetList>();
  list->sets.push_back(set.get());
  job->list_.store(list.release(), std::memory_order_relaxed);  // Relaxed: the insertion publishes it.
  const auto inserted = jobs_.insert(job.get(), participant);
  if (inserted.inserted) {
    made = set.release();
    return *job.release();
  }
  return *inserted.entry;
}

// kParked here means: the job has ended meanwhile, look for it again.
NameSets::Acquired NameSets::add_set(JobEntry& job, const model::GroupKey& key, uint64_t sets_max,
                                     Participant& participant, NameSet*& out) {
  const NameSetList& old = job.list();
  if (old.sets.empty()) return Acquired::kParked;
  if (NameSet* set = find_set(old, key); set != nullptr && set->add_ref()) {
    out = set;
    return Acquired::kYes;
  }
  if (old.sets.size() >= sets_max && std::ranges::none_of(old.sets, [](NameSet* set) { return set->unreferenced(); })) {
    return Acquired::kLimit;
  }
  Sorted sorted = sort_sets(job);
  out = new NameSet(job, key, sorted.live->sets.empty());
  sorted.live->sets.push_back(out);
  replace_list(job, std::move(sorted), participant);
  return Acquired::kYes;
}

NameSets::Sorted NameSets::sort_sets(JobEntry& job) {
  Sorted sorted{std::make_unique<NameSetList>(), {}};
  for (NameSet* set : job.list().sets) (set->try_end() ? sorted.ended : sorted.live->sets).push_back(set);
  return sorted;
}

void NameSets::replace_list(JobEntry& job, Sorted sorted, Participant& participant) {
  const NameSetList* old = &job.list();
  job.list_.store(sorted.live.release(), std::memory_order_seq_cst);  // (4)
  participant.retire(const_cast<NameSetList*>(old), &free_list);
  for (NameSet* set : sorted.ended) participant.retire(set, &free_set);
}

void NameSets::release(NameSet& set, Participant& participant) {
  JobEntry& job = set.job();
  if (set.drop_ref()) collect(job, participant);
}

void NameSets::unlock(JobEntry& job, Participant& participant) {
  // Whoever drops the last reference of a set tries the lock afterwards; if that fails because of us, our look after
  // unlocking finds the set: drop (6), try, unlock, look (8) are all seq_cst.
  job.lock().unlock();
  for (const NameSet* set : job.list().sets) {
    if (set->unreferenced()) {
      collect(job, participant);
      return;
    }
  }
}

void NameSets::collect(JobEntry& job, Participant& participant) {
  for (;;) {
    if (!job.lock().try_lock()) return;
    bool ended = job.list().sets.empty();
    if (!ended && std::ranges::any_of(job.list().sets, [](NameSet* set) { return set->unreferenced(); })) {
      Sorted sorted = sort_sets(job);
      ended = sorted.live->sets.empty();
      replace_list(job, std::move(sorted), participant);
    }
    job.lock().unlock();
    if (ended) {
      if (jobs_.erase(&job, participant)) participant.retire(&job, &free_job);
      return;
    }
    if (std::ranges::none_of(job.list().sets, [](NameSet* set) { return set->unreferenced(); })) return;
  }
}

void NameSets::clear(Participant& participant) {
  std::vector<JobEntry*> all;
  for (size_t shard = 0; shard < decltype(jobs_)::shard_count(); ++shard) {
    map::WalkCursor<JobEntry> cursor;
    while (!jobs_.walk_shard(shard, cursor, 64, participant, [&](JobEntry& job) { all.push_back(&job); })) {
    }
  }
  for (JobEntry* job : all) {
    for (NameSet* set : job->list().sets) delete set;
    delete job;
  }
}

}  // namespace sluice::store
