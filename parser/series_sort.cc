#include "parser/series_sort.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace sluice::parser {

namespace {

constexpr size_t kKeyBytes = 16;
// Moves of the merge sort that cost as much as one unit.
constexpr uint32_t kMovesPerUnit = 4;
// How far before its use something is fetched: its struct first, then what that points to.
constexpr size_t kMetricDistance = 24;
constexpr size_t kLabelsDistance = 16;
constexpr size_t kValuesDistance = 8;

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
bool SeriesSort::make_key(Item& item) const noexcept {
  const model::LabelPair* labels = labels_of(item);
  char key[kKeyBytes] = {};
  size_t used = 0;
  for (const Column& column : columns_) {
    if (!column.differs) continue;
    const std::string_view value = labels[column.source].value.substr(column.common);
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

bool SeriesSort::step(uint32_t units) {
  switch (phase_) {
    case Phase::kKeys:
      make_keys(units);
      break;
    case Phase::kTakeBack:
      for (; cursor_ != 0 && units != 0; --units) {
        --cursor_;
        items_[cursor_].high = 0;
        items_[cursor_].low = slots_.size();
      }
      if (cursor_ == 0) start_sort();
      break;
    case Phase::kSort: {
      // A full comparison costs as much as a unit.
      const bool done =
          keyed_ ? sort_.step(units * kMovesPerUnit, [this](const Item& a, const Item& b) { return less(a, b); })
                 : sort_.step(units, [this](const Item& a, const Item& b) { return compare(a, b) < 0; });
      cursor_ = 1;
      if (done) phase_ = Phase::kDuplicates;
      break;
    }
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
    if (!make_key(items_[cursor_])) {
      keyed_ = false;
      phase_ = Phase::kTakeBack;
      ++cursor_;
      return;
    }
  }
  start_sort();
}

void SeriesSort::start_sort() {
  sort_.begin(items_);
  phase_ = Phase::kSort;
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
