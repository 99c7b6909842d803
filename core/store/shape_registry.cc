#include "core/store/shape_registry.h"

#include <algorithm>

#include "core/base/check.h"

namespace sluice::store {

using limits::Limit;

namespace {

constexpr size_t kFamiliesPerCheck = 32;  // about 10 us of look-ups that miss the cache

// Memory of a registered family beside the shape itself: its use in the name's list and its position.
constexpr size_t kBytesPerUse = 24;
size_t footprint(const ShapeRecord& record) noexcept { return record.bytes() + record.size() * kBytesPerUse; }

bool has_suffixes(model::MetricType type) noexcept {
  return type == model::MetricType::kSummary || type == model::MetricType::kHistogram;
}

// Whether `x` of type `type` forbids a family named x_count, x_sum (is_bucket false) or x_bucket.
bool forbids(model::MetricType type, bool is_bucket) noexcept {
  return type == model::MetricType::kHistogram || (type == model::MetricType::kSummary && !is_bucket);
}

}  // namespace

// One pass over the list; the reference's checkSuffixCollisions and type comparison, in the order of the names.
class ShapeRegistry::ConflictScan {
 public:
  ConflictScan(const ShapeRegistry& registry, std::span<const model::ShapeFamily> families, const ShapeRecord* base,
               std::vector<ShapeConflict>& out)
      : registry_(registry), families_(families), base_(base), out_(out) {}

  // False: a certain conflict was found, the rest does not matter.
  bool scan(uint32_t index) {
    const model::ShapeFamily& family = families_[index];
    index_ = index;
    if (const NameEntry* entry = lookup(family.name); entry != nullptr && entry->type != family.type) {
      if (!add(*entry, model::ConflictKind::kTypeMismatch, family.name)) return false;
    }
    const model::SuffixBase suffix = model::suffix_base(family.name);
    if (!suffix.base.empty()) {
      const model::ShapeFamily* mine = in_list(suffix.base);
      if (mine != nullptr && forbids(mine->type, suffix.is_bucket)) return add_self(suffix.base, mine->type);
      const NameEntry* entry = lookup(suffix.base);
      if (entry != nullptr && forbids(entry->type, suffix.is_bucket) &&
          !add(*entry, model::ConflictKind::kSuffixCollision, suffix.base)) {
        return false;
      }
    }
    if (!has_suffixes(family.type)) return true;
    return scan_longer(family, "_count", false) && scan_longer(family, "_sum", false) &&
           scan_longer(family, "_bucket", true);
  }

 private:
  bool scan_longer(const model::ShapeFamily& family, std::string_view suffix, bool is_bucket) {
    if (!forbids(family.type, is_bucket)) return true;
    longer_.assign(family.name).append(suffix);
    if (const model::ShapeFamily* mine = in_list(longer_)) return add_self(longer_, mine->type);
    const NameEntry* entry = lookup(longer_);
    return entry == nullptr || add(*entry, model::ConflictKind::kSuffixCollision, longer_);
  }

  // The list as it will be decides for its own names; what is registered under such a name with the same type is no
  // matter, with another type it is a mismatch that scan() has reported.
  const model::ShapeFamily* in_list(std::string_view name) const noexcept {
    const auto at = std::lower_bound(
        families_.begin(), families_.end(), name,
        [](const model::ShapeFamily& family, std::string_view wanted) { return family.name < wanted; });
    return at == families_.end() || at->name != name ? nullptr : &*at;
  }
  const NameEntry* lookup(std::string_view name) const noexcept { return registry_.names_.find(name); }
  bool add_self(std::string_view name, model::MetricType type) {
    out_.push_back({index_, model::ConflictKind::kSuffixCollision, type, std::string(name), false, nullptr, true});
    return false;
  }
  bool add(const NameEntry& entry, model::ConflictKind kind, std::string_view name) {
    if (entry.own) {
      out_.push_back({index_, kind, entry.type, std::string(name), true, nullptr, true});
      return false;
    }
    for (const Use& use : entry.uses) {
      const bool certain = use.record->usage.live_at_least() > (use.record == base_ ? 1 : 0);
      out_.push_back({index_, kind, entry.type, std::string(name), false, use.record, certain});
      if (certain) return false;
    }
    return true;
  }

