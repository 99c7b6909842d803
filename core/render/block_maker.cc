#include "core/render/block_maker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace sluice::render {

BlockMaker::BlockMaker(std::unique_ptr<SnapshotSource> source, bool gzip, size_t text_max)
    : source_(std::move(source)), text_max_(text_max), buffer_bytes_(gzip ? BlockDeflater::kPieceBytes : text_max) {
  static_assert(limits::kGzipBlockBytes % BlockDeflater::kPieceBytes == 0);
  if (gzip) deflater_.emplace();
}

BlockMaker::Step BlockMaker::step(uint32_t limit, bool one_place, Deadline deadline) {
  for (bool worked = false;; worked = true) {
    const bool empty = between_blocks();
    if (empty) {
      place_ = source_->place();
      if (one_place) limit = place_ + 1;
      if (done_) return Step::kEnd;
    }
    if (done_ || source_->place() >= limit) return empty ? Step::kBeyond : Step::kBlock;
    if (text_bytes_ + filled_ == text_max_) return Step::kBlock;
    if (worked && deadline.passed()) return Step::kMore;
    if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_bytes_);
    if (empty && deflater_) deflater_->begin();
    size_t used = 0;
    const auto state = source_->produce(buffer_.get() + filled_, buffer_bytes_ - filled_, used, deadline);
    done_ = state == ByteSource::State::kDone;
    filled_ += used;
    if (deflater_ && filled_ == buffer_bytes_) deflate_piece();
  }
}

void BlockMaker::deflate_piece() {
  deflater_->add({buffer_.get(), filled_});
  text_bytes_ += filled_;
  filled_ = 0;
}

BlockRef BlockMaker::take() {
  SLUICE_DCHECK(!between_blocks());
  if (deflater_) {
    if (filled_ != 0) deflate_piece();
    deflater_->finish();
    return deflater_->block(place_, std::exchange(text_bytes_, 0));
  }
  auto block = std::make_shared<ScrapeBlock>();
  block->place = place_;
  block->size = filled_;
  block->text_bytes = static_cast<uint32_t>(filled_);
  if (filled_ > buffer_bytes_ / 2) {
    block->data = std::move(buffer_);
  } else {
    block->data = std::make_unique_for_overwrite<char[]>(filled_);
    std::memcpy(block->data.get(), buffer_.get(), filled_);
  }
  filled_ = 0;
  return block;
}

bool BlockMaker::skip(uint64_t& text_bytes, Deadline deadline) {
  SLUICE_DCHECK(between_blocks());
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_bytes_);
  while (text_bytes != 0 && !done_) {
    size_t used = 0;
    const size_t room = std::min<uint64_t>(buffer_bytes_, text_bytes);
    const auto state = source_->produce(buffer_.get(), room, used, deadline);
    done_ = state == ByteSource::State::kDone;
    text_bytes -= used;
    if (deadline.passed()) break;
  }
  return text_bytes == 0;
}

}  // namespace sluice::render
