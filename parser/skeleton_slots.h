// The places of a cache of skeletons: who has which, what is lent, and which one goes when another is to come.
//
// A skeleton is lent to one push at a time, which gives it back by destroying the loan, in any order; meanwhile others
// may be lent. Loans must not outlive the slots. One owner, one thread.
//
// A fleet whose bodies never repeat must not pay: a skeleton is made only of a body whose key was seen before, and if
// enough bodies have passed since the last one, twice as many each time that one is dropped which was of no use. One
// that is compared again and again without a match is dropped.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "parser/skeleton.h"

namespace sluice::parser {

struct SkeletonSlot {
  std::unique_ptr<Skeleton> skeleton;  // nullptr: none, or lent
  bool lent = false;
  bool used = false;            // since the hand passed
  uint32_t hits = 0;            // since it was made, saturating
  uint32_t misses = 0;          // comparisons since the last hit
  uint32_t unused_seconds = 0;  // since it was lent, where somebody counts
};

// A skeleton that is lent; empty for none. Move-only.
class SkeletonLoan {
 public:
  SkeletonLoan() noexcept = default;
  explicit SkeletonLoan(SkeletonSlot& slot) noexcept : slot_(&slot), skeleton_(std::move(slot.skeleton)) {
    slot.lent = true;
    slot.unused_seconds = 0;
  }
  SkeletonLoan(SkeletonLoan&& other) noexcept : slot_(other.slot_), skeleton_(std::move(other.skeleton_)) {}
  SkeletonLoan& operator=(SkeletonLoan&& other) noexcept {
    give_back();
    slot_ = other.slot_;
    skeleton_ = std::move(other.skeleton_);
    return *this;
  }
  SkeletonLoan(const SkeletonLoan&) = delete;
  SkeletonLoan& operator=(const SkeletonLoan&) = delete;
  ~SkeletonLoan() { give_back(); }

  explicit operator bool() const noexcept { return skeleton_ != nullptr; }
  [[nodiscard]] Skeleton* operator->() const noexcept { return skeleton_.get(); }
  // Only where there is one.
  [[nodiscard]] SkeletonSlot& slot() const noexcept { return *slot_; }
  void give_back() noexcept {
    if (skeleton_ == nullptr) return;
    SLUICE_DCHECK(slot_->lent && slot_->skeleton == nullptr);
    slot_->lent = false;
    slot_->skeleton = std::move(skeleton_);
  }

 private:
  SkeletonSlot* slot_ = nullptr;
  std::unique_ptr<Skeleton> skeleton_;
};

// `kSlots` skeletons at most, at most 32; of the last `kSeen` keys without one it is known that they were met.
template <uint32_t kSlots, uint32_t kSeen>
class SkeletonSlots {
 public:
  static constexpr uint32_t kNoSlot = kSlots;

  SkeletonSlots() = default;
  SkeletonSlots(const SkeletonSlots&) = delete;
  SkeletonSlots& operator=(const SkeletonSlots&) = delete;

  // A bit for each slot with this key.
  [[nodiscard]] uint32_t slots_of(uint32_t key) const noexcept {
    uint32_t same = 0;
    for (uint32_t index = 0; index < kSlots; ++index) same |= (keys_[index] == key ? 1u : 0u) << index;
    return same;
  }
  [[nodiscard]] SkeletonSlot& operator[](uint32_t index) noexcept { return slots_[index]; }

  [[nodiscard]] uint32_t index_of(const SkeletonSlot& slot) const noexcept {
    return static_cast<uint32_t>(&slot - slots_.data());
  }

  static void note_match(SkeletonSlot& slot) noexcept {
    slot.used = true;
    slot.misses = 0;
    slot.hits = std::min(slot.hits + 1, kHitsPaid);
  }
  // Of one that is not lent.
  void note_mismatch(uint32_t index) noexcept {
    if (++slots_[index].misses == kMissesMax) drop(index);
  }
  // Whether one may be made of a body with this key, which had none.
  [[nodiscard]] bool is_due(uint32_t key) noexcept {
    if (wait_ != 0) {
      --wait_;
      return false;
    }
    return was_seen(key);
  }
  // A slot that may be filled, kNoSlot when all are lent.
  [[nodiscard]] uint32_t victim() noexcept {
    for (uint32_t index = 0; index < kSlots; ++index) {
      if (keys_[index] == 0) return index;
    }
    // Whoever was used since the hand passed is passed over once.
    for (uint32_t looks = 0; looks < 2 * kSlots; ++looks) {
      const uint32_t index = hand_;
      hand_ = (hand_ + 1) % kSlots;
      SkeletonSlot& slot = slots_[index];
      if (slot.lent) continue;
      if (!slot.used) return index;
      slot.used = false;
    }
    return kNoSlot;
  }
  // What was made of a body that was due, in the slot of victim(); nullptr when it cannot be kept.
  void put(uint32_t index, uint32_t key, std::unique_ptr<Skeleton> skeleton) noexcept {
    if (skeleton == nullptr) {
      wait_next_ = std::min(2 * wait_next_ + 1, limits::kSkeletonWaitMax);
    } else {
      drop(index);
      slots_[index].skeleton = std::move(skeleton);
      keys_[index] = key;
    }
    wait_ = wait_next_;
  }
  // Of one that is not lent.
  void drop(uint32_t index) noexcept {
    SkeletonSlot& slot = slots_[index];
    SLUICE_DCHECK(!slot.lent);
    if (slot.skeleton == nullptr) return;
    wait_next_ = slot.hits < kHitsPaid ? std::min(2 * wait_next_ + 1, limits::kSkeletonWaitMax) : wait_next_ / 2;
    slot = {};
    keys_[index] = 0;
  }

 private:
  // A skeleton costs about as much as this many matches save.
  static constexpr uint32_t kHitsPaid = 8;
  // Comparisons in a row that fail before a skeleton is dropped: four for each of the skeletons that may share a key.
  static constexpr uint32_t kMissesMax = 4 * kSlots;

  // Whether a body with this key had no skeleton before; from now on, yes.
  [[nodiscard]] bool was_seen(uint32_t key) noexcept {
    bool found = false;  // without a branch, so that four are compared at once
    for (const uint32_t seen : seen_) found |= seen == key;
    if (!found) seen_[seen_at_++ % kSeen] = key;
    return found;
  }

  std::array<uint32_t, kSlots> keys_{};  // of slots; 0 for none
  std::array<SkeletonSlot, kSlots> slots_;
  uint32_t hand_ = 0;
  uint32_t wait_ = 0;  // bodies until the next skeleton may be made
  uint32_t wait_next_ = 0;
  std::array<uint32_t, kSeen> seen_{};  // the last distinct keys of bodies without a skeleton
  uint32_t seen_at_ = 0;
};

}  // namespace sluice::parser
