// The series of one family in canonical order: by number of labels, then their values, then their names.
//
// A comparison of two series walks their labels and touches both texts, which are wherever the body has them: for
// 15,000 series that is most of what a push costs. When all series have the same label names, as they almost always do,
// two passes over them make a key of 16 bytes for each: the values that are not the same in all series, each without
// the beginning that all have in common, one behind the other. The keys are sorted in place. Where a few are equal the
// labels are compared; many get keys anew, of the 16 bytes behind, and so on: values that begin with one of some long
// prefixes cost what reading them costs, not a comparison of all of it for each step of the sort.
//
// A resumable machine: begin(), add() for every metric in input order, step() until it says so. Metrics, labels and
// plans must outlive it, but for the last plan, which is copied. One owner, one thread; scratch is reused.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/large_memory.h"
#include "core/model/families.h"
#include "parser/canonical_labels.h"
#include "parser/canonical_order.h"

namespace sluice::parser {

class SeriesSort {
 public:
  // Room for `metrics` series is taken at once, and, should their label names differ, for `slots` labels of plans:
  // growing a large vector on the way would copy it in one uninterrupted piece.
  void begin(const model::Families& families, uint32_t metrics, size_t slots);
  // `plan` is the metric's, `generation` its number (LabelPlans).
  void add(uint32_t metric, const LabelPlan& plan, uint64_t generation);
  // Some 50 ns for each of `units`; true when everything is sorted.
  [[nodiscard]] bool step(uint32_t units);

  // After that.
  [[nodiscard]] size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] uint32_t metric(size_t position) const noexcept { return items_[position].metric; }
  // The first metric in input order that repeats an earlier one; kNone when there is none.
  [[nodiscard]] uint32_t duplicate() const noexcept { return duplicate_; }
  // Fetches what will be read of the metrics some positions behind `position`.
  void prefetch_behind(size_t position) const noexcept;

 private:
  enum class Phase : uint8_t { kKeys, kTakeBack, kSort, kTies, kTieKeys, kTieSort, kDuplicates, kDone };

  struct Item {
    uint64_t high;  // the key, big-endian; without keys where the plan's slots begin in slots_
    uint64_t low;   // and how many they are
    uint32_t metric;
    uint32_t labels_begin;  // of the metric
  };
  // Items that had one key, in the order of the next: from `at` on it is to be seen which of them have one again.
  struct Tie {
    size_t at;
    size_t end;
    size_t skip;  // bytes of the values before those of the key
  };
  // A label whose value comes from the metric.
  struct Column {
    uint32_t source;         // among the metric's labels
    std::string_view first;  // value in the first series
    size_t common;           // bytes of `first` that every value begins with
    bool differs = false;    // not the same in all series
  };

  void start_columns(const LabelPlan& plan, const model::LabelPair* labels);
  void narrow_columns(const model::LabelPair* labels) noexcept;
  // Of what is behind `skip` bytes. False when the item can have none.
  [[nodiscard]] bool make_key(Item& item, size_t skip) const noexcept;
  [[nodiscard]] static bool same_key(const Item& a, const Item& b) noexcept {
    return a.high == b.high && a.low == b.low;
  }
  // Whether the key behind `skip` bytes holds the end of the last value.
  [[nodiscard]] bool ends(const Item& item, size_t skip) const noexcept;
  void make_keys(uint32_t units);
  void take_back(uint32_t units) noexcept;
  void start_sort();
  [[nodiscard]] bool sort(uint32_t units);
  void break_ties(uint32_t units);
  void break_tie(size_t first, size_t last);
  void make_tie_keys(uint32_t units);
  void prefetch_key(size_t position, size_t skip) const noexcept;
  void find_duplicates(uint32_t units) noexcept;
  [[nodiscard]] int compare(const Item& a, const Item& b) const noexcept;
  [[nodiscard]] std::span<const LabelPlan::Slot> slots_of(const Item& item) const noexcept {
    if (keyed_) return slots_;
    return {slots_.data() + item.high, static_cast<size_t>(item.low)};
  }
  [[nodiscard]] const model::LabelPair* labels_of(const Item& item) const noexcept {
    return families_->labels.data() + item.labels_begin;
  }

  const model::Families* families_ = nullptr;
  LargeVector<LabelPlan::Slot> slots_;  // of all plans that occurred, in order
  uint64_t generation_ = 0;             // of the last of them
  bool keyed_ = true;                   // there was one only, and no value has a NUL where a key ends it with one
  std::vector<Column> columns_;
  MergeSortOf<Item>::Items items_;
  MergeSortOf<Item> sort_;
  std::vector<Tie> ties_;  // each within the one before
  Phase phase_ = Phase::kDone;
  size_t cursor_ = 0;
  uint32_t duplicate_ = model::kNone;
};

}  // namespace sluice::parser
