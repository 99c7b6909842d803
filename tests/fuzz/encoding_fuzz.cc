// Content codings: whatever bytes come, the decoder ends, stays inside the room that it was given, and says the same
// with every slicing; what it hands out before an error is the same too, whatever it decoded before. zlib reads the
// same bytes out of gzip, as far as both go.
//
// The first byte chooses the coding. Decoded output is bounded, as a push's is.
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/content_coding.h"

namespace sluice::net::http {
namespace {

constexpr size_t kDecodedMax = 4 << 20;

struct Outcome {
  ContentDecoder::State state = ContentDecoder::State::kMore;
  std::string text;
  std::string error;
};

Outcome run(ContentDecoder& decoder, Coding coding, std::string_view body, Deadline deadline) {
  decoder.start(coding, body);
  Outcome out;
  while (out.state == ContentDecoder::State::kMore && out.text.size() <= kDecodedMax) {
    std::vector<char> room(ContentDecoder::kRoomBytes);  // fresh, so that sanitizers see a write behind it
    size_t written = 0;
    out.state = decoder.step(room, written, deadline);
    if (written > room.size()) std::abort();
    out.text.append(room.data(), written);
  }
  if (out.state == ContentDecoder::State::kError) out.error = decoder.error();
  return out;
}

// What zlib makes of the first member, up to its end or an error.
std::string first_member_by_zlib(std::string_view body) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) std::abort();
  std::string out(kDecodedMax, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

void expect_same(const Outcome& whole, const Outcome& other, const char* what) {
  if (whole.state == other.state && whole.text == other.text && whole.error == other.error) return;
  std::fprintf(stderr, "DIFFERENCE: %s: whole %zu bytes, '%s'; other %zu bytes, '%s'\n", what, whole.text.size(),
               whole.error.c_str(), other.text.size(), other.error.c_str());
  std::abort();
}

}  // namespace

void fuzz_encoding(std::string_view input) {
  if (input.empty()) return;
  const Coding coding = (input[0] & 1) != 0 ? Coding::kSnappy : Coding::kGzip;
  const std::string_view body = input.substr(1);
  static ContentDecoder decoder;  // its state survives from body to body, as a worker's does
  const Outcome whole = run(decoder, coding, body, Deadline::never());
  if (whole.state == ContentDecoder::State::kMore) return;  // larger than the limit
  expect_same(whole, run(decoder, coding, body, Deadline{0}), "in slices");
  const auto fresh = std::make_unique<ContentDecoder>();
  expect_same(whole, run(*fresh, coding, body, Deadline::never()), "by a new decoder");
  if (coding != Coding::kGzip) return;
  const std::string wanted = first_member_by_zlib(body);
  const size_t common = std::min(wanted.size(), whole.text.size());
  if (wanted.compare(0, common, whole.text, 0, common) == 0) return;
  std::fprintf(stderr, "DIFFERENCE: zlib reads other bytes in the first %zu\n", common);
  std::abort();
}

}  // namespace sluice::net::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::net::http::fuzz_encoding({reinterpret_cast<const char*>(data), size});
  return 0;
}
