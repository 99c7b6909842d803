// One writer's memory of shapes that it has seen, so that a push whose families are known takes no lock.
//
// Owner thread only. A cached shape stays in memory, alive or dead (ShapeUsage::set_cached); dead ones are dropped when
// the registry has counted a death since the last look. Bounded: when full it starts anew.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>

#include "core/model/shape.h"
#include "core/store/shape_registry.h"

namespace sluice::store {

class ShapeCache {
 public:
  ShapeCache(ShapeRegistry& registry, unsigned writer) noexcept : registry_(registry), writer_(writer) {}
  ~ShapeCache() { clear(); }
  ShapeCache(const ShapeCache&) = delete;
  ShapeCache& operator=(const ShapeCache&) = delete;

  // The shape with this hash, dead or alive, or nullptr. The caller compares the families.
  [[nodiscard]] ShapeRecord* find(uint64_t hash) noexcept;
  // Remembers a shape that the caller holds.
  void add(ShapeRecord& record);
  void drop_dead() noexcept;
  void clear() noexcept;

  // `shape` has exactly the families of the pushes that are named `list` (CanonicalPush::list).
  void note_list(uint64_t list, const model::Shape& shape) noexcept {
    if (list != 0) lists_[list % kLists] = {list, shape.id()};
  }
  // Whether that was noted, and not forgotten.
  [[nodiscard]] bool has_list(uint64_t list, const model::Shape& shape) const noexcept {
    const KnownList& known = lists_[list % kLists];
    return list != 0 && known.list == list && known.shape == shape.id();
  }

 private:
  static constexpr size_t kShapesMax = 1024;  // real fleets have tens; beyond it the registry is asked
  static constexpr size_t kLists = 64;        // of two with one place the later stays

  struct KnownList {
    uint64_t list = 0;
    uint64_t shape = 0;  // id: neither is ever used again
  };

  ShapeRegistry& registry_;
  const unsigned writer_;
  uint64_t deaths_seen_ = 0;
  std::unordered_map<uint64_t, ShapeRecord*> shapes_;  // by hash: of two with one hash the later stays
  std::array<KnownList, kLists> lists_;
};

}  // namespace sluice::store
