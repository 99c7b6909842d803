#include "core/render/scrape_cache.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace sluice::render {

namespace {

// Blocks taken out in one call, so that the end of a large body is not one long piece of work.
constexpr size_t kBuriedPerCall = 32;

// Blocks that readers make before the one that they need: of text, to be compressed by others.
constexpr size_t kAhead = 8;
// A block takes half a millisecond; who takes longer has work of its own. To compress it twice does no harm.
constexpr int64_t kTakeAgainNs = 3'000'000;

// It can be asked for again.
bool lasts(const BodyKey& key) noexcept { return (key.mutations & store::Snapshot::kUnique) == 0; }

}  // namespace

// Frees what was taken out when the lock is free again: an allocator may take its time.
class ScrapeCache::Hold {
 public:
  explicit Hold(ScrapeCache& cache) : cache_(cache) { held_ = hold_.acquire(cache.lock_); }
  ~Hold() {
    if (!held_) return;
    std::vector<std::shared_ptr<const void>> dead;
    dead.swap(cache_.dead_);
    hold_.reset();
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  [[nodiscard]] explicit operator bool() const noexcept { return held_; }

 private:
  ScrapeCache& cache_;
  store::TryLockHold hold_;
  bool held_ = false;
};

ScrapeCache::Found ScrapeCache::find(const BodyKey& key, BodyRef& body) {
  const Hold hold(*this);
  if (!hold) return Found::kBusy;
  for (const BodyRef& there : bodies_) {
    const BodyKey& its = there->key_;
    if (!there->listed_ || !there->complete_ || its.mutations != key.mutations || !its.same_request(key)) continue;
    there->used_ = ++clock_;
    body = there;
    return Found::kYes;
  }
  return Found::kNo;
}

bool ScrapeCache::acquire(const BodyKey& key, uint64_t snapshot, const BodyPlan& plan, const MakeSource& make,
                          BodyRef& body, CacheCounts& counts) {
  const Hold hold(*this);
  if (!hold) return false;
  for (const BodyRef& there : bodies_) {
    if (!there->listed_) continue;
    if (there->key_ == key && (there->complete_ || there->snapshot_ == snapshot)) {
      ++(there->complete_ ? counts.hits : counts.joins);
      there->used_ = ++clock_;
      body = there;
      return true;
    }
    // The state has changed, and does not come back.
    const bool other_state = there->key_.mutations != key.mutations;
    if (there->key_.same_request(key) || (other_state && there->complete_)) there->listed_ = false;
  }
  ++counts.misses;
  body = std::make_shared<ScrapeBody>();
  body->key_ = key;
  body->snapshot_ = snapshot;
  body->make_ = make;
  body->listed_ = bytes_max_ != 0;
  body->shared_work_ = plan.helped && key.gzip && bytes_max_ != 0;
  body->large_text_ = plan.text_bytes > bytes_max_ / 4;
  body->used_ = ++clock_;
  bodies_.push_back(body);
  bury(counts);
  return true;
}

ScrapeCache::Fetched ScrapeCache::fetch(ScrapeBody& body, size_t index, BlockRef& block) {
  const Hold hold(*this);
  if (!hold) return Fetched::kBusy;
  if (index < body.first_) return Fetched::kLost;
  if (index - body.first_ < body.blocks_.size()) {
    block = body.blocks_[index - body.first_].block;
    return block != nullptr ? Fetched::kBlock : Fetched::kMissing;
  }
  return body.complete_ ? Fetched::kEnd : Fetched::kMissing;
}

bool ScrapeCache::make(const BodyRef& body, size_t index, ScrapeHelper& helper, Deadline deadline,
                       CacheCounts& counts) {
  return body->shared_work_ ? make_shared(body, index, helper, deadline, counts) : make_next(*body, deadline, counts);
}

bool ScrapeCache::make_next(ScrapeBody& body, Deadline deadline, CacheCounts& counts) {
  store::TryLockHold making;
  if (!making.acquire(body.making_)) return false;
  if (body.made_ == nullptr && !body.made_all_) {
    if (body.maker_ == nullptr) {
      const size_t text_max = BlockMaker::text_max(body.key_.gzip);
      body.maker_ = std::make_unique<BlockMaker>(body.make_(), body.key_.gzip && !body.shared_work_, text_max);
    }
    switch (body.maker_->step(deadline)) {
      case BlockMaker::Step::kMore:
      case BlockMaker::Step::kBeyond:
        return true;
      case BlockMaker::Step::kBlock:
        body.made_ = body.maker_->take();
        break;
      case BlockMaker::Step::kEnd:
        body.made_all_ = true;
        break;
    }
  }
  const Hold hold(*this);
  if (!hold) return false;
  publish(body, counts);
  return true;
}

bool ScrapeCache::make_shared(const BodyRef& body, size_t index, ScrapeHelper& helper, Deadline deadline,
                              CacheCounts& counts) {
  if (helper.busy()) return compress(helper, deadline, counts);
  bool ahead = false;
  {
    const Hold hold(*this);
    if (!hold) return false;
    ahead = body->text_end_ || body->first_ + body->blocks_.size() >= index + kAhead;
  }
  // Text first, so that there is something to do for others.
  if (!ahead && make_next(*body, deadline, counts)) return true;
  {
    const Hold hold(*this);
    if (!hold || !take_text(body, helper)) return false;
  }
  return compress(helper, deadline, counts);
}

bool ScrapeCache::help(ScrapeHelper& helper, Deadline deadline, CacheCounts& counts) {
  if (!helper.busy()) {
    const Hold hold(*this);
    if (!hold) return true;
    for (const BodyRef& there : bodies_) {
      // Not what nobody waits for any more.
      if (there->open_ != 0 && there.use_count() > 1 && take_text(there, helper)) break;
    }
  }
  if (!helper.busy()) return false;
  static_cast<void>(compress(helper, deadline, counts));
  if (!helper.busy()) ++counts.helped;
  return true;
}

// The first text that nobody compresses, or not fast enough.
bool ScrapeCache::take_text(const BodyRef& body, ScrapeHelper& helper) {
  const int64_t now_ns = monotonic_ns();
  for (size_t i = 0; i != body->blocks_.size(); ++i) {
    ScrapeBody::Piece& piece = body->blocks_[i];
    if (piece.block != nullptr || (piece.taken_ns != 0 && now_ns - piece.taken_ns < kTakeAgainNs)) continue;
    piece.taken_ns = now_ns;
    helper.begin(body, body->first_ + i, piece.text);
    return true;
  }
  return false;
}

bool ScrapeCache::compress(ScrapeHelper& helper, Deadline deadline, CacheCounts& counts) {
  if (!helper.step(deadline)) return true;
  const BodyRef body = helper.body();  // may go with this reference, behind the lock
  const Hold hold(*this);
  if (!hold) return false;
  const size_t index = helper.index();
  BlockRef block = helper.take();
  if (body == nullptr || index < body->first_ || index - body->first_ >= body->blocks_.size()) return true;
  ScrapeBody::Piece& piece = body->blocks_[index - body->first_];
  if (piece.block != nullptr) return true;
  --body->open_;
  recycle(std::move(piece.text));
  keep(*body, piece, std::move(block), counts);
  body->complete_ = body->text_end_ && body->open_ == 0;
  return true;
}

// What a text that nobody else holds any more lies in.
void ScrapeCache::recycle(BlockRef text) {
  const bool whole = text->size == BlockMaker::text_max(true);
  if (whole && text.use_count() == 1 && buffers_.size() < kAhead) {
    buffers_.push_back(std::move(std::const_pointer_cast<ScrapeBlock>(text)->data));
  } else {
    dead_.push_back(std::move(text));
  }
}

void ScrapeCache::publish(ScrapeBody& body, CacheCounts& counts) {
  bury(counts);
  if (body.made_ != nullptr) {
    ScrapeBody::Piece& piece = body.blocks_.emplace_back();
    if (body.shared_work_) {
      piece.text = std::move(body.made_);
      if (!buffers_.empty() && body.maker_ != nullptr) {
        body.maker_->reuse(buffers_.back());
        buffers_.pop_back();
      }
      ++body.open_;
      ++counts.texts;
    } else {
      keep(body, piece, std::move(body.made_), counts);
    }
  }
  if (!body.made_all_ || body.text_end_) return;
  body.left_to_own_ = body.maker_->source().left_to_own();
  body.left_out_ = body.maker_->source().left_out();
  body.text_end_ = true;
  body.complete_ = body.open_ == 0;
  dead_.push_back(std::shared_ptr<BlockMaker>(std::move(body.maker_)));
  dead_.push_back(std::make_shared<MakeSource>(std::exchange(body.make_, nullptr)));
}

// Puts the block in its place, and gives up what the limit asks for.
void ScrapeCache::keep(ScrapeBody& body, ScrapeBody::Piece& piece, BlockRef block, CacheCounts& counts) {
  const size_t size = block->size;
  piece.block = std::move(block);
  body.bytes_ += size;
  bytes_ += size;
  counts.bytes += static_cast<int64_t>(size);
  while (bytes_ > bytes_max_ && give_up_idle(counts)) {
  }
  if (body.listed_ && (body.bytes_ > kept_max(body) || bytes_ > bytes_max_)) {
    body.listed_ = false;
    ++counts.dropped;
  }
  if (body.listed_) return;
  // What is made ahead of the only reader stays.
  const size_t blocks_min = body.shared_work_ ? kAhead + 1 : 1;
  while (body.blocks_.size() > blocks_min && body.blocks_.front().block != nullptr &&
         (body.bytes_ > bytes_max_ / 4 || bytes_ > bytes_max_)) {
    drop_first(body, counts);
  }
}

// The complete body that was not asked for for the longest time, unless somebody reads it.
bool ScrapeCache::give_up_idle(CacheCounts& counts) {
  ScrapeBody* oldest = nullptr;
  for (const BodyRef& there : bodies_) {
    // Nobody can gain a reference but here.
    if (there.use_count() != 1 || there->blocks_.empty()) continue;
    if (oldest == nullptr || there->used_ < oldest->used_) oldest = there.get();
  }
  if (oldest == nullptr) return false;
  if (oldest->listed_) {
    oldest->listed_ = false;
    ++counts.dropped;
  }
  for (size_t i = 0; i < kBuriedPerCall && !oldest->blocks_.empty(); ++i) drop_first(*oldest, counts);
  return true;
}

void ScrapeCache::drop_first(ScrapeBody& body, CacheCounts& counts) {
  ScrapeBody::Piece& piece = body.blocks_.front();
  const size_t size = piece.block != nullptr ? piece.block->size : 0;
  if (piece.block == nullptr) --body.open_;
  dead_.push_back(std::move(piece.block != nullptr ? piece.block : piece.text));
  body.blocks_.pop_front();
  ++body.first_;
  body.bytes_ -= size;
  bytes_ -= size;
  counts.bytes -= static_cast<int64_t>(size);
}

void ScrapeCache::bury(CacheCounts& counts) {
  size_t buried = 0;
  for (size_t i = 0; i != bodies_.size() && buried < kBuriedPerCall;) {
    ScrapeBody& body = *bodies_[i];
    const bool found_again = body.listed_ && body.complete_ && lasts(body.key_);
    if (found_again || bodies_[i].use_count() != 1) {
      ++i;
      continue;
    }
    for (; !body.blocks_.empty() && buried < kBuriedPerCall; ++buried) drop_first(body, counts);
    if (!body.blocks_.empty()) return;
    dead_.push_back(std::move(bodies_[i]));
    bodies_[i] = std::move(bodies_.back());
    bodies_.pop_back();
  }
}

std::unique_ptr<BlockMaker> ScrapeCache::take_over(const BodyRef& body, size_t index, CacheCounts& counts) {
  if (body->shared_work_) return nullptr;
  store::TryLockHold making;
  if (!making.acquire(body->making_) || body->made_ != nullptr || body->made_all_) return nullptr;
  const Hold hold(*this);
  // The table's reference and the caller's.
  if (!hold || body->listed_ || body.use_count() != 2 || body->first_ + body->blocks_.size() != index) return nullptr;
  const auto there = std::ranges::find(bodies_, body);
  SLUICE_CHECK(there != bodies_.end());
  while (!body->blocks_.empty()) drop_first(*body, counts);
  *there = std::move(bodies_.back());
  bodies_.pop_back();
  if (body->maker_ == nullptr) body->maker_ = std::make_unique<BlockMaker>(body->make_(), body->key_.gzip);
  return std::move(body->maker_);
}

void ScrapeCache::housekeep(CacheCounts& counts) {
  const Hold hold(*this);
  if (!hold) return;
  bury(counts);
  buffers_.clear();
}

}  // namespace sluice::render
