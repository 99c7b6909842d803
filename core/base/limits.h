// Every limit of the gateway in one file, each with its derivation. A limit that an operator would turn has a flag
// (named in its comment); a limit that bites has a counter where it is enforced.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::limits {

// ---- Time ----------------------------------------------------------------------------------------------------------
// Longest stretch of work between two looks at the ring. 50 us keeps a turn of 16 runnable requests under 1 ms.
inline constexpr int64_t kSliceNs = 50'000;

// ---- Requests ------------------------------------------------------------------------------------------------------
// Request line and header fields together. Go's server allows 1 MiB; real pushes need under 2 KiB. 431 above it, 414
// when the request line alone is longer.
inline constexpr size_t kHeadBytesMax = 64 * 1024;
// Decoded body of a push. The largest pushes seen in the field are tens of megabytes. 413 above it.
inline constexpr uint64_t kBodyBytesMax = 256ull * 1024 * 1024;

// ---- Pushes --------------------------------------------------------------------------------------------------------
// Labels of one series, those of the grouping key included. Prometheus refuses far fewer by default.
inline constexpr uint32_t kLabelsPerSeriesMax = 1024;
// Labels of a grouping key.
inline constexpr uint32_t kLabelsPerKeyMax = 64;

// ---- Log -----------------------------------------------------------------------------------------------------------
// Lines of one reason in a second: enough to see what is wrong, too few to be a load of their own.
inline constexpr uint32_t kLogLinesPerSecond = 10;
// Lines that wait for a slow reader of stderr; at about 200 bytes each 1.6 MB. The oldest are dropped and counted.
inline constexpr size_t kLogQueueLines = 8192;

}  // namespace sluice::limits
