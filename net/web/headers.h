// The five headers that a web config may set on every answer.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "net/web/strict_yaml.h"

namespace sluice::net::web {

// The lines of an answer's head, "Name: value\r\n" each, in a fixed order, or why they may not be set.
[[nodiscard]] Result<std::string, std::string> header_lines(const StrictYaml::TextMap& headers);

// Appends those of `lines` to `head` whose names it does not have yet.
void add_headers(std::string& head, std::string_view lines);

}  // namespace sluice::net::web
