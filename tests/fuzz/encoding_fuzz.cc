// Content codings: whatever bytes come, the decoder ends, stays inside the room that it was given, and says the same
// with every slicing; what it hands out before an error is the same too, whatever it decoded before. zlib reads the
// same bytes out of gzip, and as far at least.
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
#include "net/http/gzip_decoder.h"

namespace sluice::net::http {
namespace {

constexpr size_t kDecodedMax = 4 << 20;
constexpr size_t kTrailerBytes = 8;

struct Outcome {
  ContentDecoder::State state = ContentDecoder::State::kMore;
  std::string text;
  std::string error;
};

// `fill`: what is in the room before.
Outcome run(ContentDecoder& decoder, Coding coding, std::string_view body, Deadline deadline, char fill = 0) {
  decoder.start(coding, body);
  Outcome out;
  while (out.state == ContentDecoder::State::kMore && out.text.size() <= kDecodedMax) {
    std::vector<char> room(ContentDecoder::kRoomBytes, fill);  // fresh, so that sanitizers see a write behind it
    size_t written = 0;
    out.state = decoder.step(room, written, deadline);
    if (written > room.size()) std::abort();
    out.text.append(room.data(), written);
  }
  if (out.state == ContentDecoder::State::kError) out.error = decoder.error();
  return out;
}

struct Reading {
  std::string_view text;
  bool complete = true;  // not where zlib refuses the codes of a block: ISA-L reads on in some that lack codes
};

// What zlib makes of the members' blocks, up to an error: headers are read by the decoder's own function, since zlib is
// stricter about them, and trailers are not looked at.
Reading by_zlib(std::string_view body) {
  static std::string out(kDecodedMax, '\0');
  size_t total = 0;
  Reading reading;
  while (!body.empty() && total < out.size() && read_gzip_header(body).empty()) {
    z_stream stream{};
    if (inflateInit2(&stream, -15) != Z_OK) std::abort();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + total);
    stream.avail_out = static_cast<uInt>(out.size() - total);
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    total += stream.total_out;
    body.remove_prefix(stream.total_in);
    const std::string_view error = stream.msg != nullptr ? stream.msg : "";
    inflateEnd(&stream);
    if (error.ends_with(" set") || error.starts_with("invalid code --")) reading.complete = false;
    if (result != Z_STREAM_END || body.size() < kTrailerBytes) break;
    body.remove_prefix(kTrailerBytes);
  }
  reading.text = std::string_view(out).substr(0, total);
  return reading;
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
  expect_same(whole, run(*fresh, coding, body, Deadline::never(), '~'), "by a new decoder, into other room");
  if (coding != Coding::kGzip) return;
  const auto [wanted, complete] = by_zlib(body);
  const std::string_view got = std::string_view(whole.text).substr(0, complete ? whole.text.size() : wanted.size());
  if (wanted.starts_with(got)) return;
  std::fprintf(stderr, "DIFFERENCE: zlib reads %zu other bytes than the %zu, '%s'\n", wanted.size(), whole.text.size(),
               whole.error.c_str());
  std::abort();
}

}  // namespace sluice::net::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::net::http::fuzz_encoding({reinterpret_cast<const char*>(data), size});
  return 0;
}
