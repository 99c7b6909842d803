#include "parser/text_fast_labels.h"

#include "parser/names.h"

namespace sluice::parser {

const LabelNames::Name* LabelNames::learn(uint32_t at, std::string_view name) noexcept {
  count_ = at;
  if (at >= kMax || name == "__name__" || !is_valid_label_name(name, NameScheme::kLegacy)) return nullptr;
  for (uint32_t earlier = 0; earlier < at; ++earlier) {
    if (names_[earlier].known.view() == name) return nullptr;
  }
  Name& entry = names_[at];
  entry.known.prepare(name);
  entry.bound = name == "le" ? BoundLabel::kLe : name == "quantile" ? BoundLabel::kQuantile : BoundLabel::kNone;
  count_ = at + 1;
  return &entry;
}

}  // namespace sluice::parser
