// The code points that Go's strconv.IsPrint accepts, as sorted ranges.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::parser {

struct CodePointRange {
  uint32_t first;
  uint32_t last;  // inclusive
};

[[nodiscard]] std::span<const CodePointRange> printable_ranges() noexcept;

}  // namespace sluice::parser
