#include "core/store/series_probe.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/label_text.h"
#include "core/store/store_core.h"

namespace sluice::store {
namespace {

// Between two looks at the clock, each a few microseconds.
constexpr size_t kMetricsPerCheck = 16;
constexpr size_t kFamiliesPerCheck = 32;
constexpr uint32_t kSeriesPerCheck = 128;

// The value that the label `name` has in a series: the key's, else the body's, else none (nullptr data).
std::string_view series_label(const model::GroupKey& key, const model::Families& parsed, const model::Metric& metric,
                              std::string_view name) noexcept {
  const std::string_view from_key = key.value_of(name);
  if (from_key.data() != nullptr) return from_key;
  for (uint32_t i = 0; i < metric.labels_count; ++i) {
    const model::LabelPair& label = parsed.labels[metric.labels_begin + i];
    if (label.name == name) return label.value;
  }
  return {};
}

}  // namespace

void SeriesProbe::start(const PushRequest& request, const NameSet& own) {
  stop();
  request_ = &request;
  own_ = &own;
  phase_ = Phase::kProject;
  set_at_ = 0;
  metric_at_ = 0;
  conflict_ = {};
}

void SeriesProbe::stop() noexcept {
  drop();
  compared_.clear();
  index_.clear();
  request_ = nullptr;
}

SeriesProbe::State SeriesProbe::step(Deadline deadline) {
  SLUICE_DCHECK(request_ != nullptr);
  for (;;) {
    switch (run(deadline)) {
      case Next::kGoOn:
        continue;
      case Next::kAgain:
        hold();
        return State::kAgain;
      case Next::kClean:
        return State::kClean;
      case Next::kDuplicate:
        return State::kDuplicate;
    }
  }
}

SeriesProbe::Next SeriesProbe::run(Deadline deadline) {
  switch (phase_) {
    case Phase::kProject:
      return project(deadline);
    case Phase::kIndex:
      if (!index_.build(request_->push, deadline)) return Next::kAgain;
      phase_ = Phase::kFamilies;
      return Next::kGoOn;
    case Phase::kFamilies:
      return next_family(deadline);
    case Phase::kSeries:
      return compare_series(deadline);
    case Phase::kOurText:
      if (!our_text_.step(deadline)) return Next::kAgain;
      phase_ = Phase::kTheirText;
      return Next::kGoOn;
    case Phase::kTheirText:
      return compare_texts(deadline);
    case Phase::kFindMetric:
      return find_metric(deadline);
  }
  SLUICE_CHECK(false);
}

SeriesProbe::Next SeriesProbe::project(Deadline deadline) {
  // Stays the same while the job's lock is held.
  const std::vector<NameSet*>& sets = own_->job().list().sets;
  const auto& metrics = request_->parsed.metrics;
  for (size_t done = 1; set_at_ < sets.size(); ++done) {
    const NameSet& set = *sets[set_at_];
    bool found = false;
    if (&set == own_ || metric_at_ == metrics.size()) {
      ++set_at_;
      metric_at_ = 0;
    } else if (metric_at_ == 0 && project_key(set)) {
      ++set_at_;
      found = find_group();
    } else {
      found = project_series(set, metrics[metric_at_++]) && find_group();
    }
    if (found) {
      family_at_ = 0;
      phase_ = Phase::kIndex;
      return Next::kGoOn;
    }
    if (done % kMetricsPerCheck == 0 && deadline.passed()) return Next::kAgain;
  }
  return Next::kClean;
}

// All names of the set are in the push's own key.
bool SeriesProbe::project_key(const NameSet& set) {
  projected_.clear();
  for (size_t i = 0; i < set.size(); ++i) {
    const std::string_view value = request_->key.value_of(set.name(i));
    if (value.data() == nullptr) return false;
    projected_.push_back({set.name(i), value});
  }
  return true;
}

// False: this series lacks one of the names, so no group of that set can have it.
bool SeriesProbe::project_series(const NameSet& set, const model::Metric& metric) {
  projected_.clear();
  for (size_t i = 0; i < set.size(); ++i) {
    const std::string_view value = series_label(request_->key, request_->parsed, metric, set.name(i));
    if (value.data() == nullptr) return false;
    if (value.empty() && set.name(i) == "instance") return false;  // a key never has an empty instance
    projected_.push_back({set.name(i), value});
  }
  return true;
}

// The group whose labels are projected_, unless it was compared already. While the job's lock is held no group of it
// that has series is born, so an address stands for the same group or for one without series.
bool SeriesProbe::find_group() {
  const model::GroupKey key = model::GroupKey::from_labels(projected_);
  const Group* group = writer_.store.groups.find(key.hash(), key.bytes());
  if (group == nullptr) return false;
  const model::Version* version = group->cell.current();
  if (version == nullptr || version == Group::Cell::dead()) return false;
  // At most one for each series of each other set, and one for each set.
  const size_t most = (request_->parsed.metrics.size() + 1) * own_->job().list().sets.size();
  if (!compared_.add(group, most)) return false;
  version_ = version;
  return true;
}

SeriesProbe::Next SeriesProbe::next_family(Deadline deadline) {
  const auto& families = request_->push.families;
  for (size_t done = 1; family_at_ < families.size(); ++family_at_, ++done) {
    if (done % kFamiliesPerCheck == 0 && deadline.passed()) return Next::kAgain;
    const uint32_t found = version_->shape().find(families[family_at_].name);
    if (found == model::kNone) continue;
    theirs_ = version_->fragment(found).address();
    series_at_ = 0;
    phase_ = Phase::kSeries;
    return Next::kGoOn;
  }
  drop();
  phase_ = Phase::kProject;
  return Next::kGoOn;
}

SeriesProbe::Next SeriesProbe::compare_series(Deadline deadline) {
  const model::Fragment theirs(theirs_);
  const auto family = static_cast<uint32_t>(family_at_);
  for (uint32_t done = 1; series_at_ < theirs.header().series; ++series_at_, ++done) {
    if (done % kSeriesPerCheck == 0 && deadline.passed()) return Next::kAgain;
    our_series_ = index_.find(family, theirs.series_hashes()[series_at_]);
    if (our_series_ == model::kNone) continue;
    const model::CanonicalFamily& pushed = request_->push.families[family];
    our_text_.start(request_->push.fragment(pushed), pushed.name, pushed.type, our_series_);
    their_text_.start(theirs, pushed.name, pushed.type, series_at_);
    phase_ = Phase::kOurText;
    return Next::kGoOn;
  }
  ++family_at_;
  phase_ = Phase::kFamilies;
  // A family with few series must not escape the look at the clock.
  return family_at_ % kFamiliesPerCheck == 0 && deadline.passed() ? Next::kAgain : Next::kGoOn;
}

SeriesProbe::Next SeriesProbe::compare_texts(Deadline deadline) {
  if (!their_text_.step(deadline)) return Next::kAgain;
  if (our_text_.found() != their_text_.found()) {
    ++series_at_;
    phase_ = Phase::kSeries;
    return Next::kGoOn;
  }
  conflict_.kind = model::ConflictKind::kDuplicateSeries;
  conflict_.family = request_->push.families[family_at_].source;
  conflict_.metric = candidate_ = request_->parsed.families[conflict_.family].metrics_first;
  phase_ = Phase::kFindMetric;
  return Next::kGoOn;
}

SeriesProbe::Next SeriesProbe::find_metric(Deadline deadline) {
  const model::Families& parsed = request_->parsed;
  const std::string_view wanted = our_text_.found();
  std::string text;
  for (size_t done = 1; candidate_ != model::kNone; ++done) {
    const model::Metric& metric = parsed.metrics[candidate_];
    text.clear();
    model::append_series_label_text(text, request_->key,
                                    {parsed.labels.data() + metric.labels_begin, metric.labels_count});
    // With a name that is not a legacy name the braces begin with the name itself.
    if (text == wanted || (wanted.ends_with(text) && wanted.starts_with('"'))) {
      conflict_.metric = candidate_;
      return Next::kDuplicate;
    }
    candidate_ = metric.next;
    if (done % kMetricsPerCheck == 0 && deadline.passed()) return Next::kAgain;
  }
  return Next::kDuplicate;
}

void SeriesProbe::hold() noexcept {
  if (version_ == nullptr || held_) return;
  writer_.hold(*version_);
  held_ = true;
}

void SeriesProbe::drop() noexcept {
  if (held_) writer_.release(*version_);
  held_ = false;
  version_ = nullptr;
}

}  // namespace sluice::store
