// A model::Families as text that is equal exactly when the families are: every field of families, metrics, labels and
// points, numbers by their bits (NaN as NaN). For comparing parsers with each other.
#pragma once

#include <string>

#include "core/model/families.h"

namespace sluice::parser::test {

[[nodiscard]] std::string describe(const model::Families& families);

}  // namespace sluice::parser::test
