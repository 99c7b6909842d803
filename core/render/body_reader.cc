#include "core/render/body_reader.h"

#include "core/base/check.h"
#include "core/render/crc32.h"

namespace sluice::render {

BodyReader::BodyReader(ScrapeCache& cache, ScrapeHelper& helper, BodyRef body, std::unique_ptr<SnapshotSource> own,
                       MakeSource again)
    : cache_(cache),
      helper_(helper),
      body_(std::move(body)),
      gzip_(body_->key().gzip),
      again_(std::move(again)),
      own_(std::move(own), gzip_) {
  if (gzip_) rest_ = gzip_head();
}

ByteSource::State BodyReader::produce(char* out, size_t capacity, size_t& used, Deadline deadline) {
  SLUICE_DCHECK(capacity != 0);
  used = 0;
  for (bool worked = false;; worked = true) {
    const size_t bytes = rest_.copy(out + used, capacity - used);
    used += bytes;
    rest_.remove_prefix(bytes);
    if (rest_.empty() && ended_) return State::kDone;
    if (used == capacity || (worked && deadline.passed())) return State::kMore;
    if (rest_.empty() && advance(out, capacity, used, deadline) == Step::kWait) return State::kMore;
  }
}

BodyReader::Step BodyReader::advance(char* out, size_t capacity, size_t& used, Deadline deadline) {
  if (!direct() && pushed_ == nullptr && !pushed_end_) return next_pushed(deadline);
  // Our own families that stand before it.
  if (!own_end_) {
    const uint32_t limit = pushed_ != nullptr ? pushed_->place
                           : pushed_end_      ? BlockMaker::kNoLimit
                                              : alone_->source().place();
    switch (own_.step_before(limit, deadline)) {
      case BlockMaker::Step::kMore:
        return Step::kWait;
      case BlockMaker::Step::kBlock:
        begin(own_.take());
        return Step::kGoOn;
      case BlockMaker::Step::kEnd:
        own_end_ = true;
        break;
      case BlockMaker::Step::kBeyond:
        break;
    }
  }
  if (direct()) return copy_direct(out, capacity, used, deadline);
  if (pushed_ != nullptr) {
    begin(std::move(pushed_));
  } else if (own_end_) {
    end();
  }
  return Step::kGoOn;
}

BodyReader::Step BodyReader::next_pushed(Deadline deadline) {
  const Step step = alone_ != nullptr ? next_alone(deadline) : next_shared(deadline);
  if (pushed_ != nullptr) {
    ++index_;
    pushed_text_bytes_ += pushed_->text_bytes;
  }
  return step;
}

BodyReader::Step BodyReader::next_shared(Deadline deadline) {
  switch (cache_.fetch(*body_, index_, pushed_)) {
    case ScrapeCache::Fetched::kBusy:
      return Step::kWait;
    case ScrapeCache::Fetched::kBlock:
      return Step::kGoOn;
    case ScrapeCache::Fetched::kEnd:
      pushed_end_ = true;
      left_out_ = body_->left_out_;
      return Step::kGoOn;
    case ScrapeCache::Fetched::kLost:
      SLUICE_CHECK(again_);
      alone_ = std::make_unique<BlockMaker>(again_(), gzip_);
      skip_ = pushed_text_bytes_;
      body_.reset();
      return Step::kGoOn;
    case ScrapeCache::Fetched::kMissing:
      break;
  }
  alone_ = cache_.take_over(body_, index_, counts_);
  if (alone_ != nullptr) {
    body_.reset();
    return Step::kGoOn;
  }
  return cache_.make(body_, index_, helper_, deadline, counts_) ? Step::kGoOn : Step::kWait;
}

BodyReader::Step BodyReader::next_alone(Deadline deadline) {
  if (skip_ != 0) return alone_->skip(skip_, deadline) ? Step::kGoOn : Step::kWait;
  switch (alone_->step(deadline)) {
    case BlockMaker::Step::kMore:
    case BlockMaker::Step::kBeyond:
      return Step::kWait;
    case BlockMaker::Step::kBlock:
      pushed_ = alone_->take();
      return Step::kGoOn;
    case BlockMaker::Step::kEnd:
      pushed_end_ = true;
      left_out_ = alone_->source().left_out();
      return Step::kGoOn;
  }
  return Step::kWait;
}

BodyReader::Step BodyReader::copy_direct(char* out, size_t capacity, size_t& used, Deadline deadline) {
  SnapshotSource& source = alone_->source();
  size_t bytes = 0;
  if (source.produce(out + used, capacity - used, bytes, deadline) == State::kDone) {
    pushed_end_ = true;
    left_out_ = source.left_out();
  }
  used += bytes;
  text_bytes_ += bytes;
  return Step::kGoOn;
}

void BodyReader::begin(BlockRef block) {
  block_ = std::move(block);
  rest_ = block_->bytes();
  if (gzip_) crc_ = crc32_combine(crc_, block_->crc, block_->text_bytes);
  text_bytes_ += block_->text_bytes;
}

void BodyReader::end() {
  if (gzip_) append_gzip_tail(tail_, crc_, text_bytes_);
  rest_ = tail_;
  ended_ = true;
}

}  // namespace sluice::render
