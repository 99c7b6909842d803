#include "parser/canonical.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/base/limit_table.h"
#include "parser/canonical_escape.h"
#include "parser/names.h"

namespace sluice::parser {

namespace {

using model::ConflictKind;
using model::kNone;
using model::MetricType;

// Units of work (about 50 ns each) between two looks at the clock.
constexpr uint32_t kWorkPerCheck = 32;
// Written bytes that count as one unit.
constexpr size_t kBytesPerUnit = 256;
// Bytes of a line beside name, labels and value: braces, blank, newline, a bound, a suffix.
constexpr uint64_t kLineExtra = 48;
// Of a record, beside labels: the content of a metric, and of a point.
constexpr uint64_t kRecordExtra = 64;
constexpr uint64_t kRecordPointBytes = 32;

bool is_own(std::string_view name) noexcept {
  return name == "push_time_seconds" || name == "push_failure_time_seconds";
}

bool is_histogram(MetricType type) noexcept {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

}  // namespace

model::Conflict check_grouping_key(const model::GroupKey& key) {
  LabelPlans plans;
  std::string_view label;
  model::Conflict conflict;
  conflict.kind = plans.begin(key, label);
  conflict.label = label;
  return conflict;
}

void Canonicaliser::begin(const model::Families& families, const model::GroupKey& key, model::CanonicalPush& out,
                          bool check, const limits::Values& values) {
  check_ = check;
  values_ = &values;
  families_ = &families;
  out_ = &out;
  out.clear();
  conflict_.kind = ConflictKind::kNoConflict;
  key_fault_ = plans_.begin(key, key_fault_label_);
  state_ = State::kMore;
  phase_ = Phase::kSurvey;
  estimate_ = value_bytes_ = record_bytes_ = 0;
  name_bytes_ = label_value_bytes_ = labels_ = 0;
  has_suffixed_ = false;
  names_sorted_ = true;
  cursor_ = 0;
  order_.clear();
  family_at_ = 0;
}

Canonicaliser::State Canonicaliser::step(Deadline deadline) {
  SLUICE_DCHECK(families_ != nullptr);
  deadline_ = deadline;
  work_ = 0;
  while (state_ == State::kMore) {
    run_phase();
    if (work_ >= kWorkPerCheck) {
      work_ = 0;
      if (deadline.passed()) break;
    }
  }
  return state_;
}

void Canonicaliser::run_phase() {
  switch (phase_) {
    case Phase::kSurvey:
      return survey();
    case Phase::kSelect:
      return select();
    case Phase::kOrderNames:
      return order_names();
    case Phase::kFamily:
      return next_family();
    case Phase::kEmitInOrder:
      return emit_in_order();
    case Phase::kCollect:
      return collect();
    case Phase::kOrderMetrics:
      return order_metrics();
    case Phase::kEmitSorted:
      return emit_sorted();
    case Phase::kRecordInOrder:
      return record_in_order();
    case Phase::kRecordSorted:
      return record_sorted();
  }
}

void Canonicaliser::survey() {
  const auto end = static_cast<uint32_t>(families_->metrics.size());
  for (; cursor_ != end; ++cursor_) {
    if (work_ >= kWorkPerCheck) return;
    const model::Metric& metric = families_->metrics[cursor_];
    if ((metric.fields & model::kHasTimestamp) != 0) {
      return fail(ConflictKind::kTimestamp, metric.family, cursor_);
    }
    const model::Family& family = families_->families[metric.family];
    uint64_t line = plans_.key_text_bytes() + family.name.size() + kLineExtra;
    uint64_t values = 0;
    for (const model::LabelPair& label : labels_of(cursor_)) {
      line += label.name.size() + 4;
      values += label.value.size();
      name_bytes_ = std::max(name_bytes_, label.name.size());
      label_value_bytes_ = std::max(label_value_bytes_, label.value.size());
    }
    name_bytes_ = std::max(name_bytes_, family.name.size());
    labels_ = std::max(labels_, metric.labels_count);
    line += values;
    const bool simple = family.type != MetricType::kSummary && !is_histogram(family.type);
    const uint64_t lines = simple ? 1 : uint64_t{metric.points_count} + 3;
    estimate_ += sizeof(uint64_t) + line * lines;
    value_bytes_ += values * lines;
    if (family.needs_record) estimate_ += line + metric.exact.size() + size_t{8} * metric.labels_count;
    // Whether text needs a record is known when it is written; room that is not touched costs nothing.
    if (metric.exact.empty()) record_bytes_ += line + kRecordExtra + kRecordPointBytes * metric.points_count;
    work_ += 1 + metric.labels_count / 8;
  }
  estimate_ += families_->families.size() * (sizeof(model::FragmentHeader) + sizeof(uint64_t));
  if (key_fault_ != ConflictKind::kNoConflict) return fail(key_fault_, kNone, kNone, key_fault_label_);
  if (const auto limit = find_limit()) {
    limit_ = *limit;
    state_ = State::kLimit;
    return;
  }
  writer_.begin(*out_, estimate_ + value_bytes_ + record_bytes_, !check_);
  phase_ = Phase::kSelect;
  cursor_ = 0;
  order_.reserve(families_->families.size());
  out_->families.reserve(families_->families.size());
}

std::optional<limits::Limit> Canonicaliser::find_limit() const noexcept {
  using limits::Limit;
  const std::pair<Limit, uint64_t> found[] = {{Limit::kLabelsPerSeries, labels_},
                                              {Limit::kNameBytes, name_bytes_},
                                              {Limit::kValueBytes, label_value_bytes_},
                                              {Limit::kFamiliesPerPush, families_->families.size()},
                                              {Limit::kSeriesPerPush, families_->metrics.size()},
                                              {Limit::kExpandedBytes, estimate_}};
  for (const auto& [limit, value] : found) {
    if (value > (*values_)[limit]) return limit;
  }
  return std::nullopt;
}

void Canonicaliser::select() {
  const auto end = static_cast<uint32_t>(families_->families.size());
  for (; cursor_ != end; ++cursor_) {
    if (work_ >= kWorkPerCheck) return;
    const model::Family& family = families_->families[cursor_];
    if (family.metrics_count == 0 || is_own(family.name)) continue;
    has_suffixed_ = has_suffixed_ || family.type == MetricType::kSummary || is_histogram(family.type);
    names_sorted_ = names_sorted_ && (order_.empty() || families_->families[order_.back()].name < family.name);
    order_.push_back(cursor_);
    work_ += cursor_ % 4 == 0 ? 1 : 0;
  }
  phase_ = names_sorted_ ? Phase::kFamily : Phase::kOrderNames;
  if (!names_sorted_) sort_.begin(order_);
}

void Canonicaliser::order_names() {
  const auto less = [this](uint32_t a, uint32_t b) {
    return families_->families[a].name < families_->families[b].name;
  };
  work_ += kWorkPerCheck;
  if (sort_.step(2 * kWorkPerCheck, less)) phase_ = Phase::kFamily;
}

void Canonicaliser::next_family() {
  if (family_at_ == order_.size()) {
    state_ = State::kDone;
    return;
  }
  ++work_;
  const uint32_t source = order_[family_at_];
  inconsistent_ = false;
  if (!family_is_good(source)) return;
  start_family();
  metric_ = families_->families[source].metrics_first;
  previous_ = kNone;
  phase_ = Phase::kEmitInOrder;
}

void Canonicaliser::start_family() {
  const model::Family& family = families_->families[order_[family_at_]];
  writer_.start(family, unquoted_);
}

void Canonicaliser::finish_family() {
  const uint32_t source = order_[family_at_++];
  const model::Family& family = families_->families[source];
  out_->families.push_back({family.name, family.help, family.has_help, family.type, source,
                            writer_.finish(inconsistent_ || writer_.has_bad_bytes())});
  phase_ = Phase::kFamily;
}

void Canonicaliser::emit_in_order() {
  while (metric_ != kNone) {
    if (work_ >= kWorkPerCheck) return;
    const LabelPlan& plan = plans_.find(labels_of(metric_));
    if (!metric_is_good(metric_, plan)) return;
    if (previous_ != kNone && !strictly_after(metric_, plan)) {
      // Not the canonical order, or a duplicate: start again, with everything in hand.
      writer_.rewind();
      return begin_collecting(plan);
    }
    if (!emit(metric_, plan)) return;
    previous_ = metric_;
    previous_generation_ = plans_.generation();
    previous_labels_ = static_cast<uint32_t>(plan.slots.size());
    metric_ = families_->metrics[metric_].next;
  }
  metric_ = families_->families[order_[family_at_]].metrics_first;
  finish_text(Phase::kRecordInOrder);
}

void Canonicaliser::finish_text(Phase record) {
  const model::Family& family = families_->families[order_[family_at_]];
  // What came as protobuf was judged by its parser.
  const bool from_text = families_->metrics[family.metrics_first].exact.empty();
  const bool exact = !family.needs_record && !(from_text && writer_.needs_record());
  // An inconsistent one is read back when a scrape fails because of it: text could not hold a label twice.
  if (exact && !inconsistent_ && !writer_.has_bad_bytes()) return finish_family();
  writer_.start_record();
  cursor_ = 0;
  phase_ = record;
}

void Canonicaliser::record_in_order() {
  while (metric_ != kNone) {
    if (work_ >= kWorkPerCheck) return;
    if (!record(metric_)) return;
    metric_ = families_->metrics[metric_].next;
  }
  finish_family();
}

void Canonicaliser::record_sorted() {
  for (; cursor_ != series_.size(); ++cursor_) {
    if (work_ >= kWorkPerCheck) return;
    if (!record(series_.metric(cursor_))) return;
  }
  finish_family();
}

bool Canonicaliser::record(uint32_t metric) {
  const size_t before = writer_.bytes();
  const LabelPlan& plan = plans_.find(labels_of(metric));
  const auto result = writer_.write_record(*families_, families_->metrics[metric], plan, deadline_);
  work_ += 1 + static_cast<uint32_t>((writer_.bytes() - before) / kBytesPerUnit);
  if (result == FragmentWriter::Result::kDone) return true;
  work_ = kWorkPerCheck;
  return false;
}

bool Canonicaliser::emit(uint32_t metric, const LabelPlan& plan) {
  const size_t before = writer_.bytes();
  const auto result = writer_.write(*families_, families_->metrics[metric], plan, deadline_);
  work_ += 1 + static_cast<uint32_t>((writer_.bytes() - before) / kBytesPerUnit);
  if (result == FragmentWriter::Result::kDone) return true;
  if (result == FragmentWriter::Result::kBadUtf8) {
    fail(ConflictKind::kInvalidUtf8, order_[family_at_], metric, writer_.bad_label());
  } else {
    work_ = kWorkPerCheck;
  }
  return false;
}

// Whether `metric` sorts behind the previous one for certain. Metrics with the same label names differ in their own
// values only; with other names only the number of labels is compared.
bool Canonicaliser::strictly_after(uint32_t metric, const LabelPlan& plan) const {
  if (previous_generation_ != plans_.generation()) return plan.slots.size() > previous_labels_;
  const auto before = labels_of(previous_);
  const auto labels = labels_of(metric);
  for (const LabelPlan::Hole& hole : plan.holes) {
    const std::string_view value = before[hole.source].value;
    const std::string_view next = labels[hole.source].value;
    if (value.size() == next.size() && equal_bytes(value.data(), next.data(), value.size())) continue;
    return value < next;
  }
  return false;
}

void Canonicaliser::begin_collecting(const LabelPlan& plan) {
  const model::Family& family = families_->families[order_[family_at_]];
  // Each metric has its own labels at most, and those of the grouping key, which this one has too.
  series_.begin(*families_, family.metrics_count,
                families_->labels.size() + size_t{family.metrics_count} * plan.slots.size());
  metric_ = family.metrics_first;
  phase_ = Phase::kCollect;
}

void Canonicaliser::collect() {
  while (metric_ != kNone) {
    if (work_ >= kWorkPerCheck) return;
    const auto labels = labels_of(metric_);
    const LabelPlan& plan = plans_.find(labels);
    if (!metric_is_good(metric_, plan)) return;
    series_.add(metric_, plan, plans_.generation());
    metric_ = families_->metrics[metric_].next;
    work_ += 1 + static_cast<uint32_t>(labels.size() / 8);
  }
  phase_ = Phase::kOrderMetrics;
}

void Canonicaliser::order_metrics() {
  work_ += kWorkPerCheck;
  if (!series_.step(kWorkPerCheck)) return;
  const uint32_t duplicate = series_.duplicate();
  if (duplicate != kNone && !tolerate(ConflictKind::kDuplicateSeries, order_[family_at_], duplicate)) return;
  start_family();
  cursor_ = 0;
  phase_ = Phase::kEmitSorted;
}

void Canonicaliser::emit_sorted() {
  for (; cursor_ != series_.size(); ++cursor_) {
    if (work_ >= kWorkPerCheck) return;
    series_.prefetch_behind(cursor_);
    const uint32_t metric = series_.metric(cursor_);
    if (!emit(metric, plans_.find(labels_of(metric)))) return;
  }
  finish_text(Phase::kRecordSorted);
}

bool Canonicaliser::metric_is_good(uint32_t metric, const LabelPlan& plan) {
  const uint32_t source = order_[family_at_];
  if ((families_->metrics[metric].fields & model::kWrongContent) != 0) {
    return tolerate(ConflictKind::kMetricShape, source, metric);
  }
  if (plan.fault != ConflictKind::kNoConflict) {
    return tolerate(plan.fault, source, metric, plan.fault_label);
  }
  const MetricType type = families_->families[source].type;
  if (plan.has_quantile && type == MetricType::kSummary) {
    return tolerate(ConflictKind::kReservedLabel, source, metric, "quantile");
  }
  return true;
}

bool Canonicaliser::family_is_good(uint32_t family) {
  const std::string_view name = families_->families[family].name;
  unquoted_ = is_unquoted_name(name);
  if (!unquoted_ && !is_valid_metric_name(name, NameScheme::kUtf8)) {
    return tolerate(ConflictKind::kInvalidMetricName, family, kNone);
  }
  if (!has_suffixed_ || !check_) return true;
  // Every collision has one side with a suffix, so looking from that side finds all of them.
  for (const std::string_view suffix : {"_count", "_sum", "_bucket"}) {
    if (name.size() <= suffix.size() || !name.ends_with(suffix)) continue;
    const std::string_view base = name.substr(0, name.size() - suffix.size());
    const uint32_t other = find_family(base);
    if (other == kNone) continue;
    const MetricType type = families_->families[other].type;
    if (type == MetricType::kHistogram || (type == MetricType::kSummary && suffix != "_bucket")) {
      fail(ConflictKind::kSuffixCollision, family, kNone);
      conflict_.other_name = base;
      conflict_.other_type = type;
      return false;
    }
  }
  return true;
}

uint32_t Canonicaliser::find_family(std::string_view name) const {
  const auto name_of = [this](uint32_t family) { return families_->families[family].name; };
  const auto found = std::ranges::lower_bound(order_, name, {}, name_of);
  return found != order_.end() && name_of(*found) == name ? *found : kNone;
}

bool Canonicaliser::tolerate(ConflictKind kind, uint32_t family, uint32_t metric, std::string_view label) {
  inconsistent_ = true;
  if (check_) fail(kind, family, metric, label);
  return !check_;
}

void Canonicaliser::fail(ConflictKind kind, uint32_t family, uint32_t metric, std::string_view label) {
  state_ = State::kConflict;
  conflict_.kind = kind;
  conflict_.family = family;
  conflict_.metric = metric;
  conflict_.other_type = MetricType::kUntyped;
  conflict_.other_name.clear();
  conflict_.label = label;
}

}  // namespace sluice::parser
