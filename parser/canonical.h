// The canonicaliser: parsed families and a grouping key become the canonical push that the store keeps.
//
// What it does is what the reference does between parsing and storing, and in the part of its Gather that looks at this
// push alone: grouping labels overwrite body labels of the same name, `instance=""` is added where there is none,
// labels are sorted by name, families by name, the metrics of a family by number of labels and then label values (equal
// ones by label names: an order where the reference has none). Families without metrics and the two push-time families,
// which are always ours, are dropped. Numbers are spelled as Go spells them. A label with an empty value is not the
// same as no label.
//
// Names that are not legacy names ([a-zA-Z_:][a-zA-Z0-9_:]*) keep their exact spelling in the fragment, quoted as
// expfmt quotes them without escaping: `{"a.b","c.d"="e"} 1`. The reference's default scrape replaces what is not
// legacy by underscores (Content-Type `escaping=underscores`); that is the renderer's decision, because another scrape
// may ask for the names as they are.
//
// Conflicts, the first in this order: a timestamp anywhere (input order); then the grouping key itself (`family` and
// `metric` are kNone: the reference would create a group that breaks every scrape, so such a push must leave no group
// behind); then, family by family in name order: its name, a suffix collision, content and labels of its metrics (input
// order), a duplicate series (the first metric in input order that repeats an earlier one). `le` as an ordinary label
// of a histogram is refused like `quantile` in a summary: the reference lets it through and then shows lines with two
// `le` labels, for which Prometheus drops the whole scrape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/limit_table.h"
#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/canonical_labels.h"
#include "parser/canonical_order.h"
#include "parser/canonical_text.h"
#include "parser/series_sort.h"

namespace sluice::parser {

// A resumable machine. Families, key and output are the caller's and must stay unchanged from begin() to the end; the
// views in the output point into the families. One owner, one thread; reused from push to push without allocating once
// its scratch has grown. step() looks at the deadline every few microseconds of work; its longest uninterrupted piece
// is one line. O(bytes) when the metrics of each family come in order, O(n log n) comparisons when not.
class Canonicaliser {
 public:
  enum class State : uint8_t {
    kMore,      // call step() again
    kDone,      // the output is complete
    kConflict,  // conflict() says why; the output is unusable
    kLimit,     // limit() says which one the push is beyond; the output is unusable
  };

  Canonicaliser() = default;
  Canonicaliser(const Canonicaliser&) = delete;
  Canonicaliser& operator=(const Canonicaliser&) = delete;

  // Clears `out` and starts; the work is done by step(). Without the check, only timestamps and a fault of the key are
  // conflicts; what else is inconsistent is written as it is, and the fragment's header says so. (Suffix collisions are
  // then nobody's fault: whoever reads the fragments sees the names.) `values` must outlive the work; of them names,
  // values and labels of the families (not of the key), families and series, and kExpandedBytes count here.
  void begin(const model::Families& families, const model::GroupKey& key, model::CanonicalPush& out, bool check = true,
             const limits::Values& values = limits::kLargest);
  [[nodiscard]] State step(Deadline deadline);
  [[nodiscard]] const model::Conflict& conflict() const noexcept { return conflict_; }
  // After kLimit.
  [[nodiscard]] limits::Limit limit() const noexcept { return limit_; }
  // Bytes of text that it has written, also when it did not come to an end.
  [[nodiscard]] size_t written_bytes() const noexcept { return writer_.bytes(); }

 private:
  enum class Phase : uint8_t {
    kSurvey,        // timestamps, bytes to come
    kSelect,        // which families
    kOrderNames,    // families by name
    kFamily,        // the next family: its name, suffixes
    kEmitInOrder,   // its metrics in input order, as long as that is the canonical one
    kCollect,       // it is not: all its metrics
    kOrderMetrics,  // sort, find duplicates
    kEmitSorted,
    kRecordInOrder,  // the record of a family whose text does not say everything
    kRecordSorted,
  };

  void run_phase();
  void survey();
  // A limit that what was surveyed is beyond.
  [[nodiscard]] std::optional<limits::Limit> find_limit() const noexcept;
  void select();
  void order_names();
  void next_family();
  void emit_in_order();
  void begin_collecting(const LabelPlan& plan);
  void collect();
  void order_metrics();
  void emit_sorted();
  void record_in_order();
  void record_sorted();

  void start_family();
  // Ends the text; `record` is the phase that writes the record, where there is one.
  void finish_text(Phase record);
  void finish_family();
  // True when the metric was written completely.
  [[nodiscard]] bool emit(uint32_t metric, const LabelPlan& plan);
  [[nodiscard]] bool record(uint32_t metric);
  [[nodiscard]] bool strictly_after(uint32_t metric, const LabelPlan& plan) const;
  [[nodiscard]] bool metric_is_good(uint32_t metric, const LabelPlan& plan);
  [[nodiscard]] bool family_is_good(uint32_t family);
  [[nodiscard]] uint32_t find_family(std::string_view name) const;
  void fail(model::ConflictKind kind, uint32_t family, uint32_t metric, std::string_view label = {});
  // The same, unless there is no check: then the family is marked, and true means that the work goes on.
  [[nodiscard]] bool tolerate(model::ConflictKind kind, uint32_t family, uint32_t metric, std::string_view label = {});
  [[nodiscard]] std::span<const model::LabelPair> labels_of(uint32_t metric) const {
    const model::Metric& at = families_->metrics[metric];
    return {families_->labels.data() + at.labels_begin, at.labels_count};
  }

  // Fixed by begin().
  const model::Families* families_ = nullptr;
  model::CanonicalPush* out_ = nullptr;
  model::ConflictKind key_fault_ = model::ConflictKind::kNoConflict;
  std::string_view key_fault_label_;
  bool check_ = true;
  const limits::Values* values_ = &limits::kLargest;

  Phase phase_ = Phase::kSurvey;
  State state_ = State::kDone;
  Deadline deadline_;
  uint32_t work_ = 0;  // units of about 50 ns since the last look at the clock
  model::Conflict conflict_;
  limits::Limit limit_ = limits::Limit::kExpandedBytes;

  LabelPlans plans_;
  FragmentWriter writer_;
  MergeSort sort_;

  uint64_t estimate_ = 0;      // bytes of the canonical push, escapes not counted
  uint64_t value_bytes_ = 0;   // of the labels' values in it: what escapes may add at most
  uint64_t record_bytes_ = 0;  // what records of text families may take
  // The longest of all labels, and the most that a series has.
  size_t name_bytes_ = 0;
  size_t label_value_bytes_ = 0;
  uint32_t labels_ = 0;
  bool names_sorted_ = true;
  bool has_suffixed_ = false;         // some family is a summary or a histogram
  uint32_t cursor_ = 0;               // of the phase: a metric, a family or a position
  MergeSort::Items order_;            // the families to write, by name once sorted
  bool unquoted_ = true;              // the name of the family at family_at_
  size_t family_at_ = 0;              // position in order_
  bool inconsistent_ = false;         // the family at family_at_, tolerated
  uint32_t metric_ = model::kNone;    // next metric in input order
  uint32_t previous_ = model::kNone;  // the one before it
  uint64_t previous_generation_ = 0;  // of its plan
  uint32_t previous_labels_ = 0;      // its number of labels
  SeriesSort series_;                 // metrics of a family that came unsorted
};

// Conflict of a grouping key as such (see above), for requests that have no families to canonicalise.
[[nodiscard]] model::Conflict check_grouping_key(const model::GroupKey& key);

}  // namespace sluice::parser
