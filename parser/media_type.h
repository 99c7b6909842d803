// When the body of a push is protobuf: the reference's rule, which is Go's mime.ParseMediaType and three comparisons.
#pragma once

#include <string_view>

namespace sluice::parser {

// True for the media type application/vnd.google.protobuf with proto=io.prometheus.client.MetricFamily and
// encoding=delimited. Case and blanks of the type and of parameter names, quotes, the order of the parameters and
// RFC 2231 pieces (`encoding*0=...`) are as ParseMediaType takes them; values are compared as they are. Anything that
// ParseMediaType refuses is not protobuf. O(bytes), for a header field that is bounded by limits::kHeadBytesMax.
[[nodiscard]] bool is_delimited_protobuf(std::string_view content_type);

}  // namespace sluice::parser
