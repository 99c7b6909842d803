// How a skeleton writes its canonical push: by copying, but for the values of grouping labels and the numbers.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "core/base/go_float.h"
#include "core/base/hash.h"
#include "parser/canonical_escape.h"
#include "parser/canonical_text.h"
#include "parser/skeleton_text.h"

namespace sluice::parser {
namespace {

using Meaning = TextNumber::Meaning;

// Above this a count is not a float.
constexpr uint64_t kExactCountMax = uint64_t{1} << 53;
constexpr uint32_t kNumber = model::PushPattern::kNumber;
// What is written between two looks at the clock: lines of 40 ns each, fewer where they are long.
constexpr size_t kLinesPerCheck = 128;
constexpr size_t kBytesPerCheck = 64 * 1024;

bool is_negative_zero(double value) noexcept { return value == 0 && std::signbit(value); }

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
  // The number, from its canonical spelling or, if that is not known, from the families, and the end of the line. False
  // when it needs a record.
  [[nodiscard]] bool write_end(const Line& line, std::span<const std::string_view> spelled,
                               const model::Families& families, const char* base,
                               model::CanonicalPush::Number& place) noexcept {
    const std::string_view number = spelled.empty() ? std::string_view() : spelled[line.number_index];
    const char* const from = at;
    char* const end = number.empty() ? write_number(line.number, families, at) : copy_number(number, at);
    if (end == nullptr) return false;
    place = {static_cast<uint32_t>(from - base), static_cast<uint32_t>(end - from)};
    at = end;
    *at++ = '\n';
    return true;
  }
  // Ends the fragment whose text began at `text`, and goes on to the next one's place.
  void end_fragment(char* fragment, const char* text, const char* base, uint32_t series, uint32_t lines) noexcept {
    model::FragmentHeader header;
    header.series = series;
    header.samples = lines & 0x3fff'ffff;
    header.text_bytes = static_cast<uint32_t>(at - text);
    std::memcpy(fragment, &header, sizeof(header));
    std::memset(at, 0, 8);
    at += (8 - static_cast<size_t>(at - base) % 8) % 8;
  }
};

bool SkeletonText::make_room(const model::GroupKey& key, model::CanonicalPush& out, size_t& most) {
  SLUICE_DCHECK(fits(key));
  most = fixed_bytes_;
  for (size_t index = 0; index < uses_.size(); ++index) most += 2 * key.label(index).value.size() * uses_[index];
  if (most > bounds_->canonical_bytes || !escape_values(key)) return false;
  reserve_words(out, most / sizeof(uint64_t) + 1);
  if (out.list != list_) {
    out.list = 0;
    out.families.assign(families_.begin(), families_.end());
    out.numbers.resize(lines_.size());
  }
  return true;
}

bool SkeletonText::write(const model::Families& families, std::span<const std::string_view> spelled,
                         const model::GroupKey& key, model::CanonicalPush& out) {
  size_t most = 0;
  if (!make_room(key, out, most)) return false;
  char* const base = reinterpret_cast<char*>(out.words.data());
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
      if (!pen.write_end(*line, spelled, families, base, *place)) return false;
    }
    pen.end_fragment(fragment, text, base, series, lines);
  }
  end_push(static_cast<size_t>(pen.at - base), out);
  return true;
}

void SkeletonText::end_push(size_t bytes, model::CanonicalPush& out) const noexcept {
  out.used_bytes = bytes;
  out.series = series_;
  out.samples = lines_.size();
  out.list = list_;
  out.pattern = bounds_->has_pattern ? &pattern_ : nullptr;
}

bool SkeletonText::begin_write(const model::GroupKey& key, model::CanonicalPush& out) {
  size_t most = 0;
  if (!make_room(key, out, most)) return false;
  writing_ = {};
  writing_.base = writing_.at = reinterpret_cast<char*>(out.words.data());
  writing_.literals = pattern_.literals.data();
  writing_.runs = pattern_.runs.data();
  writing_.lines_per_check =
      static_cast<uint32_t>(std::clamp<size_t>(kBytesPerCheck * lines_.size() / most, 1, kLinesPerCheck));
  if (bounds_->keeps_hashes) {
    writing_.are_known = hashed_key_ == key.bytes();
    if (!writing_.are_known) {
      hashed_key_.clear();  // until all are written: the push may be given up
      hashing_key_ = key.bytes();
      hashes_.resize(series_);
    }
  }
  return true;
}

SkeletonStep SkeletonText::step_write(const model::Families& families, std::span<const std::string_view> spelled,
                                      model::CanonicalPush& out, Deadline deadline) {
  Writing now = writing_;
  char* const base = now.base;
  const bool keeps = bounds_->keeps_hashes && !now.are_known;
  Pen pen{now.at, now.literals, now.runs, values_.data()};
  uint32_t check_at = now.line + now.lines_per_check;
  while (now.family != families_.size()) {
    const size_t family = now.family;
    if (!now.open) {
      now.open = true;
      now.family_end = now.line + pattern_.lines[family];
      now.fragment = pen.at;
      out.families[family].fragment_at = static_cast<uint64_t>(now.fragment - base);
      now.hash = reinterpret_cast<uint64_t*>(now.fragment + sizeof(model::FragmentHeader));
      now.text = now.fragment + model::Fragment::text_offset(series_of_[family]);
      pen.at = now.text;
    }
    const uint32_t stop = std::min(now.family_end, check_at);
    model::CanonicalPush::Number* place = out.numbers.data() + now.line;
    const Line* line = lines_.data() + now.line;
    for (const Line* const end = lines_.data() + stop; line != end; ++line, ++place) {
      const std::string_view labels = pen.write_series(*line);
      if (line->first) {
        const uint64_t hash = now.are_known ? hashes_[now.series] : keyed_hash(labels);
        if (keeps) hashes_[now.series] = hash;
        *now.hash++ = hash;
        ++now.series;
      }
      if (!pen.write_end(*line, spelled, families, base, *place)) {
        out.used_bytes = static_cast<size_t>(pen.at - base);  // what it has needed, whoever uses it next
        return SkeletonStep::kNo;
      }
    }
    now.line = stop;
    if (stop != now.family_end) {
      check_at += now.lines_per_check;
      if (!deadline.passed()) continue;
      out.used_bytes = static_cast<size_t>(pen.at - base);
      now.at = pen.at;
      now.literals = pen.literals;
      now.runs = pen.runs;
      writing_ = now;
      return SkeletonStep::kMore;
    }
    pen.end_fragment(now.fragment, now.text, base, series_of_[family], pattern_.lines[family]);
    now.open = false;
    ++now.family;
  }
  if (keeps) hashed_key_ = hashing_key_;
  end_push(static_cast<size_t>(pen.at - base), out);
  return SkeletonStep::kYes;
}

}  // namespace sluice::parser