  const ShapeRegistry& registry_;
  std::span<const model::ShapeFamily> families_;
  const ShapeRecord* base_;
  std::vector<ShapeConflict>& out_;
  std::string longer_;
  uint32_t index_ = 0;
};

ShapeRegistry::ShapeRegistry(const Options& options) : writers_(options.writers_max), check_(options.check) {
  for (const OwnFamily& family : options.own_families) names_.find_or_add(family.name) = {family.type, true, {}};
  for (const char* name : {"push_time_seconds", "push_failure_time_seconds"}) {
    names_.find_or_add(name) = {model::MetricType::kGauge, true, {}};
  }
  std::unique_ptr<ShapeRecord> empty = make(0, {});
  empty_ = empty.get();
  finish_insert(std::move(empty));
}

ShapeRegistry::~ShapeRegistry() = default;

bool ShapeRegistry::settle(Deadline deadline) {
  SLUICE_DCHECK(lock_.held());
  while (!unfinished_.empty()) {
    Unfinished& work = unfinished_.front();
    while (work.at < work.record->size()) {
      const auto index = static_cast<uint32_t>(work.at++);
      if (work.entering != nullptr) {
        enter_name(*work.record, index);
      } else {
        take_out_name(*work.record, index);
      }
      if (work.at % kFamiliesPerCheck == 0 && deadline.passed()) return false;
    }
    if (work.entering != nullptr) {
      finish_insert(std::move(work.entering));
    } else {
      work.record->leaving_ = false;
    }
    unfinished_.pop_front();
  }
  return true;
}

ShapeRecord* ShapeRegistry::candidate(uint64_t hash, size_t nth) noexcept {
  SLUICE_DCHECK(lock_.held() && unfinished_.empty());
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    if (nth-- == 0) return at->second;
  }
  return nullptr;
}

void ShapeRegistry::revive(ShapeRecord& record) noexcept {
  SLUICE_DCHECK(lock_.held());
  if (record.state() == ShapeState::kIdle) record.set_state(ShapeState::kAlive);
}

bool ShapeRegistry::find_conflicts(std::span<const model::ShapeFamily> families, std::span<const uint8_t> checked,
                                   const ShapeRecord* base, std::vector<ShapeConflict>& out, size_t& at,
                                   Deadline deadline) {
  SLUICE_DCHECK(lock_.held() && unfinished_.empty());
  if (!check_) return true;
  ConflictScan scan(*this, families, base, out);
  while (at < families.size()) {
    const auto index = static_cast<uint32_t>(at++);
    if (checked[index] != 0 && !scan.scan(index)) return true;
    if (at % kFamiliesPerCheck == 0 && at < families.size() && deadline.passed()) return false;
  }
  return true;
}

std::optional<Limit> ShapeRegistry::limit_for(const limits::Values& values,
                                              std::span<const model::ShapeFamily> families, size_t& at, size_t& unknown,
                                              Deadline deadline) const noexcept {
  SLUICE_DCHECK(lock_.held() && unfinished_.empty());
  if (at == 0) {
    if (records_.size() > values[Limit::kShapes] || bytes_ > limits::kShapeBytesMax) return Limit::kShapes;
    if (names_.size() + families.size() <= values[Limit::kFamilyNames]) at = families.size();
  }
  while (at < families.size()) {
    unknown += names_.find(families[at++].name) == nullptr ? 1 : 0;
    if (at % kFamiliesPerCheck == 0 && at < families.size() && deadline.passed()) return std::nullopt;
  }
  return unknown != 0 && names_.size() + unknown > values[Limit::kFamilyNames] ? std::optional(Limit::kFamilyNames)
                                                                               : std::nullopt;
}

std::unique_ptr<ShapeRecord> ShapeRegistry::make(uint64_t hash, std::span<const model::ShapeFamily> families) {
  size_t text_bytes = 0;
  for (const model::ShapeFamily& family : families) text_bytes += family.name.size() + family.help.size();
  return std::make_unique<ShapeRecord>(families.size(), text_bytes, next_id_++, hash, writers_);
}

void ShapeRegistry::insert(std::unique_ptr<ShapeRecord> owned) {
  SLUICE_DCHECK(lock_.held());
  SLUICE_CHECK(owned->state() == ShapeState::kDead);
  ShapeRecord* record = owned.get();
  const size_t first = check_ ? 0 : record->size();
  if (check_) record->positions_.reserve(record->size());
  unfinished_.push_back({record, std::move(owned), first});
}

