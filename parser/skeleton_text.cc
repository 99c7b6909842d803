#include "parser/skeleton_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/go_float.h"
#include "core/base/limits.h"
#include "core/base/unique_number.h"

namespace sluice::parser {
namespace {

using Meaning = TextNumber::Meaning;

// Marks are whole numbers of six digits, which are their own canonical spelling.
constexpr uint64_t kFirstMark = 100'000;
constexpr size_t kMarkBytes = 6;
constexpr size_t kMarksMax = 900'000;
static_assert(limits::kSkeletonBodyBytesMax < kMarksMax && limits::kSkeletonLargeNumbersMax < kMarksMax);
// What is done between two looks at the clock: 50 to 500 ns for each number, and what takes as long.
constexpr size_t kNumbersPerStep = 64;
constexpr size_t kComparedBytes = 64 * 1024;
constexpr size_t kLaidOutBytes = 4 * 1024;
constexpr uint32_t kNumber = model::PushPattern::kNumber;

bool has_names_of(const model::Families& families, const model::Metric& metric, const model::Metric& first) {
  if (metric.labels_count != first.labels_count) return false;
  for (uint32_t k = 0; k < metric.labels_count; ++k) {
    if (families.labels[metric.labels_begin + k].name != families.labels[first.labels_begin + k].name) return false;
  }
  return true;
}

// But for their bytes, of which both have as many.
bool is_like(const model::CanonicalPush& a, const model::CanonicalPush& b) {
  if (a.used_bytes != b.used_bytes) return false;
  if (a.series != b.series || a.samples != b.samples || a.families.size() != b.families.size()) return false;
  for (size_t index = 0; index < a.families.size(); ++index) {
    if (a.families[index].fragment_at != b.families[index].fragment_at) return false;
  }
  return true;
}

bool is_simple(model::MetricType type) noexcept {
  return type != model::MetricType::kSummary && type != model::MetricType::kHistogram;
}

}  // namespace

void SkeletonText::clear() noexcept {
  pattern_ = {};
  series_of_.clear();
  families_.clear();
  lines_.clear();
  uses_.clear();
  list_ = 0;
  fixed_bytes_ = 0;
  series_ = 0;
  hashes_.clear();
  hashed_key_.clear();
}

void SkeletonText::begin_make() {
  clear();
  making_ = {};
}

SkeletonStep SkeletonText::step_make(model::Families& families, std::span<const TextNumber> numbers,
                                     const model::GroupKey& key, Scratch& scratch, Deadline deadline) {
  do {
    if (!run_phase(families, numbers, key, scratch, deadline)) {
      clear();
      return SkeletonStep::kNo;
    }
    if (making_.phase == Making::Phase::kCompare && making_.at == scratch.push.used_bytes) return SkeletonStep::kYes;
  } while (!deadline.passed());
  return SkeletonStep::kMore;
}

bool SkeletonText::run_phase(model::Families& families, std::span<const TextNumber> numbers, const model::GroupKey& key,
                             Scratch& scratch, Deadline deadline) {
  using Phase = Making::Phase;
  switch (making_.phase) {
    case Phase::kSpellMarks:
      spell_marks(numbers.size(), scratch.marks);
      return true;
    case Phase::kMark:
      mark(families, numbers, scratch.marks);
      if (making_.phase != Phase::kCanonicalise) return true;
      if (key.label_count() > bounds_->key_labels) return false;
      scratch.values = limits::kLargest;
      scratch.values.set(limits::Limit::kExpandedBytes, bounds_->canonical_bytes);
      scratch.canonicaliser.begin(families, key, scratch.push, true, scratch.values);
      return true;
    case Phase::kCanonicalise: {
      const Canonicaliser::State state = scratch.canonicaliser.step(deadline);
      if (state == Canonicaliser::State::kMore) return true;
      if (state != Canonicaliser::State::kDone) return false;
      for (size_t index = 0; index < key.label_count(); ++index) pattern_.names.emplace_back(key.label(index).name);
      uses_.assign(pattern_.names.size(), 0);
      pattern_.literals.reserve(scratch.push.used_bytes + kSlack);
      reserve_room(lines_, numbers.size(), numbers.size());
      making_.phase = Phase::kFamily;
      return scratch.push.families.size() <= bounds_->families;
    }
    case Phase::kFamily:
      if (making_.at != scratch.push.families.size()) return begin_family(families, scratch.push);
      end_lay_out();
      making_.phase = Phase::kWrite;
      return bytes() <= bounds_->bytes && begin_write(key, scratch.copy);
    case Phase::kNames:
      return compare_names(families, scratch.push);
    case Phase::kLines:
      return lay_out_lines(numbers, scratch.push);
    case Phase::kWrite: {
      const SkeletonStep step = step_write(families, {}, scratch.copy, deadline);
      if (step != SkeletonStep::kYes) return step == SkeletonStep::kMore;
      making_.phase = Phase::kCompare;
      making_.at = 0;
      return is_like(scratch.copy, scratch.push);
    }
    case Phase::kCompare: {
      // What was laid out is trusted only if it gives what it was made of.
      const size_t bytes = std::min(kComparedBytes, scratch.push.used_bytes - making_.at);
      const size_t from = std::exchange(making_.at, making_.at + bytes);
      return std::memcmp(scratch.copy.bytes() + from, scratch.push.bytes() + from, bytes) == 0;
    }
  }
  return false;
}

// Marks are whole numbers, which are their own canonical spelling: one for each number, so that the canonical text says
// which stands where.
void SkeletonText::spell_marks(size_t numbers, std::string& marks) {
  if (making_.at == 0) {
    marks.clear();
    marks.reserve(numbers * kMarkBytes);
  }
  const size_t end = std::min(numbers, making_.at + kNumbersPerStep);
  for (; making_.at != end; ++making_.at) marks += std::to_string(kFirstMark + making_.at);
  if (end != numbers) return;
  making_.phase = Making::Phase::kMark;
  making_.at = 0;
}

void SkeletonText::mark(model::Families& families, std::span<const TextNumber> numbers, std::string_view marks) {
  const size_t end = std::min(numbers.size(), making_.at + kNumbersPerStep);
  for (; making_.at != end; ++making_.at) {
    const TextNumber& number = numbers[making_.at];
    const uint64_t value = kFirstMark + making_.at;
    switch (number.meaning) {
      case Meaning::kValue:
        families.metrics[number.at].value = static_cast<double>(value);
        families.metrics[number.at].value_text = marks.substr(making_.at * kMarkBytes, kMarkBytes);
        break;
      case Meaning::kSum:
        families.metrics[number.at].sum = static_cast<double>(value);
        break;
      case Meaning::kSummaryCount:
      case Meaning::kHistogramCount:
        families.metrics[number.at].count = value;
        break;
      case Meaning::kQuantile:
        families.points[number.at].value = static_cast<double>(value);
        break;
      case Meaning::kBucket:
        families.points[number.at].count = value;
        break;
      case Meaning::kNothing:
        break;
    }
  }
  if (end != numbers.size()) return;
  making_.phase = Making::Phase::kCanonicalise;
  making_.at = 0;
}

bool SkeletonText::begin_family(const model::Families& families, const model::CanonicalPush& push) {
  const model::CanonicalFamily& family = push.families[making_.at];
  const model::Fragment fragment = push.fragment(family);
  const model::FragmentHeader& header = fragment.header();
  if (header.record_bytes != 0 || header.has_quoted_names != 0 || header.is_inconsistent != 0) return false;
  making_.phase = Making::Phase::kNames;
  making_.metric = families.families[family.source].metrics_first;
  making_.text = fragment.text();
  making_.first = true;
  making_.series = 0;
  making_.lines = 0;
  return true;
}

// A family of metrics whose label names are not all the same is in an order that may depend on grouping labels.
bool SkeletonText::compare_names(const model::Families& families, const model::CanonicalPush& push) {
  const uint32_t source = push.families[making_.at].source;
  const model::Metric& first = families.metrics[families.families[source].metrics_first];
  for (size_t count = 0; count < kNumbersPerStep && making_.metric != model::kNone; ++count) {
    const model::Metric& metric = families.metrics[making_.metric];
    if (!has_names_of(families, metric, first)) return false;
    making_.metric = metric.next;
  }
  if (making_.metric == model::kNone) making_.phase = Making::Phase::kLines;
  return true;
}

bool SkeletonText::lay_out_lines(std::span<const TextNumber> numbers, const model::CanonicalPush& push) {
  const model::CanonicalFamily& family = push.families[making_.at];
  std::string_view& text = making_.text;
  for (size_t laid_out = 0; laid_out < kLaidOutBytes && !text.empty(); ++making_.lines) {
    const size_t bytes = text.find('\n') + 1;
    laid_out += bytes;
    Line& line = lines_.emplace_back();
    if (!lay_out_line(text.substr(0, bytes), numbers, line)) return false;
    line.first = making_.first;
    making_.series += making_.first ? 1 : 0;
    // The count is the last line of a summary or histogram.
    making_.first = is_simple(family.type) || line.number.meaning == Meaning::kSummaryCount ||
                    line.number.meaning == Meaning::kHistogramCount;
    text.remove_prefix(bytes);
  }
  if (!text.empty()) return true;
  const model::FragmentHeader& header = push.fragment(family).header();
  if (making_.series != header.series || making_.lines != header.samples) return false;
  pattern_.lines.push_back(making_.lines);
  series_of_.push_back(making_.series);
  families_.push_back(family);
  series_ += making_.series;
  fixed_bytes_ += model::Fragment::text_offset(making_.series) + sizeof(uint64_t);
  ++making_.at;
  making_.phase = Making::Phase::kFamily;
  return true;
}

void SkeletonText::end_lay_out() {
  list_ = unique_number();
  pattern_.literal_bytes = static_cast<uint32_t>(pattern_.literals.size());
  fixed_bytes_ += pattern_.literals.size() + lines_.size() * (kGoFloatRoom + 1) + kSlack;
  pattern_.literals.append(kSlack, '\0');
}

// `name{label="value",...} number`
bool SkeletonText::lay_out_line(std::string_view text, std::span<const TextNumber> numbers, Line& out) {
  const size_t number_at = text.rfind(' ') + 1;
  uint64_t value = 0;
  for (const char digit : text.substr(number_at, text.size() - 1 - number_at)) {
    if (digit < '0' || digit > '9') return false;
    value = value * 10 + static_cast<uint64_t>(digit - '0');
    if (value >= kFirstMark + kMarksMax) return false;
  }
  if (value < kFirstMark || value - kFirstMark >= numbers.size()) return false;
  out.number_index = static_cast<uint32_t>(value - kFirstMark);
  out.number = numbers[out.number_index];

  Scan scan{text, text.find('{') + 1, 0};
  out.name_bytes = static_cast<uint32_t>(scan.at);
  const Meaning meaning = out.number.meaning;
  const std::string_view bound = meaning == Meaning::kBucket     ? ",le=\""
                                 : meaning == Meaning::kQuantile ? ",quantile=\""
                                                                 : "";
  // The bound is the last label, and no part of the label text.
  const size_t labels_end = bound.empty() ? number_at - 2 : text.rfind(bound);
  while (scan.at < labels_end) {
    if (!lay_out_label(scan)) return false;
    if (scan.at != labels_end) ++scan.at;
  }
  if (scan.at != labels_end) return false;
  out.tail_bytes = static_cast<uint32_t>(number_at - labels_end);
  scan.at = number_at;
  add_run(scan, kNumber);
  return true;
}

// Quotes within a value are escaped.
bool SkeletonText::lay_out_label(Scan& scan) {
  const size_t equals = scan.line.find("=\"", scan.at);
  if (equals == std::string_view::npos) return false;
  const std::string_view name = scan.line.substr(scan.at, equals - scan.at);
  const std::vector<std::string>& names = pattern_.names;
  const auto found = std::ranges::find(names, name);
  scan.at = equals + 2;
  if (found != names.end()) add_run(scan, static_cast<uint32_t>(found - names.begin()));
  while (scan.at < scan.line.size() && scan.line[scan.at] != '"') scan.at += scan.line[scan.at] == '\\' ? 2 : 1;
  if (scan.at >= scan.line.size()) return false;
  if (found != names.end()) scan.from = scan.at;
  ++scan.at;
  return true;
}

void SkeletonText::add_run(Scan& scan, uint32_t label) {
  pattern_.literals += scan.line.substr(scan.from, scan.at - scan.from);
  pattern_.runs.push_back({static_cast<uint32_t>(scan.at - scan.from), label});
  if (label != kNumber) ++uses_[label];
}

bool SkeletonText::fits(const model::GroupKey& key) const noexcept {
  const std::vector<std::string>& names = pattern_.names;
  if (key.label_count() != names.size()) return false;
  for (size_t index = 0; index < names.size(); ++index) {
    if (key.label(index).name != names[index]) return false;
  }
  return !names.empty();
}

size_t SkeletonText::bytes() const noexcept {
  size_t bytes = pattern_.literals.size() + escaped_.capacity() +
                 (bounds_->keeps_hashes ? series_ * sizeof(uint64_t) : 0) + pattern_.runs.capacity() * sizeof(Run) +
                 lines_.size() * sizeof(Line) + 2 * series_of_.capacity() * sizeof(uint32_t) +
                 families_.capacity() * sizeof(model::CanonicalFamily);
  for (const std::string& name : pattern_.names) bytes += sizeof(std::string) + name.capacity();
  return bytes;
}

}  // namespace sluice::parser
