// What a group consists of after a push: the push's families merged with those of the version that it replaces.
//
// PUT keeps none of the old families, POST those of other names. The result lists families in name order with the place
// that each one's fragment comes from. Reused from push to push; views point into the push and the base version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/clock.h"
#include "core/base/large_memory.h"
#include "core/model/canonical.h"
#include "core/model/version.h"

namespace sluice::store {

class FamilyMerge {
 public:
  // `base` is nullptr for a group that does not exist. Both must stay valid until the next start().
  void start(const model::Version* base, const model::CanonicalPush& push, bool replace) noexcept;
  // The same when the push is known to have the families of the base's shape, no more and no fewer: nothing is left to
  // be merged.
  void start_same(const model::Version& base, const model::CanonicalPush& push);
  // False: the slice is used up.
  [[nodiscard]] bool step(Deadline deadline);

  [[nodiscard]] std::span<const model::ShapeFamily> families() const noexcept {
    return known_ ? base_->shape().families() : std::span<const model::ShapeFamily>(families_);
  }
  // For each family, nonzero if it is the push's.
  [[nodiscard]] std::span<const uint8_t> pushed() const noexcept { return pushed_; }
  // For each family, its fragment: in the base version, or in the push.
  [[nodiscard]] std::span<const std::byte* const> fragments() const noexcept { return fragments_; }
  // For each family, its index in the push; kNone for a kept one.
  [[nodiscard]] uint32_t push_index(size_t family) const noexcept { return push_indices_[family]; }
  [[nodiscard]] size_t kept() const noexcept { return families().size() - push_at_; }
  // The list equals that of the base's shape.
  [[nodiscard]] bool same_as_base() const noexcept {
    return same_ && base_ != nullptr && families().size() == base_count_;
  }
  // It has a family name that the base does not have.
  [[nodiscard]] bool grows() const noexcept { return grows_; }
  [[nodiscard]] bool more_families_than_base() const noexcept { return families().size() > base_count_; }

 private:
  void add_pushed();
  void add_kept();
  void compare_last() noexcept;

  const model::Version* base_ = nullptr;
  const model::CanonicalPush* push_ = nullptr;
  bool replace_ = false;
  bool known_ = false;  // by start_same()
  size_t base_count_ = 0;
  size_t push_at_ = 0;
  size_t base_at_ = 0;
  bool same_ = true;
  bool grows_ = false;
  LargeVector<model::ShapeFamily> families_;
  LargeVector<uint8_t> pushed_;
  LargeVector<const std::byte*> fragments_;
  LargeVector<uint32_t> push_indices_;
};

}  // namespace sluice::store
