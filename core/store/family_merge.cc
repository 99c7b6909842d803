#include "core/store/family_merge.h"

#include "core/base/check.h"

namespace sluice::store {
namespace {

constexpr size_t kFamiliesPerCheck = 64;  // about 4 us of string compares

}  // namespace

void FamilyMerge::start(const model::Version* base, const model::CanonicalPush& push, bool replace) noexcept {
  base_ = base;
  push_ = &push;
  replace_ = replace;
  known_ = false;
  base_count_ = base != nullptr ? base->shape().size() : 0;
  push_at_ = 0;
  base_at_ = 0;
  same_ = true;
  grows_ = false;
  families_.clear();
  pushed_.clear();
  fragments_.clear();
  push_indices_.clear();
  const size_t most = push.families.size() + (replace ? 0 : base_count_);
  families_.reserve(most);
  pushed_.reserve(most);
  fragments_.reserve(most);
  push_indices_.reserve(most);
}

void FamilyMerge::start_same(const model::Version& base, const model::CanonicalPush& push) {
  const size_t count = push.families.size();
  SLUICE_DCHECK(count == base.shape().size());
  base_ = &base;
  push_ = &push;
  known_ = true;
  base_count_ = base_at_ = push_at_ = count;
  same_ = true;
  grows_ = false;
  pushed_.assign(count, 1);
  fragments_.resize(count);
  push_indices_.resize(count);
  for (size_t index = 0; index < count; ++index) {
    SLUICE_DCHECK(push.families[index].name == base.shape().family(index).name);
    fragments_[index] = push.bytes() + push.families[index].fragment_at;
    push_indices_[index] = static_cast<uint32_t>(index);
  }
}

bool FamilyMerge::step(Deadline deadline) {
  size_t done = 0;
  while (push_at_ < push_->families.size() || base_at_ < base_count_) {
    if (++done % kFamiliesPerCheck == 0 && deadline.passed()) return false;
    if (push_at_ == push_->families.size()) {
      add_kept();
      continue;
    }
    if (base_at_ == base_count_) {
      grows_ = true;
      add_pushed();
      continue;
    }
    const int order = push_->families[push_at_].name.compare(base_->shape().family(base_at_).name);
    if (order > 0) {
      add_kept();
      continue;
    }
    if (order == 0) {
      ++base_at_;
    } else {
      grows_ = true;
    }
    add_pushed();
  }
  return true;
}

void FamilyMerge::add_pushed() {
  const model::CanonicalFamily& family = push_->families[push_at_];
  SLUICE_DCHECK(families_.empty() || families_.back().name < family.name);
  families_.push_back({family.name, family.help, family.has_help, family.type});
  pushed_.push_back(1);
  fragments_.push_back(push_->bytes() + family.fragment_at);
  push_indices_.push_back(static_cast<uint32_t>(push_at_));
  ++push_at_;
  compare_last();
}

void FamilyMerge::add_kept() {
  const size_t index = base_at_++;
  if (replace_) return;
  families_.push_back(base_->shape().family(index));
  pushed_.push_back(0);
  fragments_.push_back(base_->fragment(index).address());
  push_indices_.push_back(model::kNone);
  compare_last();
}

void FamilyMerge::compare_last() noexcept {
  const size_t last = families_.size() - 1;
  if (same_) same_ = last < base_count_ && families_[last] == base_->shape().family(last);
}

}  // namespace sluice::store
