// Durations on the command line, as the reference's flags read them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace sluice::tools {

// "300ms", "-1.5h", "2h45m", "0"; units ns, us, ms, s, m, h, d, w (github.com/xhit/go-str2duration, which kingpin uses:
// Go's time.ParseDuration with days and weeks). The error is in its words.
[[nodiscard]] Result<std::chrono::nanoseconds, std::string> parse_go_duration(std::string_view text);

// As Go prints one: "5m0s", "1h0m0.25s", "1.5ms", "0s".
[[nodiscard]] std::string format_go_duration(std::chrono::nanoseconds duration);

}  // namespace sluice::tools
