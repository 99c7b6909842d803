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

  void begin(Items& items) {
    items_ = &items;
    scratch_.resize(items.size());
    width_ = 1;
    start_merge(0);
  }

  // Moves at most `moves` items; true when everything is sorted. `less(a, b)` orders two items.
  template <typename Less>
  [[nodiscard]] bool step(uint32_t moves, Less&& less) {
    const size_t size = items_->size();
    while (width_ < size) {
      const Item* from = items_->data();
      Item* to = scratch_.data();
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
      if (!copy_rest(moves)) return false;
      if (high_ != size) {
        start_merge(high_);
        continue;
      }
      items_->swap(scratch_);
      width_ *= 2;
      start_merge(0);
    }
    return true;
  }

 private:
  // One of both runs has come to its end.
  [[nodiscard]] bool copy_rest(uint32_t& moves) noexcept {
    size_t& rest = left_ != middle_ ? left_ : right_;
    const size_t count = std::min<size_t>(moves, high_ - to_);
    std::copy_n(items_->data() + rest, count, scratch_.data() + to_);
    rest += count;
    to_ += count;
    moves -= static_cast<uint32_t>(count);
    return to_ == high_;
  }
  void start_merge(size_t low) noexcept {
    const size_t size = items_->size();
    left_ = low;
    to_ = low;
    middle_ = std::min(low + width_, size);
    right_ = middle_;
    high_ = std::min(low + 2 * width_, size);
  }

  Items* items_ = nullptr;
  Items scratch_;
  size_t width_ = 1;   // of a sorted run
  size_t left_ = 0;    // next of the left run
  size_t middle_ = 0;  // end of the left run
  size_t right_ = 0;   // next of the right run
  size_t high_ = 0;    // end of the right run
  size_t to_ = 0;      // next place
};

using MergeSort = MergeSortOf<uint32_t>;

}  // namespace sluice::parser
