#include "parser/skeleton_large.h"

#include <bit>
#include <utility>

#include "parser/skeleton_key.h"

namespace sluice::parser {
namespace {

// Keys in a row that had other names than a skeleton's template, and another skeleton may be made for theirs.
constexpr uint32_t kMisfitsMax = 8;

bool is_in_range(std::string_view body) noexcept {
  return body.size() >= limits::kSkeletonBodyBytesMax && body.size() < limits::kSkeletonLargeBodyBytesMax;
}

}  // namespace

SkeletonLoan LargeSkeletons::find_from(std::string_view body, uint32_t first_index) {
  if (!is_in_range(body)) return {};
  const uint32_t passed = (1u << first_index) - 1;
  uint32_t same = slots_.slots_of(skeleton_key(body, SkeletonForm::kText)) & ~passed;
  for (; same != 0; same &= same - 1) {
    const auto index = static_cast<uint32_t>(std::countr_zero(same));
    SkeletonSlot& slot = slots_[index];
    if (slot.lent) continue;
    if (slot.skeleton->misfits() >= kMisfitsMax) {
      slot.hits = 0;  // it has not paid
      slots_.drop(index);
      continue;
    }
    SkeletonLoan loan(slot);
    loan->begin_match(body);
    return loan;
  }
  return {};
}

SkeletonLoan LargeSkeletons::find_next(std::string_view body, SkeletonLoan other) {
  const uint32_t index = slots_.index_of(other.slot());
  other.give_back();
  slots_.note_mismatch(index);
  return find_from(body, index + 1);
}

void LargeSkeletons::note_match(SkeletonLoan& loan) noexcept { slots_.note_match(loan.slot()); }

LargeSkeletons::Lesson LargeSkeletons::learn(std::string_view body) {
  if (!is_in_range(body) || learning_) return {};
  const uint32_t key = skeleton_key(body, SkeletonForm::kText);
  if (!slots_.is_due(key) || slots_.victim() == slots_.kNoSlot) return {};
  return {*this, body, key};
}

void LargeSkeletons::age() noexcept {
  for (uint32_t index = 0; index < kSlots; ++index) {
    SkeletonSlot& slot = slots_[index];
    if (slot.skeleton == nullptr) continue;
    if (++slot.unused_seconds > limits::kSkeletonLargeSeconds) slots_.drop(index);
  }
}

void LargeSkeletons::drop_one() noexcept {
  for (uint32_t index = 0; index < kSlots; ++index) {
    if (slots_[index].skeleton != nullptr) return slots_.drop(index);
  }
}

LargeSkeletons::Lesson::Lesson() noexcept = default;

LargeSkeletons::Lesson::Lesson(LargeSkeletons& owner, std::string_view body, uint32_t key)
    : owner_(&owner),
      key_(key),
      skeleton_(std::make_unique<Skeleton>(kLargeSkeleton)),
      workshop_(std::make_unique<Skeleton::Workshop>(*owner.kernel_)) {
  owner.learning_ = true;
  skeleton_->begin_make(body);
}

LargeSkeletons::Lesson::Lesson(Lesson&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      key_(other.key_),
      skeleton_(std::move(other.skeleton_)),
      workshop_(std::move(other.workshop_)) {}

LargeSkeletons::Lesson& LargeSkeletons::Lesson::operator=(Lesson&& other) noexcept {
  end(false);
  owner_ = std::exchange(other.owner_, nullptr);
  key_ = other.key_;
  skeleton_ = std::move(other.skeleton_);
  workshop_ = std::move(other.workshop_);
  return *this;
}

LargeSkeletons::Lesson::~Lesson() { end(false); }

bool LargeSkeletons::Lesson::step(const model::GroupKey& key, Deadline deadline) {
  const SkeletonStep step = skeleton_->step_make(key, *workshop_, deadline);
  if (step == SkeletonStep::kMore) return false;
  end(step == SkeletonStep::kYes);
  return true;
}

void LargeSkeletons::Lesson::end(bool made) noexcept {
  if (owner_ == nullptr) return;
  const uint32_t index = owner_->slots_.victim();
  const bool kept = made && index != owner_->slots_.kNoSlot;
  owner_->slots_.put(index, key_, kept ? std::move(skeleton_) : nullptr);
  owner_->learning_ = false;
  owner_ = nullptr;
  skeleton_.reset();
  workshop_.reset();
}

}  // namespace sluice::parser
