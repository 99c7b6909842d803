#include "parser/canonical_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/base/go_float.h"
#include "core/base/hash.h"
#include "parser/canonical_escape.h"
#include "parser/names.h"

namespace sluice::parser {

namespace {

// A push this large is rare; its memory goes back when a much smaller one follows.
constexpr size_t kWordsKept = (4 * 1024 * 1024) / sizeof(uint64_t);
// Beside name and labels a line has `="`, `"`, `} `, a newline, a bound, a value and the slack of block copies.
constexpr size_t kLineRoom = 2 * kGoFloatRoom + 16 + 2 * kCopySlack;
constexpr uint32_t kLinesPerCheck = 32;
// Above this a count is not a float.
constexpr uint64_t kExactCountMax = uint64_t{1} << 53;

// Sum of the values that go into the holes, escaped at worst.
size_t label_room(const model::LabelPair* labels, const LabelPlan& plan) noexcept {
  size_t bytes = 0;
  for (const LabelPlan::Hole& hole : plan.holes) bytes += labels[hole.source].value.size();
  return plan.text_bytes + 2 * bytes + kCopySlack;
}

// The NaN that parsing the text gives is Go's, whatever sign; a negative zero is the one number that the text loses.
bool is_negative_zero(double value) noexcept { return value == 0 && std::signbit(value); }

char* write_value(double value, char* at) noexcept { return at + format_go_float(value, at); }

// Counts are floats when the float is not zero, as expfmt has it.
double count_of(double as_float, uint64_t count) noexcept {
  return as_float == 0 ? static_cast<double>(count) : as_float;
}

size_t prefix_room(std::string_view name) noexcept { return 2 * name.size() + 4 + kCopySlack; }

// The name and what opens the labels: `name{`, or `{"name",` when it needs quotes.
char* write_prefix(std::string_view name, std::string_view suffix, bool unquoted, char* at) noexcept {
  if (unquoted) {
    std::memcpy(at, name.data(), name.size());
    at += name.size();
    at += suffix.copy(at, suffix.size());
    *at++ = '{';
    return at;
  }
  *at++ = '{';
  *at++ = '"';
  bool high = false;
  at = write_escaped(name, at, high);
  at += suffix.copy(at, suffix.size());
  *at++ = '"';
  *at++ = ',';
  return at;
}

}  // namespace

void FragmentWriter::Prefix::set(std::string_view name, std::string_view suffix, bool unquoted) {
  text.resize(prefix_room(name) + suffix.size());
  bytes = static_cast<size_t>(write_prefix(name, suffix, unquoted, text.data()) - text.data());
}

void reserve_words(model::CanonicalPush& out, size_t words) {
  if (out.words.size() > kWordsKept && words < out.words.size() / 4)
    model::UninitialisedVector<uint64_t>().swap(out.words);
  if (out.words.size() < words) {
    out.words.clear();  // nothing to copy
    out.words.resize(std::max(words, size_t{1024}));
  }
}

void FragmentWriter::begin(model::CanonicalPush& out, uint64_t most, bool any_bytes) {
  out_ = &out;
  any_bytes_ = any_bytes;
  reserve_words(out, static_cast<size_t>(most / sizeof(uint64_t)) + 64);
  base_ = reinterpret_cast<char*>(out.words.data());
  capacity_ = out.words.size() * sizeof(uint64_t);
  at_ = 0;
  in_metric_ = false;
}

void FragmentWriter::grow(size_t bytes) {
  const size_t words = (at_ + bytes) / sizeof(uint64_t) + 1;
  out_->words.resize(std::max(words, out_->words.size() + out_->words.size() / 2));
  base_ = reinterpret_cast<char*>(out_->words.data());
  capacity_ = out_->words.size() * sizeof(uint64_t);
}

void FragmentWriter::start(const model::Family& family, bool unquoted) {
  fragment_at_ = at_;
  text_at_ = at_ + model::Fragment::text_offset(family.metrics_count);
  series_ = family.metrics_count;
  name_ = family.name;
  unquoted_ = unquoted;
  quoted_ = !unquoted;
  bad_bytes_ = false;
  series_done_ = 0;
  samples_ = 0;
  in_metric_ = false;
  inexact_ = false;
  text_end_ = 0;
  type_ = family.type;
  static_cast<void>(reserve(text_at_ - at_));
  at_ = text_at_;
  if (type_ == model::MetricType::kSummary || is_histogram()) {
    plain_.set(name_, {}, unquoted);
    sum_.set(name_, "_sum", unquoted);
    count_.set(name_, "_count", unquoted);
    if (is_histogram()) bucket_.set(name_, "_bucket", unquoted);
  }
}

uint64_t FragmentWriter::finish(bool inconsistent) {
  SLUICE_CHECK(series_done_ == series_);
  const size_t text_end = text_end_ == 0 ? at_ : text_end_;
  SLUICE_CHECK(at_ - text_at_ <= std::numeric_limits<uint32_t>::max());
  model::FragmentHeader header;
  header.series = series_;
  header.samples = samples_ & 0x3fff'ffff;  // each is several bytes of text, so there are fewer
  header.is_inconsistent = inconsistent ? 1 : 0;
  header.has_quoted_names = quoted_ ? 1 : 0;
  header.text_bytes = static_cast<uint32_t>(text_end - text_at_);
  header.record_bytes = static_cast<uint32_t>(at_ - text_end);
  const size_t padding = (8 - at_ % 8) % 8;
  char* at = reserve(padding);
  std::memset(at, 0, padding);
  at_ += padding;
  std::memcpy(base_ + fragment_at_, &header, sizeof(header));
  out_->used_bytes = at_;
  out_->series += series_;
  out_->samples += samples_;
  return fragment_at_;
}

FragmentWriter::Result FragmentWriter::write(const model::Families& families, const model::Metric& metric,
                                             const LabelPlan& plan, Deadline deadline) {
  const model::LabelPair* labels = families.labels.data() + metric.labels_begin;
  if (type_ != model::MetricType::kSummary && !is_histogram()) return write_simple(labels, metric, plan);
  if (!in_metric_) {
    if (!begin_lines(labels, plan)) return Result::kBadUtf8;
    point_ = metric.points_first;
    in_metric_ = true;
    inf_seen_ = false;
  }
  if (!write_points(families, metric, deadline)) return Result::kSliced;
  write_totals(metric);
  in_metric_ = false;
  return Result::kDone;
}

char* FragmentWriter::write_labels(const model::LabelPair* labels, const LabelPlan& plan, char* at) {
  quoted_ = quoted_ || plan.has_quoted_names;
  const char* text = plan.text.data();
  size_t from = 0;
  for (const LabelPlan::Hole& hole : plan.holes) {
    at = copy_blocks(text + from, hole.text_end - from, at);
    from = hole.text_end;
    const std::string_view value = labels[hole.source].value;
    bool high = false;
    at = write_escaped(value, at, high);
    if (high && !is_valid_utf8(value)) {
      bad_bytes_ = true;
      bad_label_ = plan.names[hole.source];
      if (!any_bytes_) return nullptr;
    }
  }
  return copy_blocks(text + from, plan.text_bytes - from, at);
}

FragmentWriter::Result FragmentWriter::write_simple(const model::LabelPair* labels, const model::Metric& metric,
                                                    const LabelPlan& plan) {
  char* const begin = reserve(prefix_room(name_) + label_room(labels, plan) + kLineRoom);
  char* label_begin;
  if (series_done_ == 0) {
    label_begin = write_prefix(name_, {}, unquoted_, begin);
    name_bytes_ = static_cast<size_t>(label_begin - begin);
  } else {
    label_begin = copy_blocks(base_ + text_at_, name_bytes_, begin);
  }
  char* at = write_labels(labels, plan, label_begin);
  if (at == nullptr) return Result::kBadUtf8;
  const uint64_t hash = keyed_hash({label_begin, static_cast<size_t>(at - label_begin)});
  std::memcpy(base_ + fragment_at_ + sizeof(model::FragmentHeader) + size_t{8} * series_done_++, &hash, sizeof(hash));
  *at++ = '}';
  *at++ = ' ';
  if (is_canonical_go_float(metric.value_text)) {
    metric.value_text.copy(at, metric.value_text.size());
    at += metric.value_text.size();
  } else {
    at = write_value(metric.value, at);
    inexact_ = inexact_ || is_negative_zero(metric.value);
  }
  *at++ = '\n';
  at_ += static_cast<size_t>(at - begin);
  ++samples_;
  return Result::kDone;
}

bool FragmentWriter::begin_lines(const model::LabelPair* labels, const LabelPlan& plan) {
  const size_t room = label_room(labels, plan) + kCopySlack;
  if (label_text_.size() < room) label_text_.resize(room);
  const char* end = write_labels(labels, plan, label_text_.data());
  if (end == nullptr) return false;
  label_bytes_ = static_cast<size_t>(end - label_text_.data());
  const uint64_t hash = keyed_hash({label_text_.data(), label_bytes_});
  std::memcpy(base_ + fragment_at_ + sizeof(model::FragmentHeader) + size_t{8} * series_done_++, &hash, sizeof(hash));
  return true;
}

bool FragmentWriter::write_points(const model::Families& families, const model::Metric& metric, Deadline deadline) {
  const bool histogram = is_histogram();
  const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
  const Prefix& prefix = histogram ? bucket_ : plain_;
  uint32_t lines = 0;
  while (point_ != model::kNone) {
    const model::Point& point = families.points[point_];
    double value = point.value;
    if (histogram) {
      value = count_of(floats ? point.value : 0, point.count);
      inexact_ = inexact_ || point.count > kExactCountMax;
      inf_seen_ = inf_seen_ || (std::isinf(point.bound) && point.bound > 0);
    }
    inexact_ = inexact_ || is_negative_zero(point.bound) || is_negative_zero(value);
    write_bound_line(prefix, histogram ? "le" : "quantile", point.bound, value);
    point_ = point.next;
    if (++lines % kLinesPerCheck == 0 && point_ != model::kNone && deadline.passed()) return false;
  }
  return true;
}

void FragmentWriter::write_totals(const model::Metric& metric) {
  constexpr uint16_t kAll = model::kHasCount | model::kHasSum;
  inexact_ = inexact_ || (metric.fields & kAll) != kAll || (metric.fields & model::kCountsAreFloat) != 0 ||
             metric.count > kExactCountMax || is_negative_zero(metric.sum) || (is_histogram() && !inf_seen_);
  if (is_histogram()) {
    const bool floats = (metric.fields & model::kCountsAreFloat) != 0;
    const double count = count_of(floats ? metric.count_float : 0, metric.count);
    if (!inf_seen_) write_bound_line(bucket_, "le", std::numeric_limits<double>::infinity(), count);
    write_line(sum_, metric.sum);
    write_line(count_, count);
    return;
  }
  write_line(sum_, metric.sum);
  write_line(count_, static_cast<double>(metric.count));
}

void FragmentWriter::write_line(const Prefix& prefix, double value) {
  char* const begin = reserve(prefix.bytes + label_bytes_ + kLineRoom);
  char* at = copy_blocks(prefix.text.data(), prefix.bytes, begin);
  at = copy_blocks(label_text_.data(), label_bytes_, at);
  *at++ = '}';
  *at++ = ' ';
  at = write_value(value, at);
  *at++ = '\n';
  at_ += static_cast<size_t>(at - begin);
  ++samples_;
}

void FragmentWriter::write_bound_line(const Prefix& prefix, std::string_view bound_name, double bound, double value) {
  char* const begin = reserve(prefix.bytes + label_bytes_ + kLineRoom);
  char* at = copy_blocks(prefix.text.data(), prefix.bytes, begin);
  at = copy_blocks(label_text_.data(), label_bytes_, at);
  *at++ = ',';
  at += bound_name.copy(at, bound_name.size());
  *at++ = '=';
  *at++ = '"';
  at = write_value(bound, at);
  *at++ = '"';
  *at++ = '}';
  *at++ = ' ';
  at = write_value(value, at);
  *at++ = '\n';
  at_ += static_cast<size_t>(at - begin);
  ++samples_;
}

}  // namespace sluice::parser
