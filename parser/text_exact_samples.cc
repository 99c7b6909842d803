// The sample lines of ExactTextParser: families by name, labels, and what a value means for the family's type.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "parser/number.h"
#include "parser/quote.h"
#include "parser/text_exact.h"

namespace sluice::parser {
namespace {

using model::MetricType;

// Up to this many labels a loop over them beats a table.
constexpr uint32_t kFewLabels = 16;

constexpr bool is_histogram(MetricType type) noexcept {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

// `name` without `suffix`, or empty when it has none or is nothing else.
std::string_view without_suffix(std::string_view name, std::string_view suffix) noexcept {
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return {};
  return name.substr(0, name.size() - suffix.size());
}

}  // namespace

std::string ExactTextParser::family_quoted() const {
  const std::string_view name = family_ == model::kNone ? std::string_view() : out_->families[family_].name;
  return go_quoted(name.substr(0, limits::kErrorTokenBytesMax));
}

uint32_t ExactTextParser::find_family(std::string_view name, uint64_t hash) const {
  return families_by_name_.find(hash, [&](uint32_t index) { return out_->families[index].name == name; });
}

// Finds the family that lines of this name belong to, or makes it. Sets family_ and role_.
bool ExactTextParser::select_family(std::string_view name) {
  if (!last_name_.empty() && name == last_name_) {
    family_ = last_family_;
    role_ = last_role_;
    return true;
  }
  if (!is_valid_metric_name(name, scheme_)) {
    fail("invalid metric name " + go_quoted(name.substr(0, limits::kErrorTokenBytesMax)));
    return false;
  }
  role_ = Role::kPlain;
  const uint64_t hash = keyed_hash(name);
  family_ = find_family(name, hash);
  if (family_ == model::kNone && !find_gathered(name)) {
    family_ = static_cast<uint32_t>(out_->families.size());
    out_->families.emplace_back().name = name;
    type_known_.push_back(0);
    families_by_name_.insert(hash, family_);
  }
  last_name_ = name;
  last_family_ = family_;
  last_role_ = role_;
  return true;
}

// The summary or histogram that `name` is a part of: x_count and x_sum of both, x_bucket of the latter.
bool ExactTextParser::find_gathered(std::string_view name) {
  static constexpr std::pair<std::string_view, Role> kSuffixes[] = {
      {"_count", Role::kCount}, {"_sum", Role::kSum}, {"_bucket", Role::kPlain}};
  for (const auto& [suffix, role] : kSuffixes) {
    const std::string_view base = without_suffix(name, suffix);
    if (base.empty()) continue;
    const uint32_t index = find_family(base, keyed_hash(base));
    if (index == model::kNone) return false;
    const MetricType type = out_->families[index].type;
    if (!is_histogram(type) && (type != MetricType::kSummary || suffix == "_bucket")) return false;
    family_ = index;
    role_ = role;
    return true;
  }
  return false;
}

// The name of a sample line is known: from here on its family cannot get a TYPE any more.
void ExactTextParser::start_sample() {
  type_known_[family_] = 1;
  name_seen_ = true;
}

ExactTextParser::Go ExactTextParser::run_labels() {
  Go go = Go::kOn;
  switch (state_) {
    case State::kLabelStart:
      go = label_start();
      break;
    case State::kLabelName:
      go = label_name();
      break;
    case State::kAfterLabelName:
      go = after_label_name();
      break;
    case State::kLabelValueStart:
      if (go = skip_blanks(); go != Go::kOn) break;
      if (*at_ != '"') {
        std::string message = "expected '\"' at start of label value, found ";
        append_quoted_byte(message, *at_);
        return fail(std::move(message));
      }
      ++at_;
      begin_token(State::kLabelValue);
      break;
    case State::kLabelValue:
      go = label_value();
      break;
    case State::kAfterLabelValue:
      go = after_label_value();
      break;
    default:
      SLUICE_CHECK(false);
  }
  return go;
}

ExactTextParser::Go ExactTextParser::label_start() {
  if (const Go go = skip_blanks(); go != Go::kOn) return go;
  if (*at_ != '}') {
    begin_token(State::kLabelName);
    return Go::kOn;
  }
  if (!name_seen_) return fail("invalid metric name");
  ++at_;
  state_ = State::kBeforeValue;
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::label_name() {
  if (const Go go = scan_name(Token::kLabelName); go != Go::kOn) return go;
  label_name_ = stored_name();
  if (label_name_.empty()) return fail("invalid label name for metric " + family_quoted());
  state_ = State::kAfterLabelName;
  return Go::kOn;
}

ExactTextParser::Go ExactTextParser::after_label_name() {
  if (const Go go = skip_blanks(); go != Go::kOn) return go;
  const char next = *at_;
  if (next == '=') {
    if (!accept_label(label_name_)) return Go::kFail;
    ++at_;
    state_ = State::kLabelValueStart;
    return Go::kOn;
  }
  if (in_braces_) return name_in_braces(next);
  std::string message = "expected '=' after label name, found ";
  append_quoted_byte(message, next);
  return fail(std::move(message));
}

// What looked like a label name stands without a value: in `{"name",...}` that is the metric name.
ExactTextParser::Go ExactTextParser::name_in_braces(char next) {
  if (name_seen_) return fail("multiple metric names for metric " + family_quoted());
  if (next != ',' && next != '}') {
    std::string message = "unexpected end of metric name ";
    append_quoted_byte(message, next);
    return fail(std::move(message));
  }
  if (!select_family(label_name_)) return Go::kFail;
  start_sample();
  if (!adopt_label_bound()) return Go::kFail;
  ++at_;
  state_ = next == ',' ? State::kLabelStart : State::kBeforeValue;
  return Go::kOn;
}

// The label that is not one of the family's labels but says which quantile or bucket the line is.
std::string_view ExactTextParser::bound_label() const noexcept {
  if (!name_seen_) return {};
  const MetricType type = out_->families[family_].type;
  if (type == MetricType::kSummary) return "quantile";
  if (is_histogram(type)) return "le";
  return {};
}

// Takes a bound label that stood before the name in braces out of the line's labels.
bool ExactTextParser::adopt_label_bound() {
  const std::string_view bound = bound_label();
  if (bound.empty()) return true;
  auto& labels = out_->labels;
  for (uint32_t i = labels_begin_; i < labels.size(); ++i) {
    if (labels[i].name != bound) continue;
    if (!accept_bound(labels[i].value)) return false;
    labels.erase(labels.begin() + i);
    break;
  }
  return true;
}

bool ExactTextParser::accept_label(std::string_view name) {
  if (name == "__name__") {
    fail("label name \"__name__\" is reserved");
    return false;
  }
  if (!is_valid_label_name(name, scheme_)) {
    fail("invalid label name " + go_quoted(name.substr(0, limits::kErrorTokenBytesMax)));
    return false;
  }
  if (++line_labels_ > limits::kLabelsPerSeriesMax) {
    fail("more than " + std::to_string(limits::kLabelsPerSeriesMax) + " labels for metric " + family_quoted(),
         limits::Limit::kLabelsPerSeries);
    return false;
  }
  label_is_bound_ = name == bound_label();
  if (!label_is_bound_ && is_duplicate(name)) {
    fail("duplicate label names for metric " + family_quoted());
    return false;
  }
  return true;
}

bool ExactTextParser::is_duplicate(std::string_view name) {
  const auto& labels = out_->labels;
  const auto count = static_cast<uint32_t>(labels.size()) - labels_begin_;
  if (count < kFewLabels) {
    for (size_t i = labels_begin_; i < labels.size(); ++i) {
      if (labels[i].name == name) return true;
    }
    return false;
  }
  if (count == kFewLabels) {
    label_names_.clear();
    for (size_t i = labels_begin_; i < labels.size(); ++i) {
      label_names_.insert(keyed_hash(labels[i].name), static_cast<uint32_t>(i));
    }
  }
  const uint64_t hash = keyed_hash(name);
  if (label_names_.find(hash, [&](uint32_t i) { return labels[i].name == name; }) != model::kNone) return true;
  label_names_.insert(hash, static_cast<uint32_t>(labels.size()));  // where label_value() will put it
  return false;
}

ExactTextParser::Go ExactTextParser::label_value() {
  if (const Go go = scan_label_value(); go != Go::kOn) return go;
  if (const Go go = undo_escapes(); go != Go::kOn) return go;
  if (const Go go = check_utf8(); go != Go::kOn) return go;
  const std::string_view text = text_;
  if (label_is_bound_) {
    if (!accept_bound(text)) return Go::kFail;
  } else {
    out_->labels.push_back({label_name_, text});
  }
  label_value_ = text;
  ++at_;
  state_ = State::kAfterLabelValue;
  return Go::kOn;
}

bool ExactTextParser::accept_bound(std::string_view text) {
  if (text.size() <= limits::kNumberBytesMax && parse_float(text, bound_) == NumberError::kNone) return true;
  std::string message = "expected float as value for '";
  message += bound_label();
  message += "' label, got ";
  append_quoted(message, text.substr(0, limits::kErrorTokenBytesMax));
  fail(std::move(message));
  return false;
}

ExactTextParser::Go ExactTextParser::after_label_value() {
  if (const Go go = skip_blanks(); go != Go::kOn) return go;
  if (*at_ == ',') {
    ++at_;
    state_ = State::kLabelStart;
    return Go::kOn;
  }
  if (*at_ == '}') {
    if (!name_seen_) return fail("invalid metric name");
    ++at_;
    state_ = State::kBeforeValue;
    return Go::kOn;
  }
  return fail("unexpected end of label value " + go_quoted(label_value_.substr(0, limits::kErrorTokenBytesMax)));
}

// Independent of the labels' order: a sum over the pairs.
uint64_t ExactTextParser::hash_labels() const {
  uint64_t sum = (uint64_t{family_} + 1) * 0x9e3779b97f4a7c15u;
  for (size_t i = labels_begin_; i < out_->labels.size(); ++i) {
    const model::LabelPair& label = out_->labels[i];
    uint64_t pair = keyed_hash(label.name) * 0x9e3779b97f4a7c15u ^ keyed_hash(label.value);
    pair = (pair ^ pair >> 32) * 0xd6e8feb86659fd93u;
    sum += pair ^ pair >> 32;
  }
  return sum;
}

// Whether the line has the labels of `metric`, in any order.
bool ExactTextParser::same_labels(const model::Metric& metric) {
  const auto& labels = out_->labels;
  const auto count = static_cast<uint32_t>(labels.size()) - labels_begin_;
  if (metric.labels_count != count) return false;
  uint32_t same = 0;
  while (same < count && labels[metric.labels_begin + same].name == labels[labels_begin_ + same].name &&
         labels[metric.labels_begin + same].value == labels[labels_begin_ + same].value) {
    ++same;
  }
  if (same == count) return true;
  const auto sort = [&](std::vector<uint32_t>& order, uint32_t begin) {
    order.resize(count);
    std::iota(order.begin(), order.end(), begin);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return labels[a].name < labels[b].name; });
  };
  sort(order_a_, metric.labels_begin);
  sort(order_b_, labels_begin_);
  return std::equal(order_a_.begin(), order_a_.end(), order_b_.begin(), [&](uint32_t a, uint32_t b) {
    return labels[a].name == labels[b].name && labels[a].value == labels[b].value;
  });
}

// All labels are known: the line is a new metric, or goes on with one of the family's summaries or histograms.
void ExactTextParser::resolve_metric() {
  const MetricType type = family().type;
  const bool gathered = type == MetricType::kSummary || is_histogram(type);
  uint64_t hash = 0;
  if (gathered) {
    const uint32_t last = family().metrics_last;
    if (last != model::kNone && same_labels(out_->metrics[last])) {
      metric_ = last;
      out_->labels.resize(labels_begin_);
      return;
    }
    hash = hash_labels();
    metric_ = metrics_by_labels_.find(hash, [&](uint32_t index) {
      return out_->metrics[index].family == family_ && same_labels(out_->metrics[index]);
    });
    if (metric_ != model::kNone) {
      out_->labels.resize(labels_begin_);
      return;
    }
  }
  metric_ = out_->add_metric(family_);
  model::Metric& metric = out_->metrics[metric_];
  metric.labels_begin = labels_begin_;
  metric.labels_count = static_cast<uint32_t>(out_->labels.size()) - labels_begin_;
  if (gathered) metrics_by_labels_.insert(hash, metric_);
}

bool ExactTextParser::store_value(double value, std::string_view text) {
  const MetricType type = family().type;
  if (type == MetricType::kSummary) return store_summary_value(value);
  if (is_histogram(type)) return store_histogram_value(value);
  model::Metric& metric = out_->metrics[metric_];
  metric.value = value;
  metric.value_text = text;
  return true;
}

bool ExactTextParser::store_summary_value(double value) {
  model::Metric& metric = out_->metrics[metric_];
  if (role_ == Role::kCount) {
    metric.count = go_uint64(value);
    metric.fields |= model::kHasCount;
  } else if (role_ == Role::kSum) {
    metric.sum = value;
    metric.fields |= model::kHasSum;
  } else if (!std::isnan(bound_)) {
    model::Point point;
    point.bound = bound_;
    point.value = value;
    out_->add_point(metric_, point);
  }
  return true;
}

bool ExactTextParser::store_histogram_value(double value) {
  model::Metric& metric = out_->metrics[metric_];
  if (role_ == Role::kSum) {
    metric.sum = value;
    metric.fields |= model::kHasSum;
    return true;
  }
  const bool is_count = role_ == Role::kCount;
  if (!is_count && std::isnan(bound_)) return true;  // neither count, sum nor bucket: the reference drops it
  const uint64_t integer = go_uint64(value);
  const bool is_float = value != static_cast<double>(integer);
  if (is_float && value < 0) {
    fail((is_count ? "negative count for histogram " : "negative bucket population for histogram ") + family_quoted());
    return false;
  }
  if (is_float) {
    metric.fields |= model::kCountsAreFloat;
    any_float_counts_ = true;
  }
  if (!is_count) {
    model::Point point;
    point.bound = bound_;
    point.value = is_float ? value : 0;
    point.count = is_float ? 0 : integer;
    out_->add_point(metric_, point);
  } else if (is_float) {
    metric.count_float = value;
  } else {
    metric.count = integer;
    metric.fields |= model::kHasCount;
  }
  return true;
}

}  // namespace sluice::parser
