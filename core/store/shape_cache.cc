#include "core/store/shape_cache.h"

namespace sluice::store {

ShapeRecord* ShapeCache::find(uint64_t hash) noexcept {
  if (registry_.deaths() != deaths_seen_) drop_dead();
  const auto at = shapes_.find(hash);
  return at == shapes_.end() ? nullptr : at->second;
}

void ShapeCache::add(ShapeRecord& record) {
  if (shapes_.size() >= kShapesMax) clear();
  const auto [at, inserted] = shapes_.try_emplace(record.hash(), &record);
  if (!inserted) {
    if (at->second == &record) return;
    at->second->usage.set_cached(writer_, false);
    at->second = &record;
  }
  record.usage.set_cached(writer_, true);
}

void ShapeCache::drop_dead() noexcept {
  deaths_seen_ = registry_.deaths();
  std::erase_if(shapes_, [this](const auto& entry) {
    if (entry.second->state() != ShapeState::kDead) return false;
    entry.second->usage.set_cached(writer_, false);
    return true;
  });
}

void ShapeCache::clear() noexcept {
  for (const auto& entry : shapes_) entry.second->usage.set_cached(writer_, false);
  shapes_.clear();
}

}  // namespace sluice::store
