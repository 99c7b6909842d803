// Names that are not legacy names, as the default scrape shows them (`escaping=underscores`).
//
// Fragments keep such names exactly and quoted, `{"a.b","c.d"="e"} 1`; the reference's default scrape says
// `a_b{c_d="e"} 1`. They can occur only when UTF-8 names are enabled or in protobuf pushes, so the renderer copies a
// fragment unless its text begins with `{` or holds a quoted label name.
#pragma once

#include <string>
#include <string_view>

namespace sluice::render {

// [a-zA-Z_:][a-zA-Z0-9_:]*
[[nodiscard]] bool is_legacy_name(std::string_view name) noexcept;

// Appends `name` with every character that a legacy name cannot have at its place replaced by `_`: one for each UTF-8
// character, and one for each byte that is not UTF-8, as Go decodes it.
void append_underscored_name(std::string_view name, std::string& out);

// True when a line of this fragment text may hold a quoted name. Lines of one fragment can differ in their label names,
// so every line is looked at: O(bytes), by memchr.
[[nodiscard]] bool has_quoted_names(std::string_view text) noexcept;

// Appends fragment text (complete lines) with its quoted names replaced.
void append_underscored_text(std::string_view text, std::string& out);

}  // namespace sluice::render
