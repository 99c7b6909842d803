// Parsed families as text, families sorted by name, for comparing what two parsers made of the same bytes. Numbers are
// their bits; all NaNs are equal. Families without metrics are left out, as the reference leaves them out.
#pragma once

#include <simdjson.h>

#include <string>

#include "core/model/families.h"

namespace sluice::parser::test {

[[nodiscard]] std::string dump(const model::Families& families);

// The same text of the JSON form that the recorded cases use.
[[nodiscard]] std::string dump(simdjson::dom::array families);

}  // namespace sluice::parser::test
