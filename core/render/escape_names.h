// Names that are not legacy names, as the default scrape shows them (`escaping=underscores`).
//
// Fragments keep such names exactly and quoted, `{"a.b","c.d"="e"} 1`; the reference's default scrape says
// `a_b{c_d="e"} 1`. A fragment's header says whether it has one, and the renderer copies
// all that have none.
#pragma once

#include <string>
#include <string_view>

namespace sluice::render {

// [a-zA-Z_:][a-zA-Z0-9_:]*
[[nodiscard]] bool is_legacy_name(std::string_view name) noexcept;

// Appends `name` with every character that a legacy name cannot have at its place replaced by `_`: one for each UTF-8
// character, and one for each byte that is not UTF-8, as Go decodes it.
void append_underscored_name(std::string_view name, std::string& out);

// Appends fragment text (complete lines) with its quoted names replaced.
void append_underscored_text(std::string_view text, std::string& out);

}  // namespace sluice::render
