#include "net/api/scrape_check.h"

#include <algorithm>

#include "core/store/series_text.h"
#include "net/api/inconsistency.h"

namespace sluice::net::api {
namespace {

using model::MetricType;

// Units of work, some 50 ns each, between two looks at the clock.
constexpr uint32_t kWorkPerCheck = 64;

bool has_parts(MetricType type) noexcept {
  return type == MetricType::kSummary || type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

constexpr std::string_view kSuffixes[] = {"_count", "_sum", "_bucket"};

}  // namespace

ScrapeCheck::ScrapeCheck(std::span<const store::Snapshot::Bucket> buckets, std::span<const render::OwnFamily> own)
    : buckets_(buckets) {
  for (const render::OwnFamily& family : own) {
    const auto at = own_.emplace(family.name, family.type).first;
    if (has_parts(family.type)) with_parts_.emplace(at->first, family.type);
  }
  merge_.begin(buckets_);
}

ScrapeCheck::State ScrapeCheck::step(Deadline deadline) {
  work_ = 0;
  while (phase_ != Phase::kDone) {
    run_phase();
    if (work_ >= kWorkPerCheck) {
      work_ = 0;
      if (deadline.passed()) return State::kMore;
    }
  }
  return error_.empty() ? State::kConsistent : State::kInconsistent;
}

void ScrapeCheck::run_phase() {
  switch (phase_) {
    case Phase::kShapes:
      work_ += kWorkPerCheck;
      if (merge_.add(kWorkPerCheck)) phase_ = Phase::kFamily;
      return;
    case Phase::kFamily:
      return next_family();
    case Phase::kCount:
      return count();
    case Phase::kGather:
      return gather();
    case Phase::kSort:
      return sort();
    case Phase::kCompare:
      return compare();
    case Phase::kDone:
      return;
  }
}

void ScrapeCheck::next_family() {
  if (merge_.empty()) {
    phase_ = Phase::kDone;
    return;
  }
  name_ = merge_.name();
  members_.clear();
  while (!merge_.empty() && merge_.name() == name_) members_.push_back(merge_.pop());
  work_ += 1 + static_cast<uint32_t>(members_.size());
  place_ = {};
  series_count_ = 0;
  phase_ = types_are_good() && name_is_good() ? Phase::kCount : Phase::kDone;
}

bool ScrapeCheck::types_are_good() {
  const auto own = own_.find(std::string(name_));
  type_ = own != own_.end() ? own->second : merge_.family(members_.front()).type;
  for (size_t member = 0; member < members_.size(); ++member) {
    if (merge_.family(members_[member]).type == type_) continue;
    place_ = {member, 0, 0};
    uint32_t family = 0;
    const model::Version* const version = next_version(family);
    error_ = type_inconsistency(*version, family, type_, own != own_.end());
    return false;
  }
  return true;
}

bool ScrapeCheck::name_is_good() {
  for (const std::string_view suffix : kSuffixes) {
    if (has_parts(type_) && own_.contains(std::string(name_).append(suffix))) {
      collide(name_, std::string(name_).append(suffix), MetricType::kUntyped);
      return false;
    }
    if (!name_.ends_with(suffix)) continue;
    const auto base = with_parts_.find(name_.substr(0, name_.size() - suffix.size()));
    // A gauge histogram collides with nothing, and a summary has no buckets.
    if (base == with_parts_.end() || base->second == MetricType::kGaugeHistogram) continue;
    if (base->second == MetricType::kSummary && suffix == "_bucket") continue;
    collide(name_, base->first, base->second);
    return false;
  }
  if (has_parts(type_)) with_parts_.emplace(name_, type_);
  return true;
}

void ScrapeCheck::collide(std::string_view name, std::string_view other, MetricType other_type) {
  error_ = collision_inconsistency(name, other, other_type);
}

const model::Version* ScrapeCheck::next_version(uint32_t& family) {
  while (place_.member < members_.size()) {
    const render::FamilyMember& member = members_[place_.member];
    const auto& chunks = buckets_[member.bucket].chunks;
    if (place_.chunk == chunks.size()) {
      place_ = {place_.member + 1, 0, 0};
      continue;
    }
    if (place_.index == chunks[place_.chunk].size()) {
      ++place_.chunk;
      place_.index = 0;
      continue;
    }
    family = member.family;
    return chunks[place_.chunk][place_.index++];
  }
  return nullptr;
}

void ScrapeCheck::count() {
  uint32_t family = 0;
  while (work_ < kWorkPerCheck) {
    const model::Version* const version = next_version(family);
    if (version == nullptr) {
      series_.clear();
      series_.reserve(series_count_);
      place_ = {};
      phase_ = Phase::kGather;
      return;
    }
    const model::FragmentHeader& header = version->fragment(family).header();
    if (header.is_inconsistent != 0) {
      error_ = fragment_inconsistency(*version, family);
      phase_ = Phase::kDone;
      return;
    }
    series_count_ += header.series;
    work_ += 2;
  }
}

void ScrapeCheck::gather() {
  uint32_t family = 0;
  while (work_ < kWorkPerCheck) {
    const model::Version* const version = next_version(family);
    if (version == nullptr) {
      order_.resize(series_.size());
      for (uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
      sort_.begin(order_);
      phase_ = Phase::kSort;
      return;
    }
    const model::Fragment fragment = version->fragment(family);
    for (uint32_t i = 0; i < fragment.header().series; ++i) {
      series_.push_back({fragment.series_hashes()[i], version, family, i});
    }
    work_ += 2 + fragment.header().series / 8;
  }
}

void ScrapeCheck::sort() {
  work_ += kWorkPerCheck;
  // Equal ones in the order of the walk: the later one is the duplicate.
  if (!sort_.step(kWorkPerCheck, [this](uint32_t a, uint32_t b) { return series_[a].hash < series_[b].hash; })) return;
  at_ = 1;
  phase_ = Phase::kCompare;
}

void ScrapeCheck::compare() {
  for (; at_ < order_.size(); ++at_) {
    if (work_++ >= kWorkPerCheck) return;
    const Series& first = series_[order_[at_ - 1]];
    const Series& second = series_[order_[at_]];
    if (first.hash != second.hash) continue;
    const auto text_of = [this](const Series& series) {
      return store::series_label_text(fragment_of(series), name_, type_, series.index);
    };
    if (text_of(first) != text_of(second)) continue;
    error_ = duplicate_inconsistency(*second.version, second.family, second.index);
    phase_ = Phase::kDone;
    return;
  }
  phase_ = Phase::kFamily;
}

}  // namespace sluice::net::api
