// A table from hash to index, open addressing, for the lookups of one parse: families by name, series by labels.
//
// Holds no keys: the caller's `equals(index)` compares, always. Hashes must be keyed (keyed_hash), the bytes are
// foreign. clear() costs nothing however large the table has grown: slots carry the generation they belong to.
// One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/families.h"

namespace sluice::parser {

class IndexTable {
 public:
  void clear() {
    size_ = 0;
    if (++generation_ == 0) {
      slots_.assign(slots_.size(), Slot{});
      generation_ = 1;
    }
  }

  // The index whose entry has this hash and for which equals(index) holds, or model::kNone.
  template <typename Equals>
  [[nodiscard]] uint32_t find(uint64_t hash, Equals equals) const {
    if (size_ == 0) return model::kNone;
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask; slots_[at].generation == generation_; at = (at + 1) & mask) {
      if (slots_[at].hash == hash && equals(slots_[at].index)) return slots_[at].index;
    }
    return model::kNone;
  }

  void insert(uint64_t hash, uint32_t index) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place(slots_, hash, index);
    ++size_;
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t index = 0;
    uint32_t generation = 0;
  };

  void place(std::vector<Slot>& slots, uint64_t hash, uint32_t index) const {
    const size_t mask = slots.size() - 1;
    size_t at = hash & mask;
    while (slots[at].generation == generation_) at = (at + 1) & mask;
    slots[at] = {hash, index, generation_};
  }

  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 64 : slots_.size() * 2);
    for (const Slot& slot : slots_) {
      if (slot.generation == generation_) place(larger, slot.hash, slot.index);
    }
    slots_.swap(larger);
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t size_ = 0;
  uint32_t generation_ = 1;
};

}  // namespace sluice::parser
