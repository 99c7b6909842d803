#include "parser/series_sort.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sluice::parser {

namespace {

constexpr size_t kKeyBytes = 16;
// Moves of the merge sort that cost as much as one unit.
constexpr uint32_t kMovesPerUnit = 4;
// How far before its use something is fetched: its struct first, then what that points to.
constexpr size_t kMetricDistance = 24;
constexpr size_t kLabelsDistance = 16;
constexpr size_t kValuesDistance = 8;
// Up to so many items with one key are compared.
constexpr size_t kFewTies = 8;

uint64_t big_endian(const char* bytes) noexcept {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return std::endian::native == std::endian::little ? std::byteswap(word) : word;
}

// Bytes at the front of `value` that are those of `first`, at most `most`.
size_t common_prefix(std::string_view first, std::string_view value, size_t most) noexcept {
  const size_t end = std::min(most, value.size());
  if (end >= 8) {
    // Most often all of it is common.
    if (std::memcmp(first.data(), value.data(), end) == 0) return end;
  }
  size_t at = 0;
  while (at != end && first[at] == value[at]) ++at;
  return at;
}

}  // namespace

void SeriesSort::begin(const model::Families& families, uint32_t metrics, size_t slots) {
  families_ = &families;
  slots_.clear();
  slots_.reserve(slots);
  items_.clear();
  items_.reserve(metrics);
  columns_.clear();
  keyed_ = true;
  phase_ = Phase::kKeys;
  cursor_ = 0;
  duplicate_ = model::kNone;
}

void SeriesSort::add(uint32_t metric, const LabelPlan& plan, uint64_t generation) {
  const size_t count = plan.slots.size();
  const uint32_t labels_begin = families_->metrics[metric].labels_begin;
  if (items_.empty() || generation != generation_) {
    keyed_ = items_.empty();
    generation_ = generation;
    slots_.insert(slots_.end(), plan.slots.begin(), plan.slots.end());
    if (keyed_) start_columns(plan, families_->labels.data() + labels_begin);
  } else if (keyed_) {
    narrow_columns(families_->labels.data() + labels_begin);
  }
  items_.push_back({slots_.size() - count, count, metric, labels_begin});
}

void SeriesSort::start_columns(const LabelPlan& plan, const model::LabelPair* labels) {
  for (const LabelPlan::Hole& hole : plan.holes) {
    const std::string_view value = labels[hole.source].value;
    columns_.push_back({hole.source, value, value.size()});
  }
}

void SeriesSort::narrow_columns(const model::LabelPair* labels) noexcept {
  for (Column& column : columns_) {
    const std::string_view value = labels[column.source].value;
    column.common = common_prefix(column.first, value, column.common);
    column.differs = column.differs || value.size() != column.first.size() || column.common != column.first.size();
  }
}

// A value that ends within the key is followed by a NUL, which is less than any byte that another value may have there
// but a NUL: with one of those the order of keys would not be that of values.
bool SeriesSort::make_key(Item& item, size_t skip) const noexcept {
  const model::LabelPair* labels = labels_of(item);
  char key[kKeyBytes] = {};
  size_t used = 0;
  for (const Column& column : columns_) {
    if (!column.differs) continue;
    std::string_view value = labels[column.source].value.substr(column.common);
    if (skip > value.size()) {  // it and the NUL behind it
      skip -= value.size() + 1;
      continue;
    }
    value.remove_prefix(std::exchange(skip, 0));
    const size_t bytes = std::min(value.size(), kKeyBytes - used);
    for (size_t i = 0; i < bytes; ++i) {
      if (value[i] == 0) return false;
      key[used + i] = value[i];
    }
    used += bytes + 1;
    if (used >= kKeyBytes) break;
  }
  item.high = big_endian(key);
  item.low = big_endian(key + 8);
  return true;
}

bool SeriesSort::ends(const Item& item, size_t skip) const noexcept {
  const model::LabelPair* labels = labels_of(item);
  size_t bytes = 0;
  for (const Column& column : columns_) {
    if (column.differs) bytes += labels[column.source].value.size() - column.common + 1;
  }
  return bytes <= skip + kKeyBytes;
}

bool SeriesSort::step(uint32_t units) {
  switch (phase_) {
    case Phase::kKeys:
      make_keys(units);
      break;
    case Phase::kTakeBack:
      take_back(units);
      break;
    case Phase::kSort:
      if (sort(units)) {
        ties_.clear();
        if (keyed_) ties_.push_back({0, items_.size(), 0});
        cursor_ = 0;
        phase_ = Phase::kTies;
      }
      break;
    case Phase::kTies:
      break_ties(units);
      break;
    case Phase::kTieKeys:
      make_tie_keys(units);
      break;
    case Phase::kTieSort:
      if (sort(units)) phase_ = Phase::kTies;
      break;
    case Phase::kDuplicates:
      find_duplicates(units);
      break;
    case Phase::kDone:
      break;
  }
  return phase_ == Phase::kDone;
}

void SeriesSort::make_keys(uint32_t units) {
  for (; keyed_ && cursor_ != items_.size(); ++cursor_) {
    if (units-- == 0) return;
    // What one with a NUL has instead of a key is taken back with the others.
    if (!make_key(items_[cursor_], 0)) {
      keyed_ = false;
      phase_ = Phase::kTakeBack;
      ++cursor_;
      return;
    }
  }
  start_sort();
}

// The first cursor_ items get what they have without keys.
void SeriesSort::take_back(uint32_t units) noexcept {
  for (; cursor_ != 0 && units != 0; --units) {
    --cursor_;
    items_[cursor_].high = 0;
    items_[cursor_].low = slots_.size();
  }
  if (cursor_ == 0) start_sort();
}

