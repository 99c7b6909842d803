// Room for whatever a body may hold, so that no step of a parser has to copy millions of entries into a larger array.
// Memory that is not used is not touched, so this costs address space only (about 60 bytes for each byte of the body).
// Where the system does not promise more memory than it has, room for a body as it usually is.
#pragma once

#include <cstddef>

#include "core/base/large_memory.h"
#include "core/model/families.h"

namespace sluice::parser {

// Bodies below this grow their arrays as they go: the largest copy takes less than a slice.
inline constexpr size_t kLargeBodyBytes = 16 * 1024;
// Bytes of the shortest entries: `a 1` with its newline, `a="",`, `a{le="1"}1` with its newline; names are on lines.
inline constexpr size_t kShortestLine = 4;
inline constexpr size_t kShortestLabel = 5;
inline constexpr size_t kShortestPoint = 11;
// Bytes of a body for each family with its comments, usually.
inline constexpr size_t kBytesPerFamily = 64;

inline void reserve_for(size_t body_bytes, model::Families& out) {
  if (body_bytes < kLargeBodyBytes) return;
  reserve_room(out.metrics, body_bytes / kShortestLine + 1, body_bytes / 32);
  reserve_room(out.labels, body_bytes / kShortestLabel + 1, body_bytes / 16);
  reserve_room(out.points, body_bytes / kShortestPoint + 1, body_bytes / 32);
  reserve_room(out.families, body_bytes / kShortestLine + 1, body_bytes / kBytesPerFamily);
}

}  // namespace sluice::parser
