#include "core/store/block.h"

#include <cstdlib>
#include <new>

#include "core/base/large_memory.h"

namespace sluice::store {

Block* allocate_block(size_t bytes) noexcept {
  void* memory = bytes < kLargeBytes ? std::malloc(bytes) : allocate_large_again(bytes);
  SLUICE_CHECK(memory != nullptr);
  return new (memory) Block(bytes);
}

size_t release_block(Block* block) noexcept {
  // A holder that is alone needs no locked instruction: nobody can gain a reference but through it.
  if (!block->refs.unique() && !block->refs.release()) return 0;
  const size_t bytes = block->bytes;
  if (bytes < kLargeBytes) {
    std::free(block);
  } else {
    release_large_again(block, bytes);
  }
  return bytes;
}

void hold_version(const model::Version& version) noexcept {
  for (Block* block : shared_blocks(version)) block->refs.add();
  own_block(version)->refs.add();
}

size_t release_version(const model::Version& version) noexcept {
  size_t freed = 0;
  for (Block* block : shared_blocks(version)) freed += release_block(block);
  return freed + release_block(own_block(version));  // last: the list above lies in it
}

}  // namespace sluice::store
