#include "core/render/family_walk.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::render {

using model::MetricType;

FamilyWalk::FamilyWalk(std::span<const store::Snapshot::Bucket> buckets, std::vector<OwnFamily> own,
                       OnHelpConflict on_help_conflict, FamilyShown shown)
    : buckets_(buckets), on_help_conflict_(std::move(on_help_conflict)), shown_(shown) {
  for (const auto& bucket : buckets_) has_groups_ = has_groups_ || bucket.groups != 0;
  own_.reserve(own.size() + 2);
  for (OwnFamily& family : own) own_.push_back({std::move(family), Kind::kSamples});
  own_.push_back({{std::string(kPushTimeName), std::string(kPushTimeHelp), MetricType::kGauge, {}}, Kind::kPushTime});
  own_.push_back({{std::string(kPushFailureTimeName), std::string(kPushFailureTimeHelp), MetricType::kGauge, {}},
                  Kind::kPushFailureTime});
  std::ranges::sort(own_, {}, [](const Own& entry) -> const std::string& { return entry.family.name; });
  merge_.begin(buckets_);
}

FamilyWalk::Step FamilyWalk::next(uint32_t& work, uint32_t work_max) {
  while (work < work_max) {
    switch (phase_) {
      case Phase::kShapes:
        work += work_max;
        if (merge_.add(work_max)) phase_ = Phase::kName;
        break;
      case Phase::kName:
        ++work;
        next_name();
        break;
      case Phase::kMembers:
        if (!gather(work, work_max)) break;
        phase_ = Phase::kName;
        if (complete()) return Step::kFamily;
        break;
      case Phase::kEnd:
        return Step::kEnd;
    }
  }
  return phase_ == Phase::kEnd ? Step::kEnd : Step::kMore;
}

// The smaller of our next name and the next pushed one; both when they are equal.
void FamilyWalk::next_name() {
  members_.clear();
  own_current_ = nullptr;
  const bool own_left = own_at_ != own_.size();
  if (merge_.empty() && !own_left) {
    phase_ = Phase::kEnd;
    return;
  }
  const std::string_view own_name = own_left ? std::string_view(own_[own_at_].family.name) : std::string_view();
  const std::string_view pushed_name = merge_.empty() ? std::string_view() : merge_.name();
  const bool take_own = own_left && (merge_.empty() || own_name <= pushed_name);
  if (take_own) own_current_ = &own_[own_at_++];
  name_ = take_own ? own_name : pushed_name;
  has_help_ = take_own;
  help_ = take_own ? std::string_view(own_current_->family.help) : std::string_view();
  type_ = take_own ? own_current_->family.type : MetricType::kUntyped;
  other_help_ = nullptr;
  groups_by_type_ = {};
  groups_ = 0;
  phase_ = Phase::kMembers;
}

bool FamilyWalk::gather(uint32_t& work, uint32_t work_max) {
  while (!merge_.empty() && merge_.name() == name_) {
    if (work >= work_max) return false;
    add_member(merge_.pop());
    work += 4;
  }
  return true;
}

void FamilyWalk::add_member(FamilyMember member) {
  const model::ShapeFamily& family = merge_.family(member);
  if (members_.empty() && own_current_ == nullptr) type_ = family.type;
  members_.push_back(member);
  const store::Snapshot::Bucket& bucket = buckets_[member.bucket];
  groups_by_type_[static_cast<size_t>(family.type) & 7] += bucket.groups + bucket.groups_elsewhere;
  groups_ += bucket.groups;
  if (!has_help_ && family.has_help) {
    has_help_ = true;
    help_ = family.help;
    if (members_.size() > 1 && !help_.empty()) other_help_ = &merge_.family(members_.front());
  } else if (other_help_ == nullptr && family.help != help_) {
    other_help_ = &family;
  }
}

uint32_t FamilyWalk::place() const noexcept {
  if (shown_ == FamilyShown::kAll) return 0;
  return static_cast<uint32_t>(own_current_ == nullptr ? 2 * own_at_ : 2 * own_at_ - 1);
}

bool FamilyWalk::complete() {
  if (kind() != Kind::kSamples ? !has_groups_ : own_lines().empty() && groups_ == 0) return false;
  if (shown_ == FamilyShown::kPushed && stands_as_own()) {
    left_to_own_ = left_to_own_ || groups_ != 0;
    return false;
  }
  if (shown_ == FamilyShown::kOwn && !stands_as_own()) return false;
  if (own_current_ == nullptr) {
    for (size_t type = 0; type < groups_by_type_.size(); ++type) {
      if (groups_by_type_[type] > groups_by_type_[static_cast<size_t>(type_) & 7])
        type_ = static_cast<MetricType>(type);
    }
  }
  std::erase_if(members_, [this](FamilyMember member) {
    const size_t groups = buckets_[member.bucket].groups;
    const bool other_type = merge_.family(member).type != type_;
    if (other_type) left_out_ += groups;
    return other_type || groups == 0;
  });
  if (other_help_ != nullptr && on_help_conflict_) on_help_conflict_({name_, help_, other_help_->help});
  return true;
}

}  // namespace sluice::render
