// The bodies that come with the program, by name, as templates for body.h.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace sluice::tools::load {

// "s": ten gauges with three labels and TYPE lines, about 1.2 KB (workload S of the benches).
// "samples40": 40 counters and gauges in 4 KB. "histograms": four histograms of 32 buckets in 10 KB.
// "large": 15,000 gauges in 1.5 MB. "one": a single gauge. "file:PATH": a file of the user's.
// The error is one sentence.
[[nodiscard]] Result<std::string, std::string> workload_template(std::string_view name);

}  // namespace sluice::tools::load
