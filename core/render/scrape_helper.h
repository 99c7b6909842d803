// What a worker does for the scrapes of any worker when it has nothing else to do: it compresses a block of text that
// waits in a body, in slices. One for each worker; its scrapes use it as well.
//
// One owner, one thread. Memory: the deflater and one block while there is work. The body is not kept alive: if all its
// readers have gone, the work was for nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "core/base/clock.h"
#include "core/render/block_deflater.h"
#include "core/render/scrape_block.h"

namespace sluice::render {

class ScrapeBody;

class ScrapeHelper {
 public:
  [[nodiscard]] bool busy() const noexcept { return text_ != nullptr; }
  // Not when busy(). `text`: a block of text, number `index` of `body`.
  void begin(const std::shared_ptr<ScrapeBody>& body, size_t index, BlockRef text);
  // True when it is compressed.
  [[nodiscard]] bool step(Deadline deadline);

  // When it is: for whom, and the block.
  [[nodiscard]] std::shared_ptr<ScrapeBody> body() const noexcept { return body_.lock(); }
  [[nodiscard]] size_t index() const noexcept { return index_; }
  [[nodiscard]] BlockRef take();

  // Gives memory back that is not used now.
  void trim() noexcept {
    if (!busy()) deflater_.reset();
  }

 private:
  std::weak_ptr<ScrapeBody> body_;
  size_t index_ = 0;
  BlockRef text_;  // until take()
  size_t done_ = 0;
  bool finished_ = false;
  std::optional<BlockDeflater> deflater_;
};

}  // namespace sluice::render
