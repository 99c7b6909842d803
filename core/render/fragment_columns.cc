#include "core/render/fragment_columns.h"

#include <algorithm>

#include "core/base/check.h"

namespace sluice::render {
namespace {

// Addresses that fit into a cache line.
constexpr uint32_t kColumnsMax = 8;
constexpr size_t kGroupsMin = 256;
constexpr size_t kTablesAhead = 16;
constexpr size_t kTablesPerUnit = 4;

}  // namespace

bool FragmentColumns::pays(const Bucket& bucket) noexcept {
  return bucket.groups >= kGroupsMin && bucket.shape->size() > 1;
}

void FragmentColumns::start(const Bucket& bucket, uint32_t family) {
  groups_ = bucket.groups;
  first_ = family;
  columns_ = std::min(kColumnsMax, static_cast<uint32_t>(bucket.shape->size()) - family);
  addresses_.resize(groups_ * columns_);
  done_ = 0;
  chunk_ = 0;
  index_ = 0;
}

void FragmentColumns::read_table(const std::byte* const* table) {
  const std::byte** to = addresses_.data() + done_;
  for (uint32_t i = 0; i < columns_; ++i, to += groups_) *to = table[first_ + i];
  ++done_;
}

bool FragmentColumns::load(const Bucket& bucket, uint32_t family, uint32_t& work, uint32_t work_max) {
  if (groups_ == 0 || family >= first_ + columns_) start(bucket, family);
  SLUICE_DCHECK(family >= first_);
  for (; done_ != groups_; ++chunk_, index_ = 0) {
    const store::Snapshot::Chunk& chunk = bucket.chunks[chunk_];
    while (index_ != chunk.size()) {
      if (work >= work_max) return false;
      const size_t end = std::min(index_ + kTablesPerUnit, chunk.size());
      for (; index_ != end; ++index_) {
        if (index_ + kTablesAhead < chunk.size()) {
          const std::byte* const* ahead = chunk[index_ + kTablesAhead]->table() + first_;
          __builtin_prefetch(ahead);
          __builtin_prefetch(ahead + columns_ - 1);
        }
        read_table(chunk[index_]->table());
      }
      ++work;
    }
  }
  return true;
}

std::span<const std::byte* const> FragmentColumns::column(uint32_t family) const noexcept {
  return {addresses_.data() + (family - first_) * groups_, groups_};
}

}  // namespace sluice::render
