// How the labels of a metric become the text between its braces: grouping labels applied, `instance` added, sorted.
//
// Consecutive metrics almost always carry the same label names in the same order, so the merge and the sort are done
// once for a sequence of names and kept as a plan: constant text (names, and the values that come from the grouping
// key) with holes for the values of the metric. The last plan is kept and checked by comparing the names.
//
// Lifetime: a plan lives until the next find(); views point into the families, the key and the plan cache. One owner,
// one thread; scratch is reused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/canonical.h"
#include "core/model/families.h"
#include "core/model/group_key.h"
#include "parser/text_fast_name.h"

namespace sluice::parser {

struct LabelPlan {
  // Copy the constant text up to `text_end`, then the escaped value of the metric's label `source`.
  struct Hole {
    uint32_t text_end = 0;
    uint32_t source = 0;
  };
  // One label in the sorted order: its value comes from the metric (source) or is fixed by the grouping key.
  struct Slot {
    std::string_view name;
    std::string_view fixed_value;
    uint32_t source = model::kNone;
  };
  std::vector<Slot> slots;  // sorted by name
  std::vector<Hole> holes;  // in order
  std::string text;         // escaped; kCopySlack readable bytes follow text_bytes
  size_t text_bytes = 0;
  std::vector<std::string_view> names;  // of the metric, in its order: what the plan was made for
  model::ConflictKind fault = model::ConflictKind::kNoConflict;  // kDuplicateLabel, kInvalidLabelName
  std::string_view fault_label;
  bool has_quoted_names = false;  // in text
  bool has_quantile = false;
};

class LabelPlans {
 public:
  // Forgets everything; the labels of `key` are applied from now on. Returns the key's own fault, if any: kInvalidUtf8
  // or kInvalidLabelName with the label's name.
  [[nodiscard]] model::ConflictKind begin(const model::GroupKey& key, std::string_view& fault_label);

  // The plan for a metric with these labels.
  [[nodiscard]] const LabelPlan& find(std::span<const model::LabelPair> labels) {
    if (made_ && same_names(labels)) return plan_;
    make(labels);
    return plan_;
  }

  // Changes with every plan that is made: equal numbers mean the same label names and the same plan.
  [[nodiscard]] uint64_t generation() const noexcept { return generation_; }

  // Bytes that the grouping key adds to the text of a metric, without escapes.
  [[nodiscard]] size_t key_text_bytes() const noexcept { return key_text_bytes_; }

 private:
  [[nodiscard]] bool same_names(std::span<const model::LabelPair> labels) const noexcept {
    if (labels.size() != plan_.names.size()) return false;
    for (size_t i = 0; i < labels.size(); ++i) {
      const std::string_view name = labels[i].name;
      const std::string_view known = plan_.names[i];
      if (name.size() != known.size() || !equal_bytes(name.data(), known.data(), name.size())) return false;
    }
    return true;
  }
  void make(std::span<const model::LabelPair> labels);
  void sort_slots(std::span<const model::LabelPair> labels);
  void lay_out_text();

  std::vector<model::LabelPair> key_labels_;  // sorted by name
  size_t key_text_bytes_ = 0;
  bool key_has_instance_ = false;
  LabelPlan plan_;
  bool made_ = false;
  uint64_t generation_ = 0;
};

// True when a client may give a label this name in a push: not empty, UTF-8, not beginning with `__`. (The reference's
// Gather looks no closer; the legacy alphabet is the parsers' business.)
[[nodiscard]] bool is_pushable_label_name(std::string_view name) noexcept;

}  // namespace sluice::parser