void SeriesSort::start_sort() {
  sort_.begin(items_);
  phase_ = Phase::kSort;
}

// By keys alone; without them by comparisons, each of which costs as much as a unit.
bool SeriesSort::sort(uint32_t units) {
  if (!keyed_) return sort_.step(units, [this](const Item& a, const Item& b) { return compare(a, b) < 0; });
  return sort_.step(units * kMovesPerUnit,
                    [](const Item& a, const Item& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; });
}

void SeriesSort::break_ties(uint32_t units) {
  size_t moves = size_t{units} * kMovesPerUnit;
  size_t& last = cursor_;
  while (!ties_.empty()) {
    Tie& tie = ties_.back();
    if (tie.at == tie.end) {
      ties_.pop_back();
      continue;
    }
    for (last = std::max(last, tie.at + 1); last != tie.end && same_key(items_[tie.at], items_[last]); ++last) {
      if (moves == 0) return;
      --moves;
    }
    const size_t first = std::exchange(tie.at, last);
    size_t cost = 1;
    if (last - first > 1) {
      break_tie(first, last);
      if (phase_ != Phase::kTies) return;
      cost = kMovesPerUnit * kFewTies;
    }
    if (moves <= cost) return;
    moves -= cost;
  }
  cursor_ = 1;
  phase_ = Phase::kDuplicates;
}

// Those from `first` to `last` have one key.
void SeriesSort::break_tie(size_t first, size_t last) {
  const size_t skip = ties_.back().skip;
  if (ends(items_[first], skip)) return;  // they are equal
  if (last - first > kFewTies) {
    // Nothing is left of the one before: a long beginning that all have makes no deep stack.
    if (ties_.back().at == ties_.back().end) ties_.pop_back();
    ties_.push_back({first, last, skip + kKeyBytes});
    cursor_ = first;
    phase_ = Phase::kTieKeys;
    return;
  }
  for (size_t i = first + 1; i < last; ++i) {
    const Item item = items_[i];
    size_t to = i;
    for (; to != first && compare(item, items_[to - 1]) < 0; --to) items_[to] = items_[to - 1];
    items_[to] = item;
  }
}

void SeriesSort::make_tie_keys(uint32_t units) {
  const Tie& tie = ties_.back();
  for (; cursor_ != tie.end; ++cursor_) {
    if (units-- == 0) return;
    prefetch_key(cursor_, tie.skip);
    if (!make_key(items_[cursor_], tie.skip)) {
      keyed_ = false;
      phase_ = Phase::kTakeBack;
      cursor_ = items_.size();
      return;
    }
  }
  cursor_ = 0;
  sort_.begin(items_, tie.at, tie.end);
  phase_ = Phase::kTieSort;
}

// The sort is stable: of equal metrics the first in input order comes first and is not the duplicate.
void SeriesSort::find_duplicates(uint32_t units) noexcept {
  units *= kMovesPerUnit;
  for (; cursor_ < items_.size(); ++cursor_) {
    if (units < kMovesPerUnit) return;
    const Item& before = items_[cursor_ - 1];
    const Item& item = items_[cursor_];
    --units;
    if (keyed_ && (before.high != item.high || before.low != item.low)) continue;
    units -= kMovesPerUnit - 1;
    if (compare(before, item) == 0) duplicate_ = std::min(duplicate_, item.metric);
  }
  phase_ = Phase::kDone;
}

int SeriesSort::compare(const Item& a, const Item& b) const noexcept {
  const std::span<const LabelPlan::Slot> left = slots_of(a);
  const std::span<const LabelPlan::Slot> right = slots_of(b);
  if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
  const model::LabelPair* const left_labels = labels_of(a);
  const model::LabelPair* const right_labels = labels_of(b);
  const auto value = [](const LabelPlan::Slot& slot, const model::LabelPair* labels) {
    return slot.source == model::kNone ? slot.fixed_value : labels[slot.source].value;
  };
  for (size_t i = 0; i < left.size(); ++i) {
    const std::string_view one = value(left[i], left_labels);
    const std::string_view other = value(right[i], right_labels);
    // Values of the grouping key are the same bytes everywhere.
    if (one.data() == other.data() && one.size() == other.size()) continue;
    const int order = one.compare(other);
    if (order != 0) return order;
  }
  if (left.data() == right.data()) return 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const int order = left[i].name.compare(right[i].name);
    if (order != 0) return order;
  }
  return 0;
}

// What make_key() reads of the items some positions behind.
void SeriesSort::prefetch_key(size_t position, size_t skip) const noexcept {
  const size_t end = ties_.back().end;
  if (position + kLabelsDistance < end) __builtin_prefetch(labels_of(items_[position + kLabelsDistance]));
  if (position + kValuesDistance >= end) return;
  const std::string_view value = labels_of(items_[position + kValuesDistance])[columns_.front().source].value;
  __builtin_prefetch(value.data() + std::min(value.size(), columns_.front().common + skip));
}

void SeriesSort::prefetch_behind(size_t position) const noexcept {
  const size_t end = items_.size();
  if (position + kMetricDistance < end) __builtin_prefetch(&families_->metrics[metric(position + kMetricDistance)]);
  if (position + kLabelsDistance < end) {
    // A number, because a series without labels has none to point to.
    const auto labels = reinterpret_cast<uintptr_t>(labels_of(items_[position + kLabelsDistance]));
    __builtin_prefetch(reinterpret_cast<const void*>(labels));
    __builtin_prefetch(reinterpret_cast<const void*>(labels + 64));
  }
  if (position + kValuesDistance < end && !columns_.empty()) {
    const model::LabelPair* labels = labels_of(items_[position + kValuesDistance]);
    __builtin_prefetch(labels[columns_.front().source].value.data());
  }
}

}  // namespace sluice::parser
