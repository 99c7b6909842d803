// Metric families as text format 0.0.4, as the reference's writer (expfmt.MetricFamilyToText, no escaping of names)
// prints them: HELP when there is one, TYPE, then every metric in input order with its labels in input order. Nothing
// is sorted, added or checked, except that a histogram without a +Inf bucket gets one.
#pragma once

#include <string>

#include "core/model/families.h"

namespace sluice::parser {

// Appends one family; one without metrics appends nothing. O(bytes).
void append_family_text(std::string& out, const model::Families& families, const model::Family& family);

// Appends all families in their order.
void append_text(std::string& out, const model::Families& families);

}  // namespace sluice::parser
