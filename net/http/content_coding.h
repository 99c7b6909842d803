// Content-Encoding of requests: which coding a request has, and its removal in slices.
//
// As the reference's: `gzip` (all members) and framed `snappy`, without regard to case; everything else, a list too, is
// no coding and leaves the body as it is. What was decoded before an error counts: the reference's parser reads it
// first, so an error of its own comes before the decoder's.
//
// Nothing is believed that the body announces: output goes where the caller has room, and memory does not depend on
// input. Owner: one push at a time. Memory: 84 KB with the first gzip body, kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "net/http/exchange.h"
#include "net/http/gzip_decoder.h"
#include "net/http/snappy_decoder.h"

namespace sluice::net::http {

enum class Coding : uint8_t { kIdentity, kGzip, kSnappy };

// By the first Content-Encoding field.
[[nodiscard]] Coding content_coding(const Request& request) noexcept;

class ContentDecoder {
 public:
  enum class State : uint8_t { kMore, kDone, kError };
  // Room that step() needs.
  static constexpr size_t kRoomBytes = SnappyDecoder::kBlockBytes;

  // `body` stays until the last step. Not for kIdentity.
  void start(Coding coding, std::string_view body);
  // Writes the next decoded bytes into `room`, of at least kRoomBytes, and says how many. kMore: the room is used up or
  // the deadline has passed. Each step makes progress.
  [[nodiscard]] State step(std::span<char> room, size_t& written, Deadline deadline);
  // Bytes of the body that have been decoded so far.
  [[nodiscard]] size_t consumed() const noexcept {
    return coding_ == Coding::kGzip ? gzip_->consumed() : body_bytes_ - snappy_.left();
  }
  // The reference's text, after kError.
  [[nodiscard]] const std::string& error() const noexcept {
    return coding_ == Coding::kGzip ? gzip_->error() : snappy_.error();
  }

 private:
  Coding coding_ = Coding::kIdentity;
  size_t body_bytes_ = 0;
  std::unique_ptr<GzipDecoder> gzip_;
  SnappyDecoder snappy_;
};

}  // namespace sluice::net::http
