#include "core/render/scrape_helper.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace sluice::render {

void ScrapeHelper::begin(const std::shared_ptr<ScrapeBody>& body, size_t index, BlockRef text) {
  SLUICE_DCHECK(!busy());
  body_ = body;
  index_ = index;
  text_ = std::move(text);
  done_ = 0;
  finished_ = false;
  if (!deflater_) deflater_.emplace();
  deflater_->begin();
}

bool ScrapeHelper::step(Deadline deadline) {
  while (!finished_) {
    const std::string_view rest = text_->bytes().substr(done_);
    if (rest.empty()) {
      deflater_->finish();
      finished_ = true;
      break;
    }
    deflater_->add(rest.substr(0, BlockDeflater::kPieceBytes));
    done_ += std::min(rest.size(), BlockDeflater::kPieceBytes);
    if (deadline.passed()) break;
  }
  return finished_;
}

BlockRef ScrapeHelper::take() {
  SLUICE_DCHECK(finished_);
  BlockRef block = deflater_->block(text_->place, text_->text_bytes);
  text_.reset();
  body_.reset();
  return block;
}

}  // namespace sluice::render
