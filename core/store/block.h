// Blocks: the memory of versions.
//
// A block holds, in this order:
//   Block | Version | table: one pointer to a fragment for each family | shared: Block*[] | label text | fragments
// A version lies at the start of its own block; `shared` lists the blocks of earlier versions in which further
// fragments of its table lie. Every version holds one reference to its own block and one to each shared one; whoever
// gives back the last reference frees the block. So a block lives as long as some version needs a byte of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/check.h"
#include "core/base/slabs.h"
#include "core/model/version.h"
#include "core/model/version_access.h"
#include "core/store/atomics.h"
#include "core/sync/ref_count.h"

namespace sluice::store {

struct alignas(16) Block {
  explicit Block(size_t block_bytes) noexcept : bytes(block_bytes) {}

  [[nodiscard]] bool contains(const std::byte* at) const noexcept {
    const auto* begin = reinterpret_cast<const std::byte*>(this);
    return at >= begin && at < begin + bytes;
  }

  sync::BasicRefCount<Atomics> refs;
  const uint64_t bytes;  // of the whole allocation
};

// Memory for a block, constructed with one reference. Aborts when the system has no memory.
[[nodiscard]] Block* allocate_block(SlabCache& cache, size_t bytes) noexcept;
// Gives one reference back; returns the bytes that were freed, 0 while others hold it. `cache` is the caller's, nullptr
// when the store ends.
size_t release_block(SlabCache* cache, Block* block) noexcept;

[[nodiscard]] inline model::Version* version_of(Block& block) noexcept {
  return reinterpret_cast<model::Version*>(reinterpret_cast<std::byte*>(&block) + sizeof(Block));
}
[[nodiscard]] inline Block* own_block(const model::Version& version) noexcept {
  auto* at = reinterpret_cast<std::byte*>(const_cast<model::Version*>(&version));
  return reinterpret_cast<Block*>(at - sizeof(Block));
}
[[nodiscard]] inline std::span<Block* const> shared_blocks(const model::Version& version) noexcept {
  // The list lies behind the table, in memory that the builder wrote it to as Block*[].
  const std::byte* const* table_end = version.table() + model::VersionAccess::table_size(version);
  const void* list = table_end;
  return {static_cast<Block* const*>(list), model::VersionAccess::shared_blocks(version)};
}

// One more hold on everything that the version consists of, for an operation that keeps it across quiescent points. The
// caller may read it at the moment of the call. Undone by release_version().
void hold_version(const model::Version& version) noexcept;
// Gives the references of a version back (its own, or those of a hold); returns the bytes that were freed.
size_t release_version(SlabCache* cache, const model::Version& version) noexcept;

}  // namespace sluice::store
