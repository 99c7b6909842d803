// One family of the reference's persistence file as a stored family, and the two push times that it keeps as families.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/wal/state_file.h"
#include "parser/gob_groups.h"

namespace sluice::net::api {

// Takes name, help, type and metrics apart. The result's views point into the family's bytes, or into `memory` where
// its metrics do not stand together. The error is why it cannot be kept.
[[nodiscard]] Result<wal::StoredFamily, std::string> stored_family(const parser::GobFamily& family,
                                                                   std::string& memory);

// What push_time_seconds or push_failure_time_seconds says, in nanoseconds; 0 for never. The gauge has the digits of a
// float64, the time beside it all of them: that one is taken where it is the same moment. The error is when it is not
// the gateway's own gauge but one that a client pushed over it.
[[nodiscard]] Result<int64_t, std::string> stored_push_time(const parser::GobFamily& family);

}  // namespace sluice::net::api
