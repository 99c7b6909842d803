// The content of an io.prometheus.client.Metric message in Go's prototext form, for error texts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::parser {

// Appends all fields but the labels, in the order of their declaration, separated by blanks; unknown fields are left
// out. `message` was accepted by ProtobufParser. Only its first `bytes_max` bytes are looked at.
void append_metric_content(std::string& out, std::string_view message, size_t bytes_max);

}  // namespace sluice::parser
