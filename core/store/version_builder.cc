#include "core/store/version_builder.h"

#include <algorithm>
#include <cstring>

#include "core/base/limits.h"
#include "core/model/version_access.h"

namespace sluice::store {
namespace {

using model::VersionAccess;

constexpr size_t kBytesPerCheck = 16 * 1024;  // about 2 us of copying, more with the pages that it touches
constexpr size_t kFamiliesPerCheck = 64;

constexpr size_t padded(size_t bytes) noexcept { return (bytes + 7) & ~size_t{7}; }

}  // namespace

void VersionBuilder::start(const model::Version* base, const model::CanonicalPush& push, const FamilyMerge& merge,
                           const model::Shape& shape, std::string_view label_text, int64_t push_time_ns) {
  discard();
  SLUICE_DCHECK(merge.families().size() == shape.size());
  base_ = base;
  push_ = &push;
  merge_ = &merge;
  shape_ = &shape;
  label_text_ = label_text;
  push_time_ns_ = push_time_ns;
  at_ = 0;
  shared_count_ = 0;
  copy_bytes_ = 0;
  series_ = 0;
  samples_ = 0;
  fragment_bytes_ = 0;
  kept_blocks_.clear();
  block_of_family_.clear();
  if (merge.kept() != 0) {
    list_base_blocks();
    block_of_family_.resize(shape.size());
  }
  stage_ = Stage::kCount;
}

bool VersionBuilder::step(Deadline deadline) {
  if (stage_ == Stage::kCount) {
    if (!count_kept(deadline)) return false;
    choose_copies();
    allocate();
    at_ = 0;
    stage_ = Stage::kCopyPush;
  }
  if (stage_ == Stage::kCopyPush) {
    if (!copy_push(deadline)) return false;
    at_ = 0;
    stage_ = Stage::kFill;
  }
  if (stage_ == Stage::kFill) {
    if (!fill_table(deadline)) return false;
    stage_ = Stage::kBuilt;
  }
  SLUICE_DCHECK(stage_ == Stage::kBuilt);
  return true;
}

void VersionBuilder::list_base_blocks() {
  for (Block* block : shared_blocks(*base_)) kept_blocks_.push_back({block, 0, false});
  kept_blocks_.push_back({own_block(*base_), 0, false});
  std::ranges::sort(kept_blocks_, std::less<>(), &KeptBlock::block);
}

bool VersionBuilder::count_kept(Deadline deadline) {
  if (merge_->kept() == 0) return true;
  for (size_t done = 1; at_ < shape_->size(); ++done) {
    if (done % kFamiliesPerCheck == 0 && deadline.passed()) return false;
    const size_t family = at_++;
    if (merge_->pushed()[family] != 0) continue;
    const std::byte* fragment = merge_->fragments()[family];
    const auto above = std::ranges::upper_bound(kept_blocks_, fragment, std::less<>(), [](const KeptBlock& kept) {
      return reinterpret_cast<const std::byte*>(kept.block);
    });
    SLUICE_CHECK(above != kept_blocks_.begin());
    KeptBlock& kept = *(above - 1);
    SLUICE_DCHECK(kept.block->contains(fragment));
    kept.live_bytes += model::Fragment(fragment).bytes();
    block_of_family_[family] = static_cast<uint16_t>(&kept - kept_blocks_.data());
  }
  return true;
}

void VersionBuilder::choose_copies() {
  size_t shared = 0;
  for (KeptBlock& kept : kept_blocks_) {
    kept.copy = kept.live_bytes * 2 < kept.block->bytes;
    if (!kept.copy) ++shared;
  }
  if (shared > limits::kSharedBlocksMax) {
    std::vector<KeptBlock*> by_size;
    for (KeptBlock& kept : kept_blocks_) {
      if (!kept.copy) by_size.push_back(&kept);
    }
    std::ranges::sort(by_size, std::less<>(), &KeptBlock::live_bytes);
    for (size_t i = 0; i < by_size.size() / 2; ++i) by_size[i]->copy = true;
  }
  for (const KeptBlock& kept : kept_blocks_) {
    if (kept.copy) {
      copy_bytes_ += kept.live_bytes;
    } else {
      ++shared_count_;
    }
  }
}

void VersionBuilder::allocate() {
  const size_t table_at = sizeof(Block) + sizeof(model::Version);
  const size_t shared_at = table_at + shape_->size() * sizeof(std::byte*);
  const size_t label_at = shared_at + shared_count_ * sizeof(Block*);
  const size_t push_at = padded(label_at + label_text_.size());
  const size_t copy_at = push_at + push_->used_bytes;
  SLUICE_DCHECK(push_->used_bytes % 8 == 0);
  block_ = allocate_block(cache_, copy_at + copy_bytes_);
  bytes_.add(static_cast<int64_t>(block_->bytes));

  auto* start = reinterpret_cast<std::byte*>(block_);
  model::Version* version = VersionAccess::construct(start + sizeof(Block));
  SLUICE_DCHECK(version == version_of(*block_));
  table_ = reinterpret_cast<const std::byte**>(start + table_at);
  auto** shared = reinterpret_cast<Block**>(start + shared_at);
  for (const KeptBlock& kept : kept_blocks_) {
    if (kept.copy) continue;
    kept.block->refs.add();
    *shared++ = kept.block;
  }
  char* label = reinterpret_cast<char*>(start + label_at);
  label_text_.copy(label, label_text_.size());
  VersionAccess::set_shape(*version, shape_);
  VersionAccess::set_label_text(*version, {label, label_text_.size()});
  VersionAccess::set_shared_blocks(*version, static_cast<uint32_t>(shared_count_));
  push_to_ = start + push_at;
  copy_to_ = start + copy_at;
}

bool VersionBuilder::copy_push(Deadline deadline) {
  while (at_ < push_->used_bytes) {
    const size_t bytes = std::min(kBytesPerCheck, push_->used_bytes - at_);
    std::memcpy(push_to_ + at_, push_->bytes() + at_, bytes);
    at_ += bytes;
    if (at_ < push_->used_bytes && deadline.passed()) return false;
  }
  return true;
}

bool VersionBuilder::fill_table(Deadline deadline) {
  size_t work = 0;
  while (at_ < shape_->size()) {
    const std::byte* from = merge_->fragments()[at_];
    // Of the original: the copy may still be on its way to memory.
    const model::FragmentHeader& header = model::Fragment(from).header();
    const size_t bytes = model::Fragment(from).bytes();
    if (merge_->pushed()[at_] != 0) {
      std::byte* to = push_to_ + (from - push_->bytes());
      reinterpret_cast<model::FragmentHeader*>(to)->push_time_ns = push_time_ns_;
      table_[at_] = to;
    } else if (kept_blocks_[block_of_family_[at_]].copy) {
      std::memcpy(copy_to_, from, bytes);
      table_[at_] = copy_to_;
      copy_to_ += bytes;
      work += bytes;
    } else {
      table_[at_] = from;
    }
    series_ += header.series;
    samples_ += header.samples;
    fragment_bytes_ += bytes;
    work += kBytesPerCheck / kFamiliesPerCheck;
    ++at_;
    if (work >= kBytesPerCheck) {
      work = 0;
      if (at_ < shape_->size() && deadline.passed()) return false;
    }
  }
  VersionAccess::set_sums(*version_of(*block_), series_, samples_, fragment_bytes_);
  return true;
}

bool VersionBuilder::fits(const FamilyMerge& merge, const model::Shape& shape) const noexcept {
  return built() && shape_ == &shape && merge.kept() == 0 && shared_count_ == 0 && copy_bytes_ == 0;
}

model::Version& VersionBuilder::finish(uint64_t stamp, int64_t push_time_ns, int64_t push_failure_time_ns) noexcept {
  SLUICE_DCHECK(built());
  model::Version& version = *version_of(*block_);
  VersionAccess::set_stamp(version, stamp);
  VersionAccess::set_times(version, push_time_ns, push_failure_time_ns);
  return version;
}

void VersionBuilder::take() noexcept {
  SLUICE_DCHECK(built());
  block_ = nullptr;
  stage_ = Stage::kIdle;
}

void VersionBuilder::discard() noexcept {
  if (block_ != nullptr) bytes_.add(-static_cast<int64_t>(release_version(&cache_, *version_of(*block_))));
  block_ = nullptr;
  stage_ = Stage::kIdle;
}

}  // namespace sluice::store
