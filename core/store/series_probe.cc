#include "core/store/series_probe.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/label_text.h"

namespace sluice::store {
namespace {

constexpr size_t kMetricsPerCheck = 16;

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

// From behind `{` to before the `}` that ends it; quoted text is skipped.
std::string_view braces(std::string_view line) noexcept {
  const size_t open = line.find('{');
  if (open == std::string_view::npos) return {};
  bool quoted = false;
  for (size_t i = open + 1; i < line.size(); ++i) {
    if (quoted) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        quoted = false;
      }
    } else if (line[i] == '"') {
      quoted = true;
    } else if (line[i] == '}') {
      return line.substr(open + 1, i - open - 1);
    }
  }
  return {};
}

// Whether a line is the `name_count` line that ends each metric of a summary or histogram, in both spellings of names.
bool is_count_line(std::string_view line, std::string_view name) noexcept {
  if (line.starts_with("{\"")) {
    const std::string_view inside = line.substr(2);
    const size_t comma = inside.find("\",");
    const size_t brace = inside.find("\"}");
    return inside.substr(0, std::min(comma, brace)).ends_with("_count");
  }
  return line.size() > name.size() + 6 && line.starts_with(name) && line.substr(name.size()).starts_with("_count{");
}

}  // namespace

std::string_view series_label_text(const model::Fragment& fragment, std::string_view name, model::MetricType type,
                                   uint32_t series) noexcept {
  const bool many_lines = type == model::MetricType::kSummary || type == model::MetricType::kHistogram ||
                          type == model::MetricType::kGaugeHistogram;
  std::string_view text = fragment.text();
  uint32_t index = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (many_lines && !is_count_line(line, name)) continue;
    if (index++ == series) return braces(line);
  }
  return {};
}

void SeriesProbe::start(const PushRequest& request, const NameSet& own) {
  request_ = &request;
  own_ = &own;
  set_at_ = 0;
  metric_at_ = 0;
  probed_.clear();
  families_.clear();
  families_.resize(request.push.families.size());
  conflict_ = {};
}

SeriesProbe::State SeriesProbe::step(const GroupMap& groups, Deadline deadline) {
  const std::vector<NameSet*>& sets = own_->job().list().sets;
  for (; set_at_ < sets.size(); ++set_at_, metric_at_ = 0) {
    const NameSet& set = *sets[set_at_];
    if (&set == own_) continue;
    if (project_key(set)) {
      if (probe_group(groups)) return State::kDuplicate;
    } else if (const State state = probe_metrics(set, groups, deadline); state != State::kClean) {
      return state;
    }
    if (set_at_ + 1 < sets.size() && deadline.passed()) {
      ++set_at_;
      metric_at_ = 0;
      return State::kAgain;
    }
  }
  return State::kClean;
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

SeriesProbe::State SeriesProbe::probe_metrics(const NameSet& set, const GroupMap& groups, Deadline deadline) {
  const model::Families& parsed = request_->parsed;
  for (size_t done = 1; metric_at_ < parsed.metrics.size(); ++done) {
    const model::Metric& metric = parsed.metrics[metric_at_++];
    if (project_series(set, metric) && probe_group(groups)) return State::kDuplicate;
    if (done % kMetricsPerCheck == 0 && deadline.passed()) return State::kAgain;
  }
  return State::kClean;
}

// Compares the push with the group whose labels are projected_.
bool SeriesProbe::probe_group(const GroupMap& groups) {
  const model::GroupKey key = model::GroupKey::from_labels(projected_);
  if (!probed_.emplace(key.bytes()).second) return false;
  const Group* group = groups.find(key.hash(), key.bytes());
  if (group == nullptr) return false;
  const model::Version* version = group->cell.current();
  if (version == nullptr || version == Group::Cell::dead()) return false;
  for (size_t i = 0; i < request_->push.families.size(); ++i) {
    const uint32_t theirs = version->shape().find(request_->push.families[i].name);
    if (theirs != model::kNone && compare_family(i, version->fragment(theirs))) return true;
  }
  return false;
}

bool SeriesProbe::compare_family(size_t family, const model::Fragment& theirs) {
  const FamilyHashes& ours = hashes_of(family);
  const model::CanonicalFamily& pushed = request_->push.families[family];
  const uint64_t* hashes = theirs.series_hashes();
  for (uint32_t i = 0; i < theirs.header().series; ++i) {
    const auto at = ours.series.find(hashes[i]);
    if (at == ours.series.end()) continue;
    const model::Fragment fragment = request_->push.fragment(pushed);
    if (series_label_text(fragment, pushed.name, pushed.type, at->second) !=
        series_label_text(theirs, pushed.name, pushed.type, i)) {
      continue;
    }
    report(family, at->second);
    return true;
  }
  return false;
}

const SeriesProbe::FamilyHashes& SeriesProbe::hashes_of(size_t family) {
  FamilyHashes& hashes = families_[family];
  if (!hashes.made) {
    const model::Fragment fragment = request_->push.fragment(request_->push.families[family]);
    hashes.series.reserve(fragment.header().series);
    for (uint32_t i = 0; i < fragment.header().series; ++i) hashes.series.emplace(fragment.series_hashes()[i], i);
    hashes.made = true;
  }
  return hashes;
}

// Finds the metric of the parsed push that the series was made of, for the error's text.
void SeriesProbe::report(size_t family, uint32_t series) {
  const model::CanonicalFamily& pushed = request_->push.families[family];
  const model::Families& parsed = request_->parsed;
  const std::string_view wanted = series_label_text(request_->push.fragment(pushed), pushed.name, pushed.type, series);
  conflict_.kind = model::ConflictKind::kDuplicateSeries;
  conflict_.family = pushed.source;
  conflict_.metric = parsed.families[pushed.source].metrics_first;
  std::string text;
  for (uint32_t at = conflict_.metric; at != model::kNone; at = parsed.metrics[at].next) {
    const model::Metric& metric = parsed.metrics[at];
    text.clear();
    model::append_series_label_text(text, request_->key,
                                    {parsed.labels.data() + metric.labels_begin, metric.labels_count});
    // With a name that is not a legacy name the braces begin with the name itself.
    if (text == wanted || (wanted.ends_with(text) && wanted.starts_with('"'))) {
      conflict_.metric = at;
      return;
    }
  }
}

}  // namespace sluice::store
