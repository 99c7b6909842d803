#include "net/http/gzip_decoder.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::net::http {
namespace {

constexpr std::string_view kEnd = "EOF";
constexpr std::string_view kCut = "unexpected EOF";
constexpr std::string_view kBadHeader = "gzip: invalid header";

constexpr size_t kFixedBytes = 10;
constexpr unsigned kHasHeaderCrc = 0x02;
constexpr unsigned kHasExtra = 0x04;
constexpr unsigned kHasName = 0x08;
constexpr unsigned kHasComment = 0x10;
constexpr size_t kTrailerBytes = 8;
constexpr size_t kStringBytesMax = 512;  // Go's buffer, the NUL included
constexpr size_t kMatchBytesMax = 258;
constexpr size_t kBadMatchInputBytes = 16 * 1024;  // twice 0.3 ms, if it is blocks that hold nothing

unsigned byte_at(std::string_view text, size_t index) { return static_cast<unsigned char>(text[index]); }
unsigned half_at(std::string_view text, size_t index) { return byte_at(text, index) | byte_at(text, index + 1) << 8; }
uint32_t word_at(std::string_view text, size_t index) { return half_at(text, index) | half_at(text, index + 2) << 16; }

// Removes a string and its NUL; empty, or the error.
std::string_view skip_string(std::string_view& rest) {
  const size_t end = rest.substr(0, kStringBytesMax).find('\0');
  if (end == std::string_view::npos) return rest.size() < kStringBytesMax ? kCut : kBadHeader;
  rest.remove_prefix(end + 1);
  return {};
}

}  // namespace

struct GzipDecoder::Inflate {
  inflate_state state;
};

// ISA-L counts the bytes of a match that reaches before the first byte of a member as written, although nothing was
// there to copy: what stands in their place is left over from earlier bodies, of other clients perhaps. Which they are
// it does not say. Inflated twice behind dictionaries that differ everywhere, the first of them is the first byte that
// comes out differently. Such a match begins in the member's first window. Of more input than can be inflated again in
// a slice nothing is given, which drops what came with the bad match.
size_t GzipDecoder::bytes_before_bad_match(std::string_view deflate) {
  if (deflate.size() > kBadMatchInputBytes) return 0;
  constexpr size_t kBytes = ISAL_DEF_HIST_SIZE + kMatchBytesMax;
  std::string outputs[2];
  for (const bool second : {false, true}) {
    std::vector<uint8_t> dictionary(ISAL_DEF_HIST_SIZE, second ? 0xff : 0);
    std::string& output = outputs[second ? 1 : 0];
    output.resize(kBytes);
    inflate_state& state = inflate_->state;
    isal_inflate_init(&state);
    isal_inflate_set_dict(&state, dictionary.data(), ISAL_DEF_HIST_SIZE);
    state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(deflate.data()));
    state.avail_in = static_cast<uint32_t>(deflate.size());
    state.next_out = reinterpret_cast<uint8_t*>(output.data());
    state.avail_out = kBytes;
    static_cast<void>(isal_inflate(&state));
    output.resize(kBytes - state.avail_out);
  }
  return static_cast<size_t>(std::ranges::mismatch(outputs[0], outputs[1]).in1 - outputs[0].begin());
}

std::string_view read_gzip_header(std::string_view& rest) {
  if (rest.empty()) return kEnd;
  if (rest.size() < kFixedBytes) return kCut;
  if (byte_at(rest, 0) != 0x1f || byte_at(rest, 1) != 0x8b || byte_at(rest, 2) != 8) return kBadHeader;
  const std::string_view header = rest;
  const unsigned flags = byte_at(rest, 3);
  rest.remove_prefix(kFixedBytes);
  if ((flags & kHasExtra) != 0) {
    if (rest.size() < 2 || rest.size() - 2 < half_at(rest, 0)) return kCut;
    rest.remove_prefix(2 + half_at(rest, 0));
  }
  for (const unsigned flag : {kHasName, kHasComment}) {
    if ((flags & flag) == 0) continue;
    if (const std::string_view error = skip_string(rest); !error.empty()) return error;
  }
  if ((flags & kHasHeaderCrc) != 0) {
    if (rest.size() < 2) return kCut;
    const size_t length = header.size() - rest.size();
    const uint32_t crc = crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(header.data()), length);
    if (half_at(rest, 0) != (crc & 0xffff)) return kBadHeader;
    rest.remove_prefix(2);
  }
  return {};
}

