// How often a shape is used, counted without a shared line: one cell for each writer, each cell written by its writer
// only, all numbers only ever grow.
//
// published / unpublished: group versions that became and stopped being current. created / freed: versions (and
//   operations) that point to the shape. A push that keeps its group's shape touches neither of the first two.
// claimed / unclaimed: operations that are going to publish a version with it; between the two the collector leaves it
//   alone.
// Reading two sums that grow makes exact statements possible although no moment sees all cells at once:
//   live_at_least(): reads `published` first, `unpublished` second. The result was not too high between the two reads.
//   live_at_most(): the other way round. The result was not too low.
// A version is counted as published just after it is published and as unpublished just after it was replaced, in the
// same step: after a grace period, what was going on before it has been counted.
#pragma once

#include <cstdint>
#include <memory>

#include "core/store/atomics.h"

namespace sluice::store {

class ShapeUsage {
 public:
  explicit ShapeUsage(unsigned writers) : cells_(std::make_unique<Cell[]>(writers)), writers_(writers) {}

  void count_published(unsigned writer) noexcept { grow(cells_[writer].published); }
  void count_unpublished(unsigned writer) noexcept { grow(cells_[writer].unpublished); }
  void count_created(unsigned writer) noexcept { grow(cells_[writer].created); }
  // Both while the writer holds a reference; after a publication, count_published() comes before count_unclaimed().
  void count_claimed(unsigned writer) noexcept { grow(cells_[writer].claimed); }
  void count_unclaimed(unsigned writer) noexcept { grow(cells_[writer].unclaimed); }
  // The writer does not touch the shape afterwards.
  void count_freed(unsigned writer) noexcept { grow(cells_[writer].freed); }

  // This writer's cache holds the shape; it stays in memory meanwhile.
  void set_cached(unsigned writer, bool cached) noexcept {
    // (3) release store, pairs with the acquire load in unused(): the writer's last look at the shape comes before it.
    cells_[writer].cached.store(cached ? 1 : 0, std::memory_order_release);
  }

  [[nodiscard]] int64_t live_at_least() const noexcept {
    const uint64_t published = sum(&Cell::published);
    return static_cast<int64_t>(published - sum(&Cell::unpublished));
  }
  [[nodiscard]] int64_t live_at_most() const noexcept {
    const uint64_t unpublished = sum(&Cell::unpublished);
    return static_cast<int64_t>(sum(&Cell::published) - unpublished);
  }
  // Current or about to be, possibly: nothing for the collector.
  [[nodiscard]] bool wanted() const noexcept {
    const uint64_t unclaimed = sum(&Cell::unclaimed);
    return sum(&Cell::claimed) != unclaimed || live_at_most() > 0;
  }
  // For a shape that nobody can newly refer to: no version, operation or cache points to it any more.
  [[nodiscard]] bool unused() const noexcept {
    const uint64_t freed = sum(&Cell::freed);
    return sum(&Cell::created) == freed && sum(&Cell::cached) == 0;
  }

 private:
  struct alignas(sync::kCacheLineBytes) Cell {
    Atomic<uint64_t> published{0};
    Atomic<uint64_t> unpublished{0};
    Atomic<uint64_t> claimed{0};
    Atomic<uint64_t> unclaimed{0};
    Atomic<uint64_t> created{0};
    Atomic<uint64_t> freed{0};
    Atomic<uint64_t> cached{0};
  };

  static void grow(Atomic<uint64_t>& number) noexcept {
    // (1) release store by the only writer, pairs with the acquire (2): what was done before counting is seen by
    // whoever sees the count. The load is relaxed: it reads this thread's own store.
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  [[nodiscard]] uint64_t sum(Atomic<uint64_t> Cell::* number) const noexcept {
    uint64_t total = 0;
    // (2) acquire loads, pair with (1); they also keep the second sum behind the first.
    for (unsigned i = 0; i < writers_; ++i) total += (cells_[i].*number).load(std::memory_order_acquire);
    return total;
  }

  std::unique_ptr<Cell[]> cells_;
  unsigned writers_;
};

}  // namespace sluice::store
