// Compresses the text of one block after the other, each on its own: the same text gives the same bytes whatever came
// before it.
//
// Memory: about 400 KB, and the compressed bytes of one block. One owner, one thread. Cannot fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/render/scrape_block.h"

namespace sluice::render {

class BlockDeflater {
 public:
  // A piece is compressed in about 20 us.
  static constexpr size_t kPieceBytes = 8 * 1024;

  BlockDeflater();
  ~BlockDeflater();

  // The next block. All pieces but the last one have kPieceBytes, so that its bytes depend on its text alone.
  void begin();
  void add(std::string_view piece);
  // With the full flush that ends it.
  void finish();

  // After finish(): the block, which stands for so much text of that place.
  [[nodiscard]] BlockRef block(uint32_t place, size_t text_bytes) const;

 private:
  struct Stream;
  void deflate(uint16_t flush);

  std::unique_ptr<Stream> stream_;
  std::string out_;
  uint32_t crc_ = 0;
};

// What stands before the blocks of a member, and behind them: an empty last block, the CRC and the length of the text.
[[nodiscard]] std::string_view gzip_head() noexcept;
void append_gzip_tail(std::string& out, uint32_t crc, uint64_t text_bytes);

}  // namespace sluice::render
