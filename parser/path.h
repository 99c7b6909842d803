// Request paths as the reference's router (Go's net/http) cleans and prints them.
#pragma once

#include <string>
#include <string_view>

namespace sluice::parser {

// `path` (percent-encoded, without query) without doubled slashes and dot segments; a last slash stays. Dots that are
// percent-encoded are no dot segments. A result that differs from `path` is where the client is redirected to, after
// encode_path (http.ServeMux encodes the cleaned path once more, so that a `%` in it arrives as `%25`).
[[nodiscard]] std::string clean_path(std::string_view path);

// True: `target` is a path that begins with `/`, with no escape and no query, and clean_path gives it back as it is.
// False says nothing: one look at nine bytes or more, eight at a time, finds nearly all that are so.
[[nodiscard]] bool is_plain_path(std::string_view target) noexcept;

// Percent-encodes a path as url.URL does: letters, digits and -_.~$&+,/:;=@ stay.
[[nodiscard]] std::string encode_path(std::string_view path);

}  // namespace sluice::parser
