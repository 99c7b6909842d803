// A table from hash to index, open addressing, for the lookups of one parse: families by name, series by labels.
//
// Holds no keys: the caller's `equals(index)` compares, always. Hashes must be keyed (keyed_hash), the bytes are
// foreign. clear() costs nothing however large the table has grown: slots carry the generation they belong to. Growing
// is spread over the inserts that follow: the former slots stay beside the new ones until all have moved, so that no
// insert pays for a million others. One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/large_memory.h"
#include "core/model/families.h"

namespace sluice::parser {

class IndexTable {
 public:
  void clear() {
    size_ = 0;
    former_ = {};
    if (++generation_ == 0) {
      slots_ = Slots(slots_.size());
      generation_ = 1;
    }
  }

  // The index whose entry has this hash and for which equals(index) holds, or model::kNone.
  template <typename Equals>
  [[nodiscard]] uint32_t find(uint64_t hash, Equals equals) const {
    if (size_ == 0) return model::kNone;
    const uint32_t index = find_in(slots_, hash, equals);
    if (index != model::kNone || former_.size() == 0) return index;
    return find_in(former_, hash, equals);
  }

  void insert(uint64_t hash, uint32_t index) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place(hash, index);
    ++size_;
    // Twice as many slots are left to move as inserts remain before the next growth; eight finish in good time.
    for (int i = 0; i < 8 && former_.size() != 0; ++i) move_one();
  }

 private:
  struct Slot {
    uint64_t hash;
    uint32_t index;
    uint32_t generation;
  };
  using Slots = ZeroedArray<Slot>;  // a power of two of them, or none

  template <typename Equals>
  [[nodiscard]] uint32_t find_in(const Slots& slots, uint64_t hash, Equals& equals) const {
    const size_t mask = slots.size() - 1;
    for (size_t at = hash & mask; slots[at].generation == generation_; at = (at + 1) & mask) {
      if (slots[at].hash == hash && equals(slots[at].index)) return slots[at].index;
    }
    return model::kNone;
  }

  void place(uint64_t hash, uint32_t index) {
    const size_t mask = slots_.size() - 1;
    size_t at = hash & mask;
    while (slots_[at].generation == generation_) at = (at + 1) & mask;
    slots_[at] = {hash, index, generation_};
  }

  // Copies one former slot; it stays there, since a lookup may pass over it.
  void move_one() {
    const Slot& slot = former_[moved_];
    if (slot.generation == generation_) place(slot.hash, slot.index);
    if (++moved_ == former_.size()) former_ = {};
  }

  void grow() {
    while (former_.size() != 0) move_one();
    Slots larger(slots_.size() == 0 ? 64 : slots_.size() * 2);
    former_ = std::move(slots_);
    slots_ = std::move(larger);
    moved_ = 0;
    if (size_ == 0) former_ = {};
  }

  Slots slots_;   // at most half full
  Slots former_;  // while they move: at most half full, moved_ of them are in slots_ too
  size_t moved_ = 0;
  size_t size_ = 0;
  uint32_t generation_ = 1;
};

}  // namespace sluice::parser
