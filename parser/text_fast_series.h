// The summaries and histograms of one body by family and label set, so that their lines find each other in whatever
// order they come and in whatever order their labels stand.
//
// One owner, one thread, reused from body to body.
#pragma once

#include <cstdint>

#include "core/model/families.h"
#include "parser/index_table.h"

namespace sluice::parser {

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
