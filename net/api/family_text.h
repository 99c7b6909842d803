// Writes own families in text format 0.0.4: the lines that follow HELP and TYPE.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sluice::net::api {

struct OwnLabel {
  std::string_view name;
  std::string_view value;
};

// One line: `name{labels} value`. Labels in the order given, which must be sorted by name; values are escaped.
void append_sample(std::string& out, std::string_view name, std::initializer_list<OwnLabel> labels, double value);
void append_count(std::string& out, std::string_view name, std::initializer_list<OwnLabel> labels, uint64_t value);

}  // namespace sluice::net::api
