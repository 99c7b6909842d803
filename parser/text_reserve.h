// Room for a large body as it usually is, so that no step of a parser has to copy millions of entries into a larger
// array. Memory that is not used is not touched, so too much costs address space only.
#pragma once

#include <cstddef>

#include "core/model/families.h"

namespace sluice::parser {

// Bodies below this grow their arrays as they go: the largest copy takes less than a slice.
inline constexpr size_t kLargeBodyBytes = 1 << 20;
// Bytes of a large body for each family with its comments.
inline constexpr size_t kBytesPerFamily = 64;

inline void reserve_for(size_t body_bytes, model::Families& out) {
  if (body_bytes < kLargeBodyBytes) return;
  out.metrics.reserve(body_bytes / 32);
  out.labels.reserve(body_bytes / 16);
  out.points.reserve(body_bytes / 32);
  out.families.reserve(body_bytes / kBytesPerFamily);
}

}  // namespace sluice::parser
