// The families of all shapes of a snapshot in name order, one name at a time.
//
// A heap of one cursor for each shape: shapes are few beside groups (one for each kind of job), so the scrape can begin
// to send the first family without having sorted all names. O(log shapes) for each family of a shape.
// One owner, one thread; the buckets are the snapshot's and must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/shape.h"
#include "core/store/snapshot.h"

namespace sluice::render {

// Family `family` of the shape of bucket `bucket`.
struct FamilyMember {
  uint32_t bucket = 0;
  uint32_t family = 0;
};

class FamilyMerge {
 public:
  using Bucket = store::Snapshot::Bucket;

  void begin(std::span<const Bucket> buckets);
  // Adds up to `shapes` more shapes to the heap; true when all are in. Nothing else may be called before.
  [[nodiscard]] bool add(size_t shapes);

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  // The smallest name left; not when empty().
  [[nodiscard]] std::string_view name() const { return name_of(heap_.front()); }
  // Removes one shape's family of the smallest name.
  [[nodiscard]] FamilyMember pop();

  [[nodiscard]] const model::ShapeFamily& family(FamilyMember member) const {
    return buckets_[member.bucket].shape->family(member.family);
  }

 private:
  [[nodiscard]] std::string_view name_of(FamilyMember member) const { return family(member).name; }
  // Ties in the order of the buckets, so that what wins among equals is stable.
  [[nodiscard]] bool after(FamilyMember a, FamilyMember b) const {
    const int order = name_of(a).compare(name_of(b));
    return order != 0 ? order > 0 : a.bucket > b.bucket;
  }
  void push(FamilyMember member);

  std::span<const Bucket> buckets_;
  std::vector<FamilyMember> heap_;
  size_t added_ = 0;
};

}  // namespace sluice::render
