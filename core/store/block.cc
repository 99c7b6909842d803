#include "core/store/block.h"

#include <new>

namespace sluice::store {

Block* allocate_block(SlabCache& cache, size_t bytes) noexcept { return new (cache.allocate(bytes)) Block(bytes); }

size_t release_block(SlabCache* cache, Block* block) noexcept {
  // A holder that is alone needs no locked instruction: nobody can gain a reference but through it.
  if (!block->refs.unique() && !block->refs.release()) return 0;
  const size_t bytes = block->bytes;
  if (cache != nullptr) {
    cache->free(block, bytes);
  } else {
    SlabCache::free_at_end(block, bytes);
  }
  return bytes;
}

void hold_version(const model::Version& version) noexcept {
  for (Block* block : shared_blocks(version)) block->refs.add();
  own_block(version)->refs.add();
}

size_t release_version(SlabCache* cache, const model::Version& version) noexcept {
  size_t freed = 0;
  for (Block* block : shared_blocks(version)) freed += release_block(cache, block);
  return freed + release_block(cache, own_block(version));  // last: the list above lies in it
}

}  // namespace sluice::store
