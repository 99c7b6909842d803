// Names that are not legacy names, as a scrape shows them by its escaping scheme.
//
// Fragments keep such names exactly and quoted, `{"a.b","c.d"="e"} 1`; the default scrape (`escaping=underscores`) says
// `a_b{c_d="e"} 1`. A fragment's header says whether it has one, and the renderers copy all that have none. The schemes
// are those of prometheus/common (model.EscapeName): a legacy name is never changed, and of a sample's name only the
// family's part is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::render {

enum class NameEscaping : uint8_t {
  kUnderscores,  // the default: every character that a legacy name cannot have becomes `_`
  kDots,         // `.` becomes `_dot_`, `_` and every other such character `__`
  kValues,       // `U__`, then `_` becomes `__` and every other such character its number in hex, `_2e_`
  kNone,         // `escaping=allow-utf-8`: names as they are, quoted
};

// [a-zA-Z_:][a-zA-Z0-9_:]*
[[nodiscard]] bool is_legacy_name(std::string_view name) noexcept;

// Appends `name` escaped; a byte that is not UTF-8 counts as U+FFFD, as Go decodes it.
void append_escaped_name(std::string_view name, NameEscaping escaping, std::string& out);

// The name between the quotes at the front of `text`, unescaped into `name`; returns the bytes up to and with the
// closing quote.
size_t read_quoted_name(std::string_view text, std::string& name);

// Appends the complete lines of `text`, all of the family `family`, with their quoted names escaped.
void append_escaped_text(std::string_view text, std::string_view family, NameEscaping escaping, std::string& out);

}  // namespace sluice::render
