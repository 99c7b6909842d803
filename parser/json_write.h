// Strings and numbers as Go's encoding/json and fmt write them: what the JSON API is made of.
//
// Pure functions, any thread; they append and cannot fail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::parser {

// Appends `text` in quotes: `"`, `\` and control characters escaped, `<`, `>`, `&`, U+2028 and U+2029 as \uXXXX, and
// \ufffd for each byte that is not UTF-8.
void append_json_string(std::string& out, std::string_view text);

// The same for text that is escaped as in the text format (`\\`, `\"`, `\n`), which JSON writes alike.
void append_json_escaped(std::string& out, std::string_view text);

// What stands between the braces of a sample line, `a="1","b.c"="2"`, as the object `{"a":"1","b.c":"2"}`. A quoted
// name without a value (the metric's) is left out, and with `drop_empty_instance` so is `instance=""`.
void append_json_labels(std::string& out, std::string_view labels, bool drop_empty_instance = false);

// As fmt.Sprint has it: like the text format, but with the sign of -0.
void append_json_float(std::string& out, double value);
void append_json_uint(std::string& out, uint64_t value);

}  // namespace sluice::parser
