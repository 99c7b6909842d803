// Content codings: whatever bytes come, the decoder ends, stays inside the room that it was given, and says the same
// with every slicing; what it hands out before an error is the same too.
//
// The first byte chooses the coding. Decoded output is bounded, as a push's is.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

Outcome run(Coding coding, std::string_view body, Deadline deadline) {
  static ContentDecoder decoder;  // its state survives from body to body, as a worker's does
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

}  // namespace

void fuzz_encoding(std::string_view input) {
  if (input.empty()) return;
  const Coding coding = (input[0] & 1) != 0 ? Coding::kSnappy : Coding::kGzip;
  const std::string_view body = input.substr(1);
  const Outcome whole = run(coding, body, Deadline::never());
  if (whole.state == ContentDecoder::State::kMore) return;  // larger than the limit
  const Outcome sliced = run(coding, body, Deadline{0});
  if (whole.state == sliced.state && whole.text == sliced.text && whole.error == sliced.error) return;
  std::fprintf(stderr, "DIFFERENCE: whole %zu bytes, '%s'; sliced %zu bytes, '%s'\n", whole.text.size(),
               whole.error.c_str(), sliced.text.size(), sliced.error.c_str());
  std::abort();
}

}  // namespace sluice::net::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::net::http::fuzz_encoding({reinterpret_cast<const char*>(data), size});
  return 0;
}
