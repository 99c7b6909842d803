#include "parser/skeleton_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "core/base/go_float.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/unique_number.h"
#include "parser/canonical_escape.h"

namespace sluice::parser {
namespace {

using Meaning = TextNumber::Meaning;

// Marks are whole numbers of six digits, which are their own canonical spelling.
constexpr uint64_t kFirstMark = 100'000;
constexpr size_t kMarkBytes = 6;
constexpr size_t kMarksMax = 900'000;
static_assert(limits::kSkeletonBodyBytesMax < kMarksMax);
// Above this a count is not a float.
constexpr uint64_t kExactCountMax = uint64_t{1} << 53;
constexpr uint32_t kNumber = model::PushPattern::kNumber;

bool is_negative_zero(double value) noexcept { return value == 0 && std::signbit(value); }

// Puts a number of its own in every place, so that the canonical text says which number stands where.
void mark(model::Families& families, std::span<const TextNumber> numbers, std::string& marks) {
  marks.clear();
  for (uint64_t index = 0; index < numbers.size(); ++index) marks += std::to_string(kFirstMark + index);
  for (size_t index = 0; index < numbers.size(); ++index) {
    const TextNumber& number = numbers[index];
    const uint64_t value = kFirstMark + index;
    switch (number.meaning) {
      case Meaning::kValue:
        families.metrics[number.at].value = static_cast<double>(value);
        families.metrics[number.at].value_text = std::string_view(marks).substr(index * kMarkBytes, kMarkBytes);
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
}

// A family of metrics whose label names are not all the same is in an order that may depend on grouping labels.
bool has_one_set_of_names(const model::Families& families, const model::Family& family) {
  const model::Metric& first = families.metrics[family.metrics_first];
  for (uint32_t index = first.next; index != model::kNone; index = families.metrics[index].next) {
    const model::Metric& metric = families.metrics[index];
    if (metric.labels_count != first.labels_count) return false;
    for (uint32_t k = 0; k < metric.labels_count; ++k) {
      if (families.labels[metric.labels_begin + k].name != families.labels[first.labels_begin + k].name) return false;
    }
  }
  return true;
}

bool is_equal(const model::CanonicalPush& a, const model::CanonicalPush& b) {
  if (a.used_bytes != b.used_bytes || std::memcmp(a.bytes(), b.bytes(), a.used_bytes) != 0) return false;
  if (a.series != b.series || a.samples != b.samples || a.families.size() != b.families.size()) return false;
  for (size_t index = 0; index < a.families.size(); ++index) {
    if (a.families[index].fragment_at != b.families[index].fragment_at) return false;
  }
  return true;
}

// 1 to kGoFloatBytesMax bytes, in pieces of which two may overlap.
char* copy_number(std::string_view text, char* at) noexcept {
  const size_t bytes = text.size();
  const char* const from = text.data();
  if (bytes >= 8) {
    std::memcpy(at, from, 8);
    if (bytes > 16) std::memcpy(at + 8, from + 8, 8);
    std::memcpy(at + bytes - 8, from + bytes - 8, 8);
  } else if (bytes >= 4) {
    std::memcpy(at, from, 4);
    std::memcpy(at + bytes - 4, from + bytes - 4, 4);
  } else {
    at[0] = from[0];
    at[bytes / 2] = from[bytes / 2];
    at[bytes - 1] = from[bytes - 1];
  }
  return at + bytes;
}

// The number as the canonicaliser writes it; nullptr when it would write a record as well.
char* write_number(const TextNumber& number, const model::Families& families, char* at) noexcept {
  double value = 0;
  if (number.meaning == Meaning::kValue) {
    const model::Metric& metric = families.metrics[number.at];
    const std::string_view text = metric.value_text;
    if (is_canonical_go_float(text)) {
      std::memcpy(at, text.data(), text.size());
      return at + text.size();
    }
    value = metric.value;
  } else if (number.meaning == Meaning::kSum) {
    value = families.metrics[number.at].sum;
  } else if (number.meaning == Meaning::kQuantile) {
    value = families.points[number.at].value;
  } else {
    const uint64_t count = number.is_of_point() ? families.points[number.at].count : families.metrics[number.at].count;
    if (count > kExactCountMax) return nullptr;
    value = static_cast<double>(count);
  }
  if (is_negative_zero(value)) return nullptr;
  return at + format_go_float(value, at);
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
}

bool SkeletonText::make(model::Families& families, std::span<const TextNumber> numbers, const model::GroupKey& key,
                        Scratch& scratch) {
  clear();
  mark(families, numbers, scratch.marks);
  scratch.canonicaliser.begin(families, key, scratch.push);
  if (scratch.canonicaliser.step(Deadline::never()) != Canonicaliser::State::kDone) return false;
  for (size_t index = 0; index < key.label_count(); ++index) pattern_.names.emplace_back(key.label(index).name);
  uses_.assign(pattern_.names.size(), 0);
  // What was laid out is trusted only if it gives what it was made of.
  if (lay_out(families, numbers, scratch.push) && write(families, {}, key, scratch.copy) &&
      is_equal(scratch.copy, scratch.push) && bytes() <= limits::kSkeletonBytesMax) {
    return true;
  }
  clear();
  return false;
}

bool SkeletonText::lay_out(const model::Families& families, std::span<const TextNumber> numbers,
                           const model::CanonicalPush& push) {
  for (const model::CanonicalFamily& family : push.families) {
    const model::Fragment fragment = push.fragment(family);
    const model::FragmentHeader& header = fragment.header();
    if (header.record_bytes != 0 || header.has_quoted_names != 0 || header.is_inconsistent != 0) return false;
    if (!has_one_set_of_names(families, families.families[family.source])) return false;
    const bool simple = family.type != model::MetricType::kSummary && family.type != model::MetricType::kHistogram;
    bool first = true;
    uint32_t series = 0;
    uint32_t lines = 0;
    for (std::string_view text = fragment.text(); !text.empty(); ++lines) {
      const size_t bytes = text.find('\n') + 1;
      Line& line = lines_.emplace_back();
      if (!lay_out_line(text.substr(0, bytes), numbers, line)) return false;
      line.first = first;
      series += first ? 1 : 0;
      // The count is the last line of a summary or histogram.
      first =
          simple || line.number.meaning == Meaning::kSummaryCount || line.number.meaning == Meaning::kHistogramCount;
      text.remove_prefix(bytes);
    }
    if (series != header.series || lines != header.samples) return false;
    pattern_.lines.push_back(lines);
    series_of_.push_back(series);
    families_.push_back(family);
    series_ += series;
    fixed_bytes_ += model::Fragment::text_offset(series) + sizeof(uint64_t);
  }
  list_ = unique_number();
  pattern_.literal_bytes = static_cast<uint32_t>(pattern_.literals.size());
  fixed_bytes_ += pattern_.literals.size() + lines_.size() * (kGoFloatRoom + 1) + kSlack;
  pattern_.literals.append(kSlack, '\0');
  return true;
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

bool SkeletonText::escape_values(const model::GroupKey& key) {
  const size_t count = pattern_.names.size();
  size_t room = 0;
  for (size_t index = 0; index < count; ++index) room += 2 * key.label(index).value.size() + kSlack;
  if (escaped_.size() < room) escaped_.resize(room);
  values_.resize(count);
  char* at = escaped_.data();
  for (size_t index = 0; index < count; ++index) {
    bool high = false;
    char* const end = write_escaped(key.label(index).value, at, high);
    if (high) return false;
    values_[index] = {at, static_cast<size_t>(end - at)};
    at = end + kSlack;
  }
  return true;
}

// Where write() stands.
struct SkeletonText::Pen {
  char* at;
  const char* literals;
  const Run* runs;
  const Value* values;

  void copy(const char* text, size_t bytes) noexcept {
    std::memcpy(at, text, 16);
    for (size_t from = 16; from < bytes; from += 32) std::memcpy(at + from, text + from, 32);
    at += bytes;
  }
  // All that stands before the number; returns the label text.
  std::string_view write_series(const Line& line) noexcept {
    const char* const labels = at + line.name_bytes;
    for (;; ++runs) {
      copy(literals, runs->bytes);
      literals += runs->bytes;
      if (runs->label == kNumber) break;
      copy(values[runs->label].text, values[runs->label].bytes);
    }
    ++runs;
    return {labels, static_cast<size_t>(at - line.tail_bytes - labels)};
  }
};

bool SkeletonText::write(const model::Families& families, std::span<const std::string_view> spelled,
                         const model::GroupKey& key, model::CanonicalPush& out) {
  SLUICE_DCHECK(fits(key));
  size_t most = fixed_bytes_;
  for (size_t index = 0; index < uses_.size(); ++index) most += 2 * key.label(index).value.size() * uses_[index];
  if (most > limits::kSkeletonCanonicalBytesMax || !escape_values(key)) return false;
  const size_t words = most / sizeof(uint64_t) + 1;
  if (out.words.size() < words) {
    out.words.clear();  // nothing to copy
    out.words.resize(std::max(words, size_t{1024}));
  }
  char* const base = reinterpret_cast<char*>(out.words.data());
  if (out.list != list_) {
    out.list = 0;
    out.families.assign(families_.begin(), families_.end());
    out.numbers.resize(lines_.size());
  }
  Pen pen{base, pattern_.literals.data(), pattern_.runs.data(), values_.data()};
  model::CanonicalPush::Number* place = out.numbers.data();
  const Line* line = lines_.data();
  for (size_t index = 0; index < families_.size(); ++index) {
    const uint32_t lines = pattern_.lines[index];
    const uint32_t series = series_of_[index];
    char* const fragment = pen.at;
    out.families[index].fragment_at = static_cast<uint64_t>(fragment - base);
    auto* hash = reinterpret_cast<uint64_t*>(fragment + sizeof(model::FragmentHeader));
    char* const text = fragment + model::Fragment::text_offset(series);
    pen.at = text;
    for (const Line* const end = line + lines; line != end; ++line, ++place) {
      const std::string_view labels = pen.write_series(*line);
      if (line->first) *hash++ = keyed_hash(labels);
      const std::string_view number = spelled.empty() ? std::string_view() : spelled[line->number_index];
      char* const from = pen.at;
      pen.at = number.empty() ? write_number(line->number, families, from) : copy_number(number, from);
      if (pen.at == nullptr) return false;
      *place = {static_cast<uint32_t>(from - base), static_cast<uint32_t>(pen.at - from)};
      *pen.at++ = '\n';
    }
    model::FragmentHeader header;
    header.series = series;
    header.samples = lines & 0x3fff'ffff;
    header.text_bytes = static_cast<uint32_t>(pen.at - text);
    std::memcpy(fragment, &header, sizeof(header));
    std::memset(pen.at, 0, 8);
    pen.at = base + ((static_cast<size_t>(pen.at - base) + 7) & ~size_t{7});
  }
  out.used_bytes = static_cast<size_t>(pen.at - base);
  out.series = series_;
  out.samples = lines_.size();
  out.list = list_;
  out.pattern = &pattern_;
  return true;
}

size_t SkeletonText::bytes() const noexcept {
  size_t bytes = pattern_.literals.capacity() + escaped_.capacity() + pattern_.runs.capacity() * sizeof(Run) +
                 lines_.capacity() * sizeof(Line) + 2 * series_of_.capacity() * sizeof(uint32_t) +
                 families_.capacity() * sizeof(model::CanonicalFamily);
  for (const std::string& name : pattern_.names) bytes += sizeof(std::string) + name.capacity();
  return bytes;
}

}  // namespace sluice::parser
