// Writes the fragments of a canonical push: the sample lines of one family after the other.
//
// Every write first reserves what it can need at most and then works with a bare pointer. One owner, one thread;
// scratch is reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "parser/canonical_labels.h"

namespace sluice::parser {

// Makes so many words of the push, whose contents are lost; gives back what a much larger push has needed.
void reserve_words(model::CanonicalPush& out, size_t words);

class FragmentWriter {
 public:
  enum class Result : uint8_t { kDone, kSliced, kBadUtf8 };

  // Output goes to `out`, which is empty; room for `most` bytes is taken at once, so that a large push does not grow
  // (and copy) its way up.
  // `any_bytes`: label values that are not UTF-8 are written as they are.
  void begin(model::CanonicalPush& out, uint64_t most, bool any_bytes = false);
  // Starts the fragment of a family, for all of its metrics. `unquoted`: is_unquoted_name() of its name.
  void start(const model::Family& family, bool unquoted);
  // Writes one metric. A long one (many points) is written in slices: kSliced means call again with the same metric.
  [[nodiscard]] Result write(const model::Families& families, const model::Metric& metric, const LabelPlan& plan,
                             Deadline deadline);
  // Whether a metric written since start() is more than its lines say: a negative zero, a sum or a count that did not
  // come, a bucket that was added, counts that are floats or above 2^53.
  [[nodiscard]] bool needs_record() const noexcept { return inexact_; }
  // After all metrics: begins the record, then writes one metric into it, in slices as well. The record is a
  // MetricFamily message that has metrics only (name, help and type stand in the shape): the labels of the group, then
  // all other fields of the message that came (`exact`), untouched, or the content that the reference makes of the
  // text. Lengths of metrics and of contents with points take five bytes each.
  void start_record();
  [[nodiscard]] Result write_record(const model::Families& families, const model::Metric& metric, const LabelPlan& plan,
                                    Deadline deadline);
  // Takes back everything since start(), for another start().
  void rewind() noexcept { at_ = fragment_at_; }
  // Completes the fragment and returns its offset. `inconsistent`: what the header says of it.
  [[nodiscard]] uint64_t finish(bool inconsistent = false);

  // Some value of the fragment that is being written is not UTF-8.
  [[nodiscard]] bool has_bad_bytes() const noexcept { return bad_bytes_; }
  // Bytes written so far, and the label whose value was not UTF-8 after kBadUtf8.
  [[nodiscard]] size_t bytes() const noexcept { return at_; }
  [[nodiscard]] std::string_view bad_label() const noexcept { return bad_label_; }

 private:
  // What stands before the labels: the name with its suffix, and the `{` or, when the name is quoted, `,`.
  struct Prefix {
    std::string text;  // kCopySlack bytes follow `bytes`
    size_t bytes = 0;
    void set(std::string_view name, std::string_view suffix, bool unquoted);
  };

  [[nodiscard]] char* reserve(size_t bytes) {
    if (at_ + bytes > capacity_) grow(bytes);
    return base_ + at_;
  }
  void grow(size_t bytes);
  // `at` has room for label_room(); returns nullptr when a value is not UTF-8.
  [[nodiscard]] char* write_labels(const model::LabelPair* labels, const LabelPlan& plan, char* at);
  [[nodiscard]] Result write_simple(const model::LabelPair* labels, const model::Metric& metric, const LabelPlan& plan);
  [[nodiscard]] bool begin_lines(const model::LabelPair* labels, const LabelPlan& plan);
  [[nodiscard]] bool write_points(const model::Families& families, const model::Metric& metric, Deadline deadline);
  void write_totals(const model::Metric& metric);
  void record_labels(const model::LabelPair* labels, const LabelPlan& plan);
  // Copies what is left of the fields that came; false when sliced.
  [[nodiscard]] bool record_fields(Deadline deadline);
  // The next field of record_rest_ that is no label is to be copied.
  void find_record_field();
  // The same for a metric that came as text.
  void start_record_content(const model::Metric& metric);
  [[nodiscard]] bool record_points(const model::Families& families, const model::Metric& metric, Deadline deadline);
  // Writes `bytes` as the padded length at `at`.
  void set_record_length(size_t at, size_t bytes);
  void write_line(const Prefix& prefix, double value);
  void write_bound_line(const Prefix& prefix, std::string_view bound_name, double bound, double value);
  [[nodiscard]] bool is_histogram() const noexcept {
    return type_ == model::MetricType::kHistogram || type_ == model::MetricType::kGaugeHistogram;
  }

  model::CanonicalPush* out_ = nullptr;
  char* base_ = nullptr;    // of out_->words
  size_t capacity_ = 0;     // bytes of out_->words
  size_t at_ = 0;           // where the next byte goes
  size_t fragment_at_ = 0;  // the fragment being written
  size_t text_at_ = 0;      // its text
  uint32_t series_ = 0;     // that start() announced
  uint32_t series_done_ = 0;
  uint32_t samples_ = 0;
  model::MetricType type_ = model::MetricType::kUntyped;
  std::string_view name_;
  bool unquoted_ = true;
  bool any_bytes_ = false;               // as begin() was told
  bool bad_bytes_ = false;               // some value of the fragment is not UTF-8
  bool quoted_ = false;                  // some name of the fragment is quoted
  size_t name_bytes_ = 0;                // of what stands before the labels in the first line of simple metrics
  Prefix plain_, sum_, count_, bucket_;  // of summaries and histograms
  std::string label_text_;  // of the metric that is being written line by line; kCopySlack bytes follow label_bytes_
  size_t label_bytes_ = 0;
  bool in_metric_ = false;  // between two slices of a metric
  bool inf_seen_ = false;
  bool inexact_ = false;
  uint32_t point_ = model::kNone;
  std::string_view bad_label_;

  // The record.
  size_t text_end_ = 0;           // 0 while there is none
  size_t record_metric_ = 0;      // where the metric begins
  size_t record_content_ = 0;     // and its content, of a metric with points that came as text
  std::string_view record_rest_;  // of `exact`: what was not looked at
  size_t record_field_ = 0;       // bytes at its front that are to be copied
};

}  // namespace sluice::parser
