// The query of a request target, as Go's url.ParseQuery reads it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net::api {

struct QueryField {
  std::string name;
  std::string value;
};

// The fields behind the question mark of a raw target, unescaped, in order. The error is the sentence of a 400.
[[nodiscard]] std::expected<std::vector<QueryField>, std::string> parse_query(std::string_view target);

// A part of a query unescaped: `+` is a blank, %XX a byte; false when an escape is broken.
[[nodiscard]] bool unescape_query(std::string_view raw, std::string& out);

}  // namespace sluice::net::api
