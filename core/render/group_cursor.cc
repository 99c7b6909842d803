#include "core/render/group_cursor.h"

namespace sluice::render {

namespace {

constexpr size_t kVersionAhead = 16;
constexpr size_t kFragmentAhead = 8;

void prefetch_version(const model::Version* version, uint32_t family) noexcept {
  const char* at = reinterpret_cast<const char*>(version);
  __builtin_prefetch(at);
  // The table of fragments usually follows the version; where it does not, a prefetch does no harm.
  __builtin_prefetch(at + sizeof(model::Version) + family * sizeof(void*));
}

void prefetch_fragment(const model::Version* version, uint32_t family) noexcept {
  const std::byte* at = version->fragment(family).address();
  __builtin_prefetch(at);
  __builtin_prefetch(at + 64);
  __builtin_prefetch(at + 128);
}

}  // namespace

void GroupCursor::begin(std::span<const store::Snapshot::Bucket> buckets, std::span<const FamilyMember> members) {
  buckets_ = buckets;
  members_ = members;
  all_ = false;
  members_total_ = members.size();
  member_ = 0;
  chunk_ = 0;
  index_ = 0;
}

void GroupCursor::begin_all(std::span<const store::Snapshot::Bucket> buckets) {
  begin(buckets, {});
  all_ = true;
  members_total_ = buckets.size();
}

const model::Version* GroupCursor::next(uint32_t& work, uint32_t work_max) {
  while (member_ != members_total_ && work < work_max) {
    const auto& chunks = buckets_[all_ ? member_ : members_[member_].bucket].chunks;
    family_ = all_ ? 0 : members_[member_].family;
    if (chunk_ == chunks.size()) {
      ++member_;
      chunk_ = 0;
      ++work;
      continue;
    }
    const store::Snapshot::Chunk& chunk = chunks[chunk_];
    const size_t at = index_++;
    if (at + kVersionAhead < chunk.size()) prefetch_version(chunk[at + kVersionAhead], family_);
    if (!all_ && at + kFragmentAhead < chunk.size()) prefetch_fragment(chunk[at + kFragmentAhead], family_);
    if (index_ == chunk.size()) {
      ++chunk_;
      index_ = 0;
    }
    ++work;
    return chunk[at];
  }
  return nullptr;
}

}  // namespace sluice::render