void ShapeRegistry::enter_name(ShapeRecord& record, uint32_t index) {
  const model::ShapeFamily& family = record.family(index);
  NameEntry& entry = names_.find_or_add(family.name);
  if (entry.uses.empty() && !entry.own) entry.type = family.type;
  SLUICE_CHECK(entry.type == family.type);  // the invariant: one type for each name
  record.positions_.push_back(static_cast<uint32_t>(entry.uses.size()));
  entry.uses.push_back({&record, index});
}

void ShapeRegistry::finish_insert(std::unique_ptr<ShapeRecord> owned) {
  ShapeRecord& record = *owned;
  record.index_ = records_.size();
  bytes_ += footprint(record);
  by_hash_.emplace(record.hash(), &record);
  records_.push_back(std::move(owned));
  shapes_.store(records_.size(), std::memory_order_relaxed);  // relaxed: a figure
  record.set_state(ShapeState::kAlive);
}

void ShapeRegistry::contest(ShapeRecord& record) noexcept {
  SLUICE_DCHECK(lock_.held());
  SLUICE_CHECK(record.state() != ShapeState::kDead && &record != empty_);
  record.set_state(ShapeState::kContested);
}

void ShapeRegistry::restore(ShapeRecord& record) noexcept {
  SLUICE_CHECK(record.state() == ShapeState::kContested);
  record.set_state(ShapeState::kAlive);
}

void ShapeRegistry::bury(ShapeRecord& record) noexcept {
  SLUICE_DCHECK(lock_.held());
  SLUICE_DCHECK(record.usage.live_at_most() <= 0);
  std::erase(marked_, &record);
  std::erase(waiting_, &record);
  unregister(record);
  record.set_state(ShapeState::kDead);
  // (4) release read-modify-write, pairs with (3): caches that see it drop what is dead.
  deaths_.fetch_add(1, std::memory_order_release);
}

void ShapeRegistry::unregister(ShapeRecord& record) noexcept {
  const auto [begin, end] = by_hash_.equal_range(record.hash());
  by_hash_.erase(std::find_if(begin, end, [&](const auto& pair) { return pair.second == &record; }));
  bytes_ -= footprint(record);
  const size_t index = record.index_;
  graves_.push_back(std::move(records_[index]));
  if (index + 1 != records_.size()) {
    records_[index] = std::move(records_.back());
    records_[index]->index_ = index;
  }
  records_.pop_back();
  record.index_ = graves_.size() - 1;
  record.grave_token_ = 0;
  shapes_.store(records_.size(), std::memory_order_relaxed);  // relaxed: a figure
  record.leaving_ = check_;
  if (check_) unfinished_.push_back({&record, nullptr, 0});
}

void ShapeRegistry::take_out_name(ShapeRecord& record, uint32_t index) noexcept {
  NameEntry* entry = names_.find(record.family(index).name);
  SLUICE_CHECK(entry != nullptr);
  std::vector<Use>& uses = entry->uses;
  const uint32_t position = record.positions_[index];
  uses[position] = uses.back();
  uses[position].record->positions_[uses[position].family] = position;
  uses.pop_back();
  if (uses.empty() && !entry->own) names_.erase(record.family(index).name);
}

void ShapeRegistry::drop_grave(size_t index) noexcept {
  graves_[index] = std::move(graves_.back());
  graves_.pop_back();
  if (index < graves_.size()) graves_[index]->index_ = index;
}

void ShapeRegistry::mark_idle(size_t count) {
  SLUICE_DCHECK(lock_.held());
  for (size_t i = 0; i < records_.size() && i < count; ++i) {
    mark_cursor_ = mark_cursor_ + 1 < records_.size() ? mark_cursor_ + 1 : 0;
    ShapeRecord& record = *records_[mark_cursor_];
    if (&record == empty_ || record.state() != ShapeState::kAlive || record.usage.wanted()) continue;
    if (record.listed_) continue;  // revived, but still on one of the lists: looked at when that comes up
    record.set_state(ShapeState::kIdle);
    record.listed_ = true;
    marked_.push_back(&record);
  }
}

void ShapeRegistry::bury_waiting() {
  std::vector<ShapeRecord*> waiting;
  waiting.swap(waiting_);
  for (ShapeRecord* record : waiting) {
    record->listed_ = false;
    if (record->state() != ShapeState::kIdle) continue;  // somebody wanted it
    if (record->usage.wanted()) {
      record->set_state(ShapeState::kAlive);
      continue;
    }
    bury(*record);
  }
}

}  // namespace sluice::store
