#include "core/store/store.h"

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/store/block.h"
#include "core/store/store_core.h"

namespace sluice::store {

using limits::Limit;

namespace {

constexpr size_t kShapesPerHousekeeping = 1024;  // about 20 us under the registry's lock

void free_retired_group(void* group, void* context) {
  auto* writer = static_cast<WriterCore*>(context);
  Group::destroy(writer != nullptr ? &writer->slabs : nullptr, static_cast<Group*>(group));
}

// Stores what its only writer counts. Release: whoever sees the count sees what was done before.
void grow(Atomic<uint64_t>& number) noexcept {
  // The load is relaxed: it reads this thread's own store.
  number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

}  // namespace

void free_retired_version(void* object, void* context) {
  const auto& version = *static_cast<const model::Version*>(object);
  auto* writer = static_cast<WriterCore*>(context);
  const model::Shape& shape = version.shape();
  const size_t freed = release_version(writer != nullptr ? &writer->slabs : nullptr, version);
  if (writer == nullptr) return;
  writer->counters.bytes.add(-static_cast<int64_t>(freed));
  ShapeRecord::of(shape).usage.count_freed(writer->index());
}

// ---- StoreCore -----------------------------------------------------------------------------------------------------

StoreCore::StoreCore(Options store_options)
    : options(std::move(store_options)),
      counters(std::make_unique<WriterCounters[]>(options.writers_max)),
      registry(options),
      counts_jobs_(options.limits[Limit::kGroupsPerJob] != 0 || options.limits[Limit::kSeriesPerJob] != 0 ||
                   options.limits[Limit::kBytesPerJob] != 0) {}

StoreCore::~StoreCore() {
  Participant participant(epochs);
  std::vector<Group*> all;
  for (size_t shard = 0; shard < GroupMap::shard_count(); ++shard) {
    map::WalkCursor<Group> cursor;
    while (!groups.walk_shard(shard, cursor, 64, participant, [&](Group& group) { all.push_back(&group); })) {
    }
  }
  for (Group* group : all) {
    model::Version* version = group->cell.current();
    if (version != nullptr && version != Group::Cell::dead()) release_version(nullptr, *version);
    Group::destroy(nullptr, group);
  }
  name_sets.clear(participant);
}

int64_t StoreCore::total(sync::SingleWriter<int64_t> WriterCounters::* figure) const noexcept {
  int64_t sum = 0;
  for (unsigned i = 0; i < options.writers_max; ++i) sum += (counters[i].*figure).get();
  return sum;
}

uint64_t StoreCore::mutations_begun() const noexcept {
  uint64_t total = 0;
  // Acquire loads, pair with the release in grow().
  for (unsigned i = 0; i < options.writers_max; ++i) total += counters[i].begun.load(std::memory_order_acquire);
  return total;
}

uint64_t StoreCore::mutations_ended() const noexcept {
  uint64_t total = 0;
  // Acquire loads, pair with the release in grow().
  for (unsigned i = 0; i < options.writers_max; ++i) total += counters[i].ended.load(std::memory_order_acquire);
  return total;
}

std::optional<uint64_t> StoreCore::settled_mutations() const noexcept {
  // Both sums only grow and the first never passes the second: equal, they were so between the two.
  const uint64_t ended = mutations_ended();
  return mutations_begun() == ended ? std::optional(ended) : std::nullopt;
}

Stats StoreCore::stats() const noexcept {
  Stats sums;
  int64_t groups_net = 0, series = 0, samples = 0, bytes = 0, text_bytes = 0, failed_groups = 0;
  for (unsigned i = 0; i < options.writers_max; ++i) {
    const WriterCounters& writer = counters[i];
    groups_net += writer.groups.get();
    series += writer.series.get();
    samples += writer.samples.get();
    bytes += writer.bytes.get();
    text_bytes += writer.text_bytes.get();
    failed_groups += writer.failed_groups.get();
    sums.cas_failures += writer.cas_failures.get();
    sums.restarts += writer.restarts.get();
    sums.conflicts += writer.conflicts.get();
    sums.limit_hits += writer.limit_hits.get();
    sums.parks += writer.parks.get();
    sums.compactions += writer.compactions.get();
  }
  const auto at_least_zero = [](int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 0; };
  sums.groups = at_least_zero(groups_net);
  sums.series = at_least_zero(series);
  sums.samples = at_least_zero(samples);
  sums.bytes = at_least_zero(bytes);
  sums.text_bytes = at_least_zero(text_bytes);
  sums.failed_groups = at_least_zero(failed_groups);
  sums.held_bytes = slabs.held_bytes();
  sums.mutations = mutations_ended() - sums.cas_failures;
  sums.shapes = registry.shapes();
  sums.snapshots = snapshots.in_use();
  sums.versions_retired = epochs.retired();
  sums.versions_pinned = epochs.snapshots().pinned();
  return sums;
}

// ---- WriterCore ----------------------------------------------------------------------------------------------------

WriterCore::WriterCore(StoreCore& store_core)
    : store(store_core),
      slabs(store_core.slabs),
      participant(store_core.epochs, this),
      counters(store_core.counters[participant.index()]),
      shapes(store_core.registry, participant.index()) {
  SLUICE_CHECK(participant.index() < store.options.writers_max);
}

Group* WriterCore::find_group(const model::GroupKey& key, model::Version*& version) noexcept {
  version = nullptr;
  Group* group = store.groups.find(key.hash(), key.bytes());
  if (group == nullptr) return nullptr;
  model::Version* current = group->cell.current();
  if (current == nullptr || current == Group::Cell::dead()) return nullptr;
  version = current;
  return group;
}

void WriterCore::expect(uint64_t key_hash, Writer::Near near) noexcept {
  constexpr size_t kLine = 64;
  SLUICE_DCHECK_OWNER(owner);
  if (near == Writer::Near::kLookup) return store.groups.prefetch(key_hash);
  const Group* const group = store.groups.guess(key_hash);
  if (near == Writer::Near::kGroup) {
    slabs.prefetch(block_bytes);
    if (group == nullptr) return;
    __builtin_prefetch(group);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(group) + kLine);
    return;
  }
  if (group == nullptr) return;
  const auto* const version = reinterpret_cast<const std::byte*>(group->cell.current());
  if (version == nullptr) return;
  for (size_t line = 0; line < 3; ++line) __builtin_prefetch(version + line * kLine);
}

bool WriterCore::replace_version(Group& group, model::Version& base, model::Version& next) noexcept {
  model::Version* expected = &base;
  if (!group.cell.compare_exchange(expected, &next)) return false;
  const ShapeRecord& before = ShapeRecord::of(base.shape());
  const ShapeRecord& after = ShapeRecord::of(next.shape());
  if (&before != &after) {
    ShapeRecord::of(next.shape()).usage.count_published(index());
    ShapeRecord::of(base.shape()).usage.count_unpublished(index());
  }
  account(base, -1);
  account(next, 1);
  participant.retire(&base, &free_retired_version, base.stamp());
  return true;
}

bool WriterCore::kill_group(Group& group, model::Version& base) noexcept {
  model::Version* expected = &base;
  if (!group.cell.compare_exchange(expected, Group::Cell::dead())) return false;
  ShapeRecord::of(base.shape()).usage.count_unpublished(index());
  account(base, -1);
  counters.groups.add(-1);
  NameSet& set = group.name_set();
  if (store.counts_jobs()) {
    set.job().add({-1, -static_cast<int64_t>(base.series()), -static_cast<int64_t>(base.fragment_bytes())});
  }
  unlink(group);
  store.name_sets.release(set, participant);
  participant.retire(&base, &free_retired_version, base.stamp());
  return true;
}

WriterCore::Place WriterCore::find_or_insert_group(const model::GroupKey& key, NameSet& set) noexcept {
  Group* group = Group::make(slabs, key, set);
  for (;;) {
    const auto inserted = store.groups.insert(group, participant);
    if (inserted.inserted) return {group, true};
    if (inserted.entry->cell.current() != Group::Cell::dead()) {
      Group::destroy(&slabs, group);
      return {inserted.entry, false};
    }
    unlink(*inserted.entry);  // help whoever deleted it
  }
}

bool WriterCore::fill_group(Group& group, model::Version& first) noexcept {
  if (group.cell.current() != nullptr) return false;
  model::Version* expected = nullptr;
  if (!group.cell.compare_exchange(expected, &first)) return false;
  ShapeRecord::of(first.shape()).usage.count_published(index());
  account(first, 1);
  counters.groups.add(1);
  return true;
}

void WriterCore::unlink(Group& group) noexcept {
  if (store.groups.erase(&group, participant)) participant.retire(&group, &free_retired_group);
}

void WriterCore::account(const model::Version& version, int64_t sign) noexcept {
  counters.series.add(sign * static_cast<int64_t>(version.series()));
  counters.samples.add(sign * static_cast<int64_t>(version.samples()));
  counters.text_bytes.add(sign * static_cast<int64_t>(version.fragment_bytes()));
  if (version.push_time_ns() == 0) counters.failed_groups.add(sign);
}

void WriterCore::hold(const model::Version& version) noexcept {
  hold_version(version);
  ShapeRecord::of(version.shape()).usage.count_created(index());
}

void WriterCore::release(const model::Version& version) noexcept {
  ShapeRecord& shape = ShapeRecord::of(version.shape());
  counters.bytes.add(-static_cast<int64_t>(release_version(&slabs, version)));
  shape.usage.count_freed(index());
}

void WriterCore::begin_mutation() noexcept { grow(counters.begun); }
void WriterCore::end_mutation() noexcept { grow(counters.ended); }

bool WriterCore::collect_shapes(size_t count) {
  if (!store.registry.settle(Deadline::in_ns(limits::kSliceNs))) return false;
  return store.registry.collect(
      count, [this] { return store.epochs.begin_grace(); },
      [this](uint64_t token) { return store.epochs.grace_passed(token); });
}

void WriterCore::housekeep() noexcept {
  shapes.drop_dead();
  TryLockHold lock;
  if (!lock.acquire(store.registry.lock())) return;
  static_cast<void>(collect_shapes(kShapesPerHousekeeping));
}

PushMachine* WriterCore::borrow_machine() {
  if (spare_machines_.empty()) return new PushMachine(*this);
  PushMachine* machine = spare_machines_.back().release();
  spare_machines_.pop_back();
  return machine;
}

void WriterCore::give_back(PushMachine* machine) noexcept {
  machine->reset();
  spare_machines_.emplace_back(machine);
}

// ---- The public classes --------------------------------------------------------------------------------------------

Store::Store(Options options) : core_(std::make_unique<StoreCore>(std::move(options))) {}
Store::~Store() = default;
Stats Store::stats() const noexcept { return core_->stats(); }
uint64_t Store::free_bytes() const noexcept { return core_->slabs.free_bytes(); }
bool Store::snapshots_starve() const noexcept { return core_->snapshots.starving(); }
uint64_t Store::last_stamp() const noexcept { return core_->stamps.last(); }
void Store::continue_stamps_after(uint64_t stamp) noexcept { core_->stamps.advance_to(stamp); }
std::optional<uint64_t> Store::settled_mutations() const noexcept { return core_->settled_mutations(); }

Writer::Writer(Store& store) : core_(std::make_unique<WriterCore>(store.core())) {}
Writer::~Writer() = default;

void Writer::quiescent(bool contended) noexcept {
  core_->participant.quiescent();
  core_->participant.reclaim_turn(contended ? limits::kContendedReclaimPerTurn : limits::kReclaimPerTurn);
}
void Writer::offline() noexcept { core_->participant.offline(); }
void Writer::online() noexcept { core_->participant.online(); }
void Writer::set_journal(Journal* journal) noexcept { core_->journal = journal; }
void Writer::expect(uint64_t key_hash, Near near) noexcept { core_->expect(key_hash, near); }
uint64_t Writer::begin_grace() noexcept { return core_->store.epochs.begin_grace(); }
bool Writer::grace_passed(uint64_t token) noexcept { return core_->store.epochs.grace_passed(token); }
void Writer::housekeep() noexcept { core_->housekeep(); }

}  // namespace sluice::store
