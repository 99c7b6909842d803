#include "core/render/gzip_stage.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/render/crc32.h"

namespace sluice::render {

namespace {

constexpr size_t kStagedBytes = 32 * 1024;
constexpr int kLevel = 1;
// RFC 1952: magic, deflate, no flags, no time, no extra flags, system unknown.
constexpr unsigned char kHeader[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

void put_u32(unsigned char* out, uint32_t value) noexcept {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<unsigned char>(value >> (8 * i));
}

}  // namespace

struct GzipStage::Deflate {
  isal_zstream stream;
  unsigned char input[kPieceBytes];
  unsigned char staged[kStagedBytes];
  unsigned char level[ISAL_DEF_LVL1_DEFAULT];
};

GzipStage::GzipStage(ByteSource& source)
    : source_(source), deflate_(std::make_unique_for_overwrite<Deflate>()), staged_end_(sizeof(kHeader)) {
  isal_deflate_init(&deflate_->stream);
  deflate_->stream.level = kLevel;
  deflate_->stream.level_buf = deflate_->level;
  deflate_->stream.level_buf_size = sizeof(deflate_->level);
  std::memcpy(deflate_->staged, kHeader, sizeof(kHeader));
}

GzipStage::~GzipStage() = default;

ByteSource::State GzipStage::produce(char* out, size_t capacity, size_t& used, Deadline deadline) {
  SLUICE_DCHECK(capacity != 0);
  used = 0;
  bool worked = false;
  while (true) {
    const size_t bytes = std::min(capacity - used, staged_end_ - staged_at_);
    std::memcpy(out + used, deflate_->staged + staged_at_, bytes);
    used += bytes;
    staged_at_ += bytes;
    if (staged_at_ != staged_end_) return State::kMore;
    switch (phase_) {
      case Phase::kDone:
        return State::kDone;
      case Phase::kTrailer:
        stage_trailer();
        break;
      case Phase::kDeflate:
        deflate();
        break;
      case Phase::kRead:
        if (used == capacity || (worked && deadline.passed())) return State::kMore;
        worked = true;
        if (!read(deadline)) return State::kMore;
        break;
    }
  }
}

bool GzipStage::read(Deadline deadline) {
  SLUICE_DCHECK(block_bytes_ < limits::kGzipBlockBytes);
  isal_zstream& stream = deflate_->stream;
  size_t bytes = 0;
  if (!source_done_) {
    const size_t room = std::min(kPieceBytes, limits::kGzipBlockBytes - block_bytes_);
    const State state = source_.produce(reinterpret_cast<char*>(deflate_->input), room, bytes, deadline);
    source_done_ = state == State::kDone;
  }
  if (bytes == 0 && !source_done_) return false;
  block_crc_ = crc32(block_crc_, {reinterpret_cast<const char*>(deflate_->input), bytes});
  block_bytes_ += bytes;
  bytes_in_ += bytes;
  stream.next_in = deflate_->input;
  stream.avail_in = static_cast<uint32_t>(bytes);
  stream.end_of_stream = source_done_ ? 1 : 0;
  const bool block_full = block_bytes_ == limits::kGzipBlockBytes;
  stream.flush = block_full && !source_done_ ? FULL_FLUSH : NO_FLUSH;
  if (block_full || source_done_) end_block();
  phase_ = Phase::kDeflate;
  return true;
}

void GzipStage::end_block() {
  crc_ = crc32_combine(crc_, block_crc_, block_bytes_);
  block_crc_ = 0;
  block_bytes_ = 0;
}

void GzipStage::deflate() {
  isal_zstream& stream = deflate_->stream;
  stream.next_out = deflate_->staged;
  stream.avail_out = kStagedBytes;
  SLUICE_CHECK(isal_deflate(&stream) == COMP_OK);
  staged_at_ = 0;
  staged_end_ = kStagedBytes - stream.avail_out;
  if (stream.end_of_stream != 0) {
    if (stream.internal_state.state == ZSTATE_END) phase_ = Phase::kTrailer;
  } else if (stream.avail_in == 0 && stream.avail_out != 0) {
    phase_ = Phase::kRead;
  }
}

void GzipStage::stage_trailer() {
  put_u32(deflate_->staged, crc_);
  put_u32(deflate_->staged + 4, static_cast<uint32_t>(bytes_in_));
  staged_at_ = 0;
  staged_end_ = 8;
  phase_ = Phase::kDone;
}

}  // namespace sluice::render
