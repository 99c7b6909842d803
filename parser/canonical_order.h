// A merge sort that can be interrupted: std::sort of a million series would hold a worker for a tenth of a second.
//
// Stable, bottom-up, n log2 n comparisons. One owner, one thread; scratch is reused. The items belong to the caller and
// are in an unspecified order (but a permutation) until step() returned true.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/model/canonical.h"

namespace sluice::parser {

template <typename Item>
class MergeSortOf {
 public:
  using Items = model::UninitialisedVector<Item>;

  void begin(Items& items) { begin(items, 0, items.size()); }
  // Only those from `first` up to `last`.
  void begin(Items& items, size_t first, size_t last) {
    items_ = &items;
    scratch_.resize(items.size());
    first_ = first;
    last_ = last;
    width_ = 1;
    moved_ = false;
    start_merge(first);
  }

  // Moves at most `moves` items; true when everything is sorted. `less(a, b)` orders two items.
  template <typename Less>
  [[nodiscard]] bool step(uint32_t moves, Less&& less) {
    while (width_ < last_ - first_) {
      const Item* from = (moved_ ? scratch_ : *items_).data();
      Item* to = (moved_ ? *items_ : scratch_).data();
      while (left_ != middle_ && right_ != high_) {
        if (moves == 0) return false;
        --moves;
        // Which one is a coin's toss, so it is chosen without a branch.
        const bool take_right = less(from[right_], from[left_]);
        const Item* const next = take_right ? from + right_ : from + left_;
        right_ += take_right ? 1 : 0;
        left_ += take_right ? 0 : 1;
        to[to_++] = *next;
      }
      if (!copy_rest(from, to, moves)) return false;
      if (high_ != last_) {
        start_merge(high_);
        continue;
      }
      moved_ = !moved_;
      width_ *= 2;
      start_merge(first_);
    }
    return bring_back(moves);
  }

 private:
  // One of both runs has come to its end.
  [[nodiscard]] bool copy_rest(const Item* from, Item* to, uint32_t& moves) noexcept {
    size_t& rest = left_ != middle_ ? left_ : right_;
    const size_t count = std::min<size_t>(moves, high_ - to_);
    std::copy_n(from + rest, count, to + to_);
    rest += count;
    to_ += count;
    moves -= static_cast<uint32_t>(count);
    return to_ == high_;
  }
  void start_merge(size_t low) noexcept {
    left_ = low;
    to_ = low;
    middle_ = std::min(low + width_, last_);
    right_ = middle_;
    high_ = std::min(low + 2 * width_, last_);
  }
  // What is sorted lies in the scratch after an odd number of passes; to_ is where the first of it goes.
  [[nodiscard]] bool bring_back(uint32_t moves) noexcept {
    if (!moved_) return true;
    if (first_ == 0 && last_ == items_->size()) {
      items_->swap(scratch_);
      moved_ = false;
      return true;
    }
    const size_t count = std::min<size_t>(moves, last_ - to_);
    std::copy_n(scratch_.data() + to_, count, items_->data() + to_);
    to_ += count;
    moved_ = to_ != last_;
    return !moved_;
  }

  Items* items_ = nullptr;
  Items scratch_;
  size_t first_ = 0;
  size_t last_ = 0;
  bool moved_ = false;  // the runs are in the scratch
  size_t width_ = 1;    // of a sorted run
  size_t left_ = 0;     // next of the left run
  size_t middle_ = 0;   // end of the left run
  size_t right_ = 0;    // next of the right run
  size_t high_ = 0;     // end of the right run
  size_t to_ = 0;       // next place
};

using MergeSort = MergeSortOf<uint32_t>;

}  // namespace sluice::parser
