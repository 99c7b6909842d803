#include "core/render/block_deflater.h"

#include <isa-l/igzip_lib.h>

#include <cstring>

#include "core/base/check.h"
#include "core/render/crc32.h"

namespace sluice::render {

namespace {

constexpr int kLevel = 1;
constexpr size_t kOutBytes = 16 * 1024;  // what the output grows by

void append_u32(std::string& out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

struct BlockDeflater::Stream {
  isal_zstream zstream;
  unsigned char level[ISAL_DEF_LVL1_DEFAULT];
};

BlockDeflater::BlockDeflater() : stream_(std::make_unique_for_overwrite<Stream>()) {
  isal_deflate_init(&stream_->zstream);
}

BlockDeflater::~BlockDeflater() = default;

void BlockDeflater::begin() {
  isal_zstream& zstream = stream_->zstream;
  isal_deflate_reset(&zstream);
  zstream.level = kLevel;
  zstream.level_buf = stream_->level;
  zstream.level_buf_size = sizeof(stream_->level);
  zstream.end_of_stream = 0;
  out_.clear();
  crc_ = 0;
}

void BlockDeflater::add(std::string_view piece) {
  SLUICE_DCHECK(piece.size() <= kPieceBytes);
  isal_zstream& zstream = stream_->zstream;
  crc_ = crc32(crc_, piece);
  zstream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
  zstream.avail_in = static_cast<uint32_t>(piece.size());
  deflate(NO_FLUSH);
}

void BlockDeflater::finish() {
  stream_->zstream.avail_in = 0;
  deflate(FULL_FLUSH);
}

BlockRef BlockDeflater::block(uint32_t place, size_t text_bytes) const {
  auto block = std::make_shared<ScrapeBlock>();
  block->place = place;
  block->crc = crc_;
  block->text_bytes = static_cast<uint32_t>(text_bytes);
  block->size = out_.size();
  block->data = std::make_unique_for_overwrite<char[]>(block->size);
  std::memcpy(block->data.get(), out_.data(), block->size);
  return block;
}

void BlockDeflater::deflate(uint16_t flush) {
  isal_zstream& zstream = stream_->zstream;
  zstream.flush = flush;
  do {
    const size_t before = out_.size();
    out_.resize_and_overwrite(before + kOutBytes, [&](char* data, size_t /*bytes*/) noexcept {
      zstream.next_out = reinterpret_cast<unsigned char*>(data + before);
      zstream.avail_out = kOutBytes;
      SLUICE_CHECK(isal_deflate(&zstream) == COMP_OK);
      return before + kOutBytes - zstream.avail_out;
    });
  } while (zstream.avail_in != 0 || zstream.avail_out == 0);
}

std::string_view gzip_head() noexcept {
  // RFC 1952: magic, deflate, no flags, no time, no extra flags, system unknown.
  static constexpr char kHead[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
  return {kHead, sizeof(kHead) - 1};
}

void append_gzip_tail(std::string& out, uint32_t crc, uint64_t text_bytes) {
  out += '\x03';  // the last block, with fixed codes: nothing but its end
  out += '\0';
  append_u32(out, crc);
  append_u32(out, static_cast<uint32_t>(text_bytes));
}

}  // namespace sluice::render
