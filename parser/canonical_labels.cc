#include "parser/canonical_labels.h"

#include <algorithm>

#include "parser/canonical_escape.h"
#include "parser/names.h"

namespace sluice::parser {

namespace {

constexpr std::string_view kInstance = "instance";

void append_escaped(std::string& text, std::string_view value) {
  const size_t at = text.size();
  text.resize(at + 2 * value.size() + kCopySlack);
  bool high = false;
  const char* end = write_escaped(value, text.data() + at, high);
  text.resize(static_cast<size_t>(end - text.data()));
}

// As the reference's writer decides: by the rule for metric names, colon included. True when it is quoted.
bool append_name(std::string& text, std::string_view name) {
  if (is_unquoted_name(name)) {
    text += name;
    return false;
  }
  text += '"';
  append_escaped(text, name);
  text += '"';
  return true;
}

}  // namespace

bool is_pushable_label_name(std::string_view name) noexcept {
  return !name.empty() && !name.starts_with("__") && (is_ascii(name) || is_valid_utf8(name));
}

model::ConflictKind LabelPlans::begin(const model::GroupKey& key, std::string_view& fault_label) {
  made_ = false;
  key_labels_.clear();
  key_text_bytes_ = 0;
  key_has_instance_ = false;
  auto fault = model::ConflictKind::kNoConflict;
  for (size_t i = 0; i < key.label_count(); ++i) {
    const model::LabelPair label = key.label(i);
    key_labels_.push_back(label);
    key_text_bytes_ += label.name.size() + label.value.size() + 4;
    key_has_instance_ = key_has_instance_ || label.name == kInstance;
    if (fault != model::ConflictKind::kNoConflict) continue;
    if (!is_pushable_label_name(label.name)) fault = model::ConflictKind::kInvalidLabelName;
    if (!is_ascii(label.value) && !is_valid_utf8(label.value)) fault = model::ConflictKind::kInvalidUtf8;
    if (fault != model::ConflictKind::kNoConflict) fault_label = label.name;
  }
  if (!key_has_instance_) key_text_bytes_ += kInstance.size() + 4;
  return fault;
}

void LabelPlans::make(std::span<const model::LabelPair> labels) {
  made_ = true;
  ++generation_;
  plan_.names.clear();
  for (const model::LabelPair& label : labels) plan_.names.push_back(label.name);
  sort_slots(labels);
  plan_.fault = model::ConflictKind::kNoConflict;
  plan_.has_quantile = false;
  std::string_view previous;
  for (const LabelPlan::Slot& slot : plan_.slots) {
    // The first fault in this order, and with an empty name equal to the one "before" the first, as
    // checkMetricConsistency has it. The text is laid out all the same: without the check it is stored.
    if (plan_.fault == model::ConflictKind::kNoConflict) {
      plan_.fault_label = slot.name;
      if (slot.name == previous) {
        plan_.fault = model::ConflictKind::kDuplicateLabel;
      } else if (!is_pushable_label_name(slot.name)) {
        plan_.fault = model::ConflictKind::kInvalidLabelName;
      }
    }
    plan_.has_quantile = plan_.has_quantile || slot.name == "quantile";
    previous = slot.name;
  }
  lay_out_text();
}

// The first body label of a name that the key has takes the key's value; a second one keeps its own and is a duplicate.
void LabelPlans::sort_slots(std::span<const model::LabelPair> labels) {
  std::vector<LabelPlan::Slot>& slots = plan_.slots;
  slots.clear();
  bool has_instance = key_has_instance_;
  for (uint32_t i = 0; i < labels.size(); ++i) {
    slots.push_back({labels[i].name, {}, i});
    has_instance = has_instance || labels[i].name == kInstance;
  }
  const auto by_name = [](const LabelPlan::Slot& a, const LabelPlan::Slot& b) {
    const int order = a.name.compare(b.name);
    return order != 0 ? order < 0 : a.source < b.source;
  };
  if (!std::ranges::is_sorted(slots, by_name)) std::ranges::sort(slots, by_name);
  const auto body_count = static_cast<std::ptrdiff_t>(slots.size());
  for (const model::LabelPair& label : key_labels_) {
    const auto body_end = slots.begin() + body_count;
    const auto found =
        std::lower_bound(slots.begin(), body_end, label.name,
                         [](const LabelPlan::Slot& slot, std::string_view name) { return slot.name < name; });
    if (found != body_end && found->name == label.name) {
      found->fixed_value = label.value;
      found->source = model::kNone;
    } else {
      slots.push_back({label.name, label.value, model::kNone});
    }
  }
  if (!has_instance) slots.push_back({kInstance, {}, model::kNone});
  const auto name_less = [](const LabelPlan::Slot& a, const LabelPlan::Slot& b) { return a.name < b.name; };
  if (!std::ranges::is_sorted(slots, name_less)) std::ranges::sort(slots, name_less);
}

void LabelPlans::lay_out_text() {
  std::string& text = plan_.text;
  text.clear();
  plan_.holes.clear();
  plan_.has_quoted_names = false;
  for (const LabelPlan::Slot& slot : plan_.slots) {
    if (!text.empty()) text += ',';
    if (append_name(text, slot.name)) plan_.has_quoted_names = true;
    text += "=\"";
    if (slot.source == model::kNone) {
      append_escaped(text, slot.fixed_value);
    } else {
      plan_.holes.push_back({static_cast<uint32_t>(text.size()), slot.source});
    }
    text += '"';
  }
  plan_.text_bytes = text.size();
  text.append(kCopySlack, '\0');
}

}  // namespace sluice::parser
