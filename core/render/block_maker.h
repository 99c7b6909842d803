// Cuts the bytes of a scrape into blocks, in slices: as text or compressed.
//
// The bytes of the blocks depend on the text and its places alone, not on slices and buffers: two makers over the same
// families make the same blocks. One owner at a time, any thread. Memory: one block, with gzip the deflater besides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/limits.h"
#include "core/render/block_deflater.h"
#include "core/render/scrape_block.h"
#include "core/render/snapshot_source.h"

namespace sluice::render {

class BlockMaker {
 public:
  enum class Step : uint8_t {
    kMore,    // the deadline has passed: call again
    kBlock,   // take() it
    kBeyond,  // nothing is left before the limit
    kEnd,
  };
  // What a block may have of text.
  [[nodiscard]] static constexpr size_t text_max(bool gzip) noexcept {
    return gzip ? limits::kGzipBlockBytes : limits::kTextBlockBytes;
  }
  static constexpr uint32_t kNoLimit = UINT32_MAX;

  BlockMaker(std::unique_ptr<SnapshotSource> source, bool gzip) : BlockMaker(std::move(source), gzip, text_max(gzip)) {}
  // `text_max` bytes a block, whatever it is.
  BlockMaker(std::unique_ptr<SnapshotSource> source, bool gzip, size_t text_max);

  // Works on the next block of a single place.
  [[nodiscard]] Step step(Deadline deadline) { return step(place_ + 1, true, deadline); }
  // Works on the next block of all that stands before the place `limit`. For a maker one of the two is used.
  [[nodiscard]] Step step_before(uint32_t limit, Deadline deadline) { return step(limit, false, deadline); }
  // After kBlock, once.
  [[nodiscard]] BlockRef take();

  // Memory for the next block of text, of `text_max` bytes as given to the constructor, if it has none yet: fresh pages
  // cost as much as filling them.
  void reuse(std::unique_ptr<char[]>& buffer) noexcept {
    if (buffer_ == nullptr) buffer_ = std::move(buffer);
  }

  // Reads over so much text, which must end where a block ends; true when done. Before the first step.
  [[nodiscard]] bool skip(uint64_t& text_bytes, Deadline deadline);
  // For whoever wants the rest of the text as it comes; between two blocks only, without gzip.
  [[nodiscard]] SnapshotSource& source() noexcept { return *source_; }
  [[nodiscard]] const SnapshotSource& source() const noexcept { return *source_; }
  [[nodiscard]] bool between_blocks() const noexcept { return filled_ == 0 && text_bytes_ == 0; }

 private:
  [[nodiscard]] Step step(uint32_t limit, bool one_place, Deadline deadline);
  void deflate_piece();

  const std::unique_ptr<SnapshotSource> source_;
  const size_t text_max_;
  std::optional<BlockDeflater> deflater_;
  std::unique_ptr<char[]> buffer_;  // of the block, with gzip of its present piece
  size_t buffer_bytes_;
  size_t filled_ = 0;      // of the buffer
  size_t text_bytes_ = 0;  // of the block, in pieces that are compressed already
  uint32_t place_ = 0;
  bool done_ = false;
};

}  // namespace sluice::render
