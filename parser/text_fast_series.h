// The summaries and histograms of one body by family and label set, so that their lines find each other in whatever
// order they come and in whatever order their labels stand.
//
// One owner, one thread, reused from body to body.
#pragma once

#include <cstdint>

#include "core/model/families.h"
#include "parser/index_table.h"

namespace sluice::parser {

// Appends a metric to `family` that owns the labels from `labels_begin` on: here a line's labels are stored before it
// is known whether they belong to a new metric. Copies an empty metric, which costs a third of clearing one (`rep
// stos`).
inline uint32_t append_metric(model::Families& families, uint32_t family, uint32_t labels_begin) {
  static constexpr model::Metric kEmpty{};
  const auto index = static_cast<uint32_t>(families.metrics.size());
  families.metrics.push_back(kEmpty);
  model::Metric& metric = families.metrics.back();
  metric.family = family;
  metric.labels_begin = labels_begin;
  metric.labels_count = static_cast<uint32_t>(families.labels.size()) - labels_begin;
  model::Family& owner = families.families[family];
  (owner.metrics_last == model::kNone ? owner.metrics_first : families.metrics[owner.metrics_last].next) = index;
  owner.metrics_last = index;
  ++owner.metrics_count;
  return index;
}

class SeriesTable {
 public:
  void start(model::Families& families) {
    families_ = &families;
    by_labels_.clear();
    last_ = model::kNone;
  }

  // The metric of `family` whose labels are those from `labels_begin` to the end of Families::labels, without
  // duplicates. An existing one is returned with these labels dropped again; else a new metric that owns them.
  [[nodiscard]] uint32_t find_or_add(uint32_t family, uint32_t labels_begin);

 private:
  [[nodiscard]] bool same_labels_in_order(const model::Metric& metric, uint32_t begin, uint32_t count) const;
  [[nodiscard]] bool same_labels(const model::Metric& metric, uint32_t begin, uint32_t count) const;

  model::Families* families_ = nullptr;
  uint32_t last_ = model::kNone;  // the metric of the previous line: the next one nearly always is the same
  IndexTable by_labels_;
};

}  // namespace sluice::parser
