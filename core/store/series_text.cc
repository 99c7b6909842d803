#include "core/store/series_text.h"

#include <algorithm>

namespace sluice::store {
namespace {

// Bytes of text between two looks at the clock: a few microseconds.
constexpr size_t kBytesPerCheck = 32 * 1024;

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

void SeriesText::start(const model::Fragment& fragment, std::string_view name, model::MetricType type,
                       uint32_t series) noexcept {
  rest_ = fragment.text();
  name_ = name;
  many_lines_ = type == model::MetricType::kSummary || type == model::MetricType::kHistogram ||
                type == model::MetricType::kGaugeHistogram;
  left_ = series;
  found_ = {};
}

bool SeriesText::step(Deadline deadline) noexcept {
  size_t bytes = 0;
  while (!rest_.empty()) {
    if (bytes > kBytesPerCheck) {
      if (deadline.passed()) return false;
      bytes = 0;
    }
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    bytes += line.size() + 1;
    if (many_lines_ && !is_count_line(line, name_)) continue;
    if (left_-- != 0) continue;
    found_ = braces(line);
    return true;
  }
  return true;
}

std::string_view series_label_text(const model::Fragment& fragment, std::string_view name, model::MetricType type,
                                   uint32_t series) noexcept {
  SeriesText text;
  text.start(fragment, name, type, series);
  static_cast<void>(text.step(Deadline::never()));
  return text.found();
}

}  // namespace sluice::store
