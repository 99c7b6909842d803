// Compresses a byte source as one gzip member, in slices.
//
// One member only: curl and browsers stop after the first of several. The deflate stream is cut into blocks by full
// flushes, every limits::kGzipBlockBytes of input: a block depends on nothing before it, so that later a block of
// unchanged families can come from a cache or another thread; the CRC of the whole is combined from those of the
// blocks.
//
// Lifetime: the source is the caller's and must outlive the stage. Memory: about 400 KB, allocated at construction. One
// owner, one thread. Input is compressed in pieces of kPieceBytes (about 20 us) between two looks at the clock. Cannot
// fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/render/byte_source.h"

namespace sluice::render {

class GzipStage final : public ByteSource {
 public:
  explicit GzipStage(ByteSource& source);
  ~GzipStage() override;

  [[nodiscard]] State produce(char* out, size_t capacity, size_t& used, Deadline deadline) override;

  // Bytes taken from the source so far.
  [[nodiscard]] uint64_t bytes_in() const noexcept { return bytes_in_; }

  static constexpr size_t kPieceBytes = 8 * 1024;

 private:
  struct Deflate;
  enum class Phase : uint8_t { kRead, kDeflate, kTrailer, kDone };

  // Next piece from the source; false when it had nothing before the deadline.
  [[nodiscard]] bool read(Deadline deadline);
  void deflate();
  void end_block();
  void stage_trailer();

  ByteSource& source_;
  std::unique_ptr<Deflate> deflate_;
  Phase phase_ = Phase::kRead;
  bool source_done_ = false;
  uint64_t bytes_in_ = 0;
  uint32_t crc_ = 0;        // of the blocks that are complete
  uint32_t block_crc_ = 0;  // of the one being compressed
  size_t block_bytes_ = 0;
  size_t staged_at_ = 0;  // compressed bytes not handed out yet
  size_t staged_end_ = 0;
};

}  // namespace sluice::render