GzipDecoder::GzipDecoder() : inflate_(std::make_unique<Inflate>()) {}
GzipDecoder::~GzipDecoder() = default;

void GzipDecoder::start(std::string_view body) {
  body_ = rest_ = body;
  phase_ = Phase::kHeader;
  error_.clear();
}

bool GzipDecoder::fail(std::string text) {
  error_ = std::move(text);
  return false;
}

bool GzipDecoder::decode(std::span<char> room, size_t& written) {
  written = 0;
  switch (phase_) {
    case Phase::kHeader:
      return read_header();
    case Phase::kDeflate:
      return inflate(room, written);
    case Phase::kTrailer:
      return read_trailer();
  }
  return false;
}

bool GzipDecoder::read_header() {
  // No further member is the end; no first one is an error.
  if (rest_.empty() && !body_.empty()) return false;
  if (const std::string_view error = read_gzip_header(rest_); !error.empty()) return fail(std::string(error));
  isal_inflate_init(&inflate_->state);
  crc_ = bytes_ = 0;
  deflate_bytes_ = rest_.size();
  phase_ = Phase::kDeflate;
  return true;
}

bool GzipDecoder::inflate(std::span<char> room, size_t& written) {
  inflate_state& state = inflate_->state;
  const size_t given = std::min(rest_.size(), kInputBytes);
  const size_t space = std::min(room.size(), kOutputBytes);
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(rest_.data()));  // only read, in spite of its type
  state.avail_in = static_cast<uint32_t>(given);
  state.next_out = reinterpret_cast<uint8_t*>(room.data());
  state.avail_out = static_cast<uint32_t>(space);
  const int result = isal_inflate(&state);
  written = space - state.avail_out;
  // In a broken stream ISA-L may count below 0: then it has taken everything.
  const size_t left = state.avail_in <= given ? state.avail_in : 0;
  rest_.remove_prefix(given - left);
  // Whole bytes that ISA-L has taken and not used.
  const size_t unused = static_cast<size_t>(std::max(state.read_in_length, 0)) / 8;
  if (result < 0) {
    const size_t taken = deflate_bytes_ - rest_.size();
    if (result == ISAL_INVALID_LOOKBACK) {
      const size_t good = bytes_before_bad_match(body_.substr(body_.size() - rest_.size() - taken, taken));
      written = std::min(written, good - std::min<size_t>(good, bytes_));
    }
    return fail("flate: corrupt input before offset " + std::to_string(taken - unused));
  }
  crc_ = crc32_gzip_refl(crc_, reinterpret_cast<const unsigned char*>(room.data()), written);
  bytes_ += static_cast<uint32_t>(written);
  if (state.block_state == ISAL_BLOCK_FINISH) {
    rest_ = body_.substr(body_.size() - rest_.size() - unused);
    phase_ = Phase::kTrailer;
    return true;
  }
  // Everything was there, there was room, and still it has not ended.
  if (given == rest_.size() + (given - left) && state.avail_out != 0) return fail(std::string(kCut));
  return true;
}

bool GzipDecoder::read_trailer() {
  if (rest_.size() < kTrailerBytes) return fail(std::string(kCut));
  if (word_at(rest_, 0) != crc_ || word_at(rest_, 4) != bytes_) return fail("gzip: invalid checksum");
  rest_.remove_prefix(kTrailerBytes);
  phase_ = Phase::kHeader;
  return true;
}

}  // namespace sluice::net::http
