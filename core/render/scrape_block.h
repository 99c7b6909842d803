// A piece of the body of a scrape that is made once and read by any number of scrapes.
//
// Its text belongs to one stretch of families (FamilyWalk::place()). As gzip it is a run of deflate blocks that depends
// on nothing before it and ends on a full flush: it stands anywhere in the one member of a body, whose CRC is combined
// from those of its pieces (crc32.h).
//
// Immutable and counted; any thread may read and release it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::render {

struct ScrapeBlock {
  uint32_t place = 0;
  uint32_t crc = 0;         // of the text; only with gzip
  uint32_t text_bytes = 0;  // that it stands for
  size_t size = 0;
  std::unique_ptr<char[]> data;

  [[nodiscard]] std::string_view bytes() const noexcept { return {data.get(), size}; }
};

using BlockRef = std::shared_ptr<const ScrapeBlock>;

}  // namespace sluice::render
