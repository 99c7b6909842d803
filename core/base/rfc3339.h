// A point in time as Go's encoding/json writes a time.Time: RFC 3339 in the local zone.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

// Appends nanoseconds since the Unix epoch as `2026-11-26T04:32:10.64527128+01:00`: up to nine decimals without
// trailing zeros, no point when there are none, `Z` where the zone's offset is zero. The zone is the C library's local
// one (TZ). About 300 ns. Any thread.
void append_rfc3339(std::string& out, int64_t wall_ns);

}  // namespace sluice
