// The recorded cases of the reference, which lie beside the repository when they are there at all, and the bytes in
// them. Tests that use them say so and pass when they are missing; each has a small set of its own that always runs.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace sluice::parser::test {

// The JSON document of that name (without .json), or nothing when the cases are not there. Aborts on broken JSON.
[[nodiscard]] std::optional<simdjson::dom::element> load_cases(simdjson::dom::parser& parser, std::string_view name);

[[nodiscard]] std::string decode_base64(std::string_view text);

// A string, or the bytes of {"b64": "..."}.
[[nodiscard]] std::string bytes_of(simdjson::dom::element element);

// The array, by value: a range-for over a temporary result would dangle.
[[nodiscard]] simdjson::dom::array array_of(simdjson::simdjson_result<simdjson::dom::element> element);

}  // namespace sluice::parser::test
