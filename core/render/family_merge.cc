#include "core/render/family_merge.h"

#include <algorithm>

#include "core/base/check.h"

namespace sluice::render {

void FamilyMerge::begin(std::span<const Bucket> buckets) {
  buckets_ = buckets;
  heap_.clear();
  heap_.reserve(buckets.size());
  added_ = 0;
}

bool FamilyMerge::add(size_t shapes) {
  for (; shapes != 0 && added_ != buckets_.size(); --shapes, ++added_) {
    if (buckets_[added_].shape->size() != 0) push({static_cast<uint32_t>(added_), 0});
  }
  return added_ == buckets_.size();
}

FamilyMember FamilyMerge::pop() {
  SLUICE_DCHECK(!heap_.empty());
  const FamilyMember member = heap_.front();
  std::ranges::pop_heap(heap_, [this](FamilyMember a, FamilyMember b) { return after(a, b); });
  heap_.pop_back();
  if (member.family + 1 < buckets_[member.bucket].shape->size()) push({member.bucket, member.family + 1});
  return member;
}

void FamilyMerge::push(FamilyMember member) {
  heap_.push_back(member);
  std::ranges::push_heap(heap_, [this](FamilyMember a, FamilyMember b) { return after(a, b); });
}

}  // namespace sluice::render
