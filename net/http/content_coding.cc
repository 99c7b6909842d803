#include "net/http/content_coding.h"

#include "core/base/check.h"
#include "net/http/ascii.h"

namespace sluice::net::http {

Coding content_coding(const Request& request) noexcept {
  const std::string_view field = request.header("Content-Encoding");
  if (equals_ignoring_case(field, "gzip")) return Coding::kGzip;
  if (equals_ignoring_case(field, "snappy")) return Coding::kSnappy;
  return Coding::kIdentity;
}

void ContentDecoder::start(Coding coding, std::string_view body) {
  SLUICE_DCHECK(coding != Coding::kIdentity);
  coding_ = coding;
  body_bytes_ = body.size();
  if (coding == Coding::kSnappy) {
    snappy_.start(body);
    return;
  }
  if (gzip_ == nullptr) gzip_ = std::make_unique<GzipDecoder>();
  gzip_->start(body);
}

ContentDecoder::State ContentDecoder::step(std::span<char> room, size_t& written, Deadline deadline) {
  SLUICE_DCHECK(room.size() >= kRoomBytes);
  written = 0;
  while (true) {
    size_t piece = 0;
    const bool more = coding_ == Coding::kGzip ? gzip_->decode(room.subspan(written), piece)
                                               : snappy_.decode(room.subspan(written), piece);
    written += piece;
    if (!more) return error().empty() ? State::kDone : State::kError;
    const size_t needed = coding_ == Coding::kGzip ? 1 : SnappyDecoder::kBlockBytes;
    if (room.size() - written < needed || deadline.passed()) return State::kMore;
  }
}

}  // namespace sluice::net::http
