// Go's %q: how the reference's error texts show foreign bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/utf8.h"

namespace sluice::parser {

// %q of a string: in double quotes; what Go's strconv.IsPrint calls printable stays, the rest becomes \n, \x00, \u0080
// and the like; bytes that are not UTF-8 become \xff.
void append_quoted(std::string& out, std::string_view text);
[[nodiscard]] std::string go_quoted(std::string_view text);

// %q of a byte: the code point of that number in single quotes ('\u0080', 'a').
void append_quoted_byte(std::string& out, char byte);

// %c of a byte: the code point of that number as UTF-8 (0xff gives two bytes).
void append_byte_as_char(std::string& out, char byte);

// Go's strconv.IsPrint.
[[nodiscard]] bool is_printable(uint32_t code_point) noexcept;

}  // namespace sluice::parser
