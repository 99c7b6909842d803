// A part of a snapshot: the groups that fall into the I-th of N parts, for scrapes that are divided among scrapers.
//
// Which part a group is in depends on its canonical key alone: the upper 16 bits of stable_hash(key) are its place, and
// part I has the places p with floor(p * N / 65536) = I. So the parts of one N are disjoint and together the whole,
// and a group stays in its part for as long as it lives and across restarts. Users rely on it: it must never change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/clock.h"
#include "core/store/snapshot.h"

namespace sluice::store {

[[nodiscard]] constexpr uint16_t place_of(uint64_t stable_hash) noexcept {
  return static_cast<uint16_t>(stable_hash >> 48);
}

// `index` < `count` <= limits::kScrapePartsMax.
struct Part {
  uint32_t index = 0;
  uint32_t count = 1;

  [[nodiscard]] constexpr bool is_whole() const noexcept { return count == 1; }
  [[nodiscard]] constexpr bool has(uint16_t place) const noexcept { return (place * count) >> 16 == index; }

  friend bool operator==(const Part&, const Part&) = default;
};

// The buckets of a part: those of the snapshot in its order, each with the groups of the part only, perhaps none.
// Lifetime: the snapshot is held for as long as they are used. Memory: 8 bytes a group of the part, and a bucket for
// each shape of the snapshot. O(groups of the snapshot), about a nanosecond each: versions are not touched. One owner,
// one thread.
class SnapshotPart {
 public:
  // True when done. Every call with the same snapshot and part.
  [[nodiscard]] bool step(const Snapshot& snapshot, Part part, Deadline deadline);
  [[nodiscard]] std::span<const Snapshot::Bucket> buckets() const noexcept { return buckets_; }

 private:
  std::vector<Snapshot::Bucket> buckets_;
  size_t bucket_ = 0;
  size_t chunk_ = 0;
};

}  // namespace sluice::store
