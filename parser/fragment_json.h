// The metrics of one fragment as the JSON API shows them: the array behind "metrics".
//
// Reads the fragment's record where there is one, else its text, which then says the same. A metric is one object with
// its keys sorted: `labels` and `value`; of a summary `count`, `labels`, `quantiles`, `sum`; of a histogram `buckets`,
// `count`, `labels`, `sum`. Numbers are strings as fmt.Sprint makes them. Quantiles and buckets are objects, so of
// equal bounds the last counts and they come sorted as strings; native buckets are an array. A gauge histogram shows
// "0", as the reference has it.
//
// A resumable machine. The fragment and the name are the caller's and must stay until the end. One owner, one thread;
// reused without allocating once its tables have grown. A step is a few microseconds of work, or one metric without
// points however long its labels are. O(bytes), O(n log n) in the points of a metric.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "parser/canonical_order.h"
#include "parser/metric_record.h"
#include "parser/native_buckets.h"

namespace sluice::parser {

class FragmentJson {
 public:
  FragmentJson() = default;
  FragmentJson(const FragmentJson&) = delete;
  FragmentJson& operator=(const FragmentJson&) = delete;

  // Which metrics: those before the first are skipped, some dozens a step.
  struct Part {
    uint64_t first = 0;
    uint64_t count = UINT64_MAX;
  };

  // `name`: of the family.
  void begin(std::string_view name, model::MetricType type, model::Fragment fragment, Part part);
  void begin(std::string_view name, model::MetricType type, model::Fragment fragment) {
    begin(name, type, fragment, Part());
  }
  // Appends the next piece to `out`, possibly nothing; true when the array is complete.
  [[nodiscard]] bool step(std::string& out);

 private:
  enum class Phase : uint8_t { kOpen, kSkip, kMetric, kText, kRecord, kSort, kPoints, kNative, kClose };

  // A quantile or a bucket, both sides printed, in point_text_.
  struct Point {
    size_t at = 0;
    uint32_t key_bytes = 0;
    uint32_t value_bytes = 0;
  };

  void skip_some();
  [[nodiscard]] bool take_message(std::string_view& message);
  void next_metric(std::string& out);
  void write_simple_line(std::string& out);
  void begin_object(std::string& out);
  void begin_points();
  void read_text_points();
  void read_record(std::string& out);
  void take_record_point();
  void end_record();
  void end_points();
  void write_points(std::string& out);
  void write_rest(std::string& out);
  void append_labels(std::string& out) const;

  [[nodiscard]] std::string_view key_of(const Point& point) const noexcept {
    return std::string_view(point_text_).substr(point.at, point.key_bytes);
  }
  [[nodiscard]] std::string_view value_of(const Point& point) const noexcept {
    return std::string_view(point_text_).substr(point.at + point.key_bytes, point.value_bytes);
  }
  [[nodiscard]] bool is_summary() const noexcept { return type_ == model::MetricType::kSummary; }
  [[nodiscard]] bool has_points() const noexcept { return is_summary() || type_ == model::MetricType::kHistogram; }

  // Fixed by begin().
  model::MetricType type_ = model::MetricType::kUntyped;
  bool from_record_ = false;
  size_t name_bytes_ = 0;  // of the family's name as the text spells it, without quotes

  Phase phase_ = Phase::kOpen;
  bool first_ = true;
  std::string_view rest_;  // of text or record: metrics to come
  uint64_t to_skip_ = 0;
  uint64_t to_show_ = 0;

  // The metric being written.
  std::string_view labels_;  // as text
  std::string sum_;
  std::string count_;
  bool opens_native_ = false;  // the bracket of its native buckets is to be written
  MetricRecord record_;
  NativeBuckets native_;
  std::string point_text_;
  std::vector<Point> points_;
  MergeSort sort_;
  MergeSort::Items order_;
  size_t point_at_ = 0;
  bool first_point_ = true;
};

}  // namespace sluice::parser
