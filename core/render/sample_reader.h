// Reads the metrics back out of canonical sample lines, one after the other: what the formats that are not text are
// made from.
//
// The lines are those of one family, as the canonicaliser (parser/canonical_text.h) or the gateway itself
// (net/api/family_text.h) wrote them: a line for each metric, or, for a summary or a histogram, one for each point,
// then
// `_sum` and `_count`, with the labels of the metric first and `quantile` or `le` last. They are trusted to have this
// form; where they do not, the result is wrong, but nothing outside of them is read.
//
// A resumable machine: what is looked at in one piece is a name (64 KiB) or 8 KiB of a value. Views point into the
// lines, or into memory of the reader until the next metric. One owner, one thread; nothing is allocated per metric
// once the tables have grown. O(bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/families.h"
#include "core/render/escape_names.h"

namespace sluice::render {

// The number that a sample line or a bound spells: as Go prints it.
[[nodiscard]] double read_number(std::string_view text) noexcept;
// A count: an integer of up to 2^53, since families with others have a record.
[[nodiscard]] uint64_t read_count(std::string_view text) noexcept;

class SampleReader {
 public:
  enum class Step : uint8_t {
    kMore,    // enough for one look at the clock: call again
    kMetric,  // the next metric stands
    kEnd,
  };
  struct Label {
    std::string_view name;  // empty when it is in names_
    size_t name_at = 0;     // there
    size_t name_bytes = 0;
    std::string_view value;  // escaped, as the text has it
    size_t value_bytes = 0;  // once unescaped
  };
  // A quantile of a summary or a bucket of a histogram.
  struct Point {
    std::string_view bound;
    std::string_view value;
  };

  // The family of all lines that follow. The name must stay. point_bytes() is asked for only `with_point_bytes`.
  void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping, bool with_point_bytes);
  void start(std::string_view lines);
  // Adds to `work` in units of about 50 ns and returns kMore when there are `work_max`.
  [[nodiscard]] Step next(uint32_t& work, uint32_t work_max);

  // Of the metric that stands: labels without `quantile` and `le`, names escaped.
  [[nodiscard]] std::span<const Label> labels() const noexcept { return labels_; }
  [[nodiscard]] std::string_view name_of(const Label& label) const noexcept {
    return label.name.empty() ? std::string_view(names_).substr(label.name_at, label.name_bytes) : label.name;
  }
  [[nodiscard]] bool has_points() const noexcept { return pointed_; }
  [[nodiscard]] bool is_histogram() const noexcept { return histogram_; }
  [[nodiscard]] std::string_view value() const noexcept { return value_; }  // not with points
  [[nodiscard]] std::string_view sum() const noexcept { return sum_; }
  [[nodiscard]] uint64_t count() const noexcept { return count_; }
  // Bytes of its points as fields of the protobuf message.
  [[nodiscard]] uint64_t point_bytes() const noexcept { return point_bytes_; }
  // The points in order, from the first on. kMore as above, kMetric with a point, kEnd behind the last.
  void rewind_points() noexcept { point_at_ = metric_at_; }
  [[nodiscard]] Step next_point(Point& point, uint32_t& work, uint32_t work_max);

  // Bytes that a point takes as a field of its metric's content.
  [[nodiscard]] uint64_t bytes_of(const Point& point) const noexcept;

 private:
  enum class Phase : uint8_t { kLine, kLabel, kValue, kEnd };
  enum class LineKind : uint8_t { kPoint, kSum, kCount };

  // The line at `at` without its newline; false when its end was not found yet.
  [[nodiscard]] bool find_line(size_t at, std::string_view& line, uint32_t& work);
  void take_line(std::string_view line);
  [[nodiscard]] LineKind kind_of(std::string_view line) const noexcept;
  // Where the labels of a line begin: behind its `{`, or behind `{"name",`; npos when it has none.
  [[nodiscard]] size_t labels_of(std::string_view line) const noexcept;
  void begin_labels(std::string_view line);
  // True when the labels are complete.
  [[nodiscard]] bool read_labels(uint32_t& work, uint32_t work_max);
  // The next one up to its value; true when there is none.
  [[nodiscard]] bool read_label();
  [[nodiscard]] bool read_value(uint32_t& work);
  [[nodiscard]] static Point point_of(std::string_view line) noexcept;

  // Fixed by begin_family().
  std::string_view name_;
  bool pointed_ = false;
  bool histogram_ = false;
  bool with_point_bytes_ = false;
  NameEscaping escaping_ = NameEscaping::kUnderscores;
  size_t quoted_name_bytes_ = 0;  // of `{"name`, when the family's name is quoted in the lines; else 0

  Phase phase_ = Phase::kEnd;
  std::string_view lines_;
  size_t at_ = 0;         // behind the line that was read last
  size_t scan_from_ = 0;  // the line whose end is looked for
  size_t scan_ = 0;       // up to here it has no newline
  size_t metric_at_ = 0;  // first line of the metric
  size_t point_at_ = 0;
  bool in_metric_ = false;

  std::string_view value_;
  std::string_view sum_;
  uint64_t count_ = 0;
  uint64_t point_bytes_ = 0;

  // Of the labels being read.
  std::string_view first_line_;
  size_t label_at_ = 0;
  size_t value_at_ = 0;
  size_t escapes_ = 0;
  std::vector<Label> labels_;
  std::string names_;
  std::string unquoted_;
};

}  // namespace sluice::render
