// One scrape's bytes: the blocks of a body (scrape_cache.h) with the gateway's own families, made now, between them.
//
// With gzip one member: curl and browsers stop after the first of several. Its blocks are independent, so those that
// are kept stand beside those that are new; the CRC of the whole is combined from theirs.
//
// A reader that falls behind what is kept, or is alone with a body that is not kept, goes on with a maker of its own;
// the bytes are the same. Lifetime: the cache outlives it; the snapshot is held for as long as it lives, except for a
// body that was found complete. One owner, one thread. Memory: one block, one of our own families, with gzip the
// deflater. produce() may write nothing and say kMore when somebody else makes the next block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/render/block_maker.h"
#include "core/render/byte_source.h"
#include "core/render/scrape_cache.h"

namespace sluice::render {

class BodyReader final : public ByteSource {
 public:
  // `own`: FamilyShown::kOwn. `again`: makes the source of the body (FamilyShown::kPushed) once more; empty for a body
  // that was found complete.
  // `helper`: this thread's, outlives it.
  BodyReader(ScrapeCache& cache, ScrapeHelper& helper, BodyRef body, std::unique_ptr<SnapshotSource> own,
             MakeSource again);

  [[nodiscard]] State produce(char* out, size_t capacity, size_t& used, Deadline deadline) override;

  // After kDone: fragments left out because of their type.
  [[nodiscard]] uint64_t left_out() const noexcept { return left_out_ + own_.source().left_out(); }
  // Counted since the last call.
  [[nodiscard]] CacheCounts take_counts() noexcept { return std::exchange(counts_, CacheCounts()); }
  // Bytes of the text.
  [[nodiscard]] uint64_t text_bytes() const noexcept { return text_bytes_; }

 private:
  enum class Step : uint8_t { kWait, kGoOn };

  // Gets something into rest_, or directly into `out`, or comes nearer to it. kWait: the deadline has passed or
  // somebody else is at work.
  [[nodiscard]] Step advance(char* out, size_t capacity, size_t& used, Deadline deadline);
  [[nodiscard]] Step next_pushed(Deadline deadline);
  [[nodiscard]] Step next_shared(Deadline deadline);
  [[nodiscard]] Step next_alone(Deadline deadline);
  [[nodiscard]] Step copy_direct(char* out, size_t capacity, size_t& used, Deadline deadline);
  void begin(BlockRef block);
  void end();
  // The text is copied from the maker's source without a block between.
  [[nodiscard]] bool direct() const noexcept {
    return alone_ != nullptr && !gzip_ && skip_ == 0 && pushed_ == nullptr && !pushed_end_ && alone_->between_blocks();
  }

  ScrapeCache& cache_;
  ScrapeHelper& helper_;
  BodyRef body_;  // while its blocks are read
  const bool gzip_;
  MakeSource again_;
  BlockMaker own_;
  bool own_end_ = false;

  size_t index_ = 0;                   // of the body's next block
  uint64_t pushed_text_bytes_ = 0;     // of the blocks before it
  std::unique_ptr<BlockMaker> alone_;  // instead of body_
  uint64_t skip_ = 0;                  // text that it has yet to read over
  BlockRef pushed_;                    // the next one, not begun
  bool pushed_end_ = false;

  BlockRef block_;         // what rest_ points into
  std::string tail_;       // likewise
  std::string_view rest_;  // to be handed out
  bool ended_ = false;     // nothing follows rest_
  uint32_t crc_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t left_out_ = 0;
  CacheCounts counts_;
};

}  // namespace sluice::render
