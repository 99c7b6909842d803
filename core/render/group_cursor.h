// The versions of a snapshot that have a family, one after the other.
//
// One owner, one thread; the buckets are the snapshot's. Memory is asked for ahead: a miss costs about 100 ns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/version.h"
#include "core/render/family_merge.h"
#include "core/store/snapshot.h"

namespace sluice::render {

class GroupCursor {
 public:
  // Versions of the members' buckets, with the index of the family in them.
  void begin(std::span<const store::Snapshot::Bucket> buckets, std::span<const FamilyMember> members);
  // All versions of all buckets; for those without families index 0 means nothing.
  void begin_all(std::span<const store::Snapshot::Bucket> buckets);

  // nullptr at the end, and when `work` has come to `work_max` while empty buckets were passed over.
  [[nodiscard]] const model::Version* next(uint32_t& work, uint32_t work_max);
  [[nodiscard]] bool at_end() const noexcept { return member_ == members_total_; }
  // Of the version that next() returned.
  [[nodiscard]] uint32_t family() const noexcept { return family_; }

 private:
  std::span<const store::Snapshot::Bucket> buckets_;
  std::span<const FamilyMember> members_;
  bool all_ = false;
  size_t members_total_ = 0;
  size_t member_ = 0;
  size_t chunk_ = 0;
  size_t index_ = 0;
  uint32_t family_ = 0;
};

}  // namespace sluice::render
