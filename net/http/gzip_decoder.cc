#include "net/http/gzip_decoder.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstring>
#include <utility>

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
// A member of at most so much before its error is read again up to there: 0.3 ms, if it is blocks that hold nothing.
constexpr size_t kReadAgainInputBytes = 16 * 1024;
constexpr size_t kReadAgainOutputBytes = ISAL_DEF_HIST_SIZE;  // then ISA-L has no history to move after each call

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

  // Takes of `input`, gives into `room`; ISA-L's verdict.
  int run(std::string_view& input, std::span<char> room, size_t& written);
  // Whole bytes that ISA-L has taken and not used.
  [[nodiscard]] size_t unused() const { return static_cast<size_t>(std::max(state.read_in_length, 0)) / 8; }
  // What has been decoded and not been given, for want of room.
  [[nodiscard]] std::string_view kept() const {
    return {reinterpret_cast<const char*>(state.tmp_out_buffer) + state.tmp_out_processed,
            static_cast<size_t>(state.tmp_out_valid - state.tmp_out_processed)};
  }
  // What a member gives up to its error, which is at or behind `sure` bytes of its blocks. `offset`: where.
  std::string read_again(std::string_view blocks, size_t sure, size_t& offset);
};

int GzipDecoder::Inflate::run(std::string_view& input, std::span<char> room, size_t& written) {
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input.data()));  // only read, in spite of its type
  state.avail_in = static_cast<uint32_t>(input.size());
  state.next_out = reinterpret_cast<uint8_t*>(room.data());
  state.avail_out = static_cast<uint32_t>(room.size());
  const int result = isal_inflate(&state);
  // In a broken stream ISA-L may count below 0: then it has taken everything, and what it has given is not known.
  const size_t left = state.avail_in <= input.size() ? state.avail_in : 0;
  written = state.avail_out <= room.size() ? room.size() - state.avail_out : 0;
  input.remove_prefix(input.size() - left);
  return result;
}

// Of single bytes ISA-L's careful loop is the only one that runs: it looks at a match before it counts it.
std::string GzipDecoder::Inflate::read_again(std::string_view blocks, size_t sure, size_t& offset) {
  std::string text(kReadAgainOutputBytes + kMatchBytesMax, '\0');
  size_t total = 0;
  isal_inflate_init(&state);
  for (size_t at = 0; at < blocks.size() && total < text.size();) {
    const size_t bytes = at < sure ? std::min(sure - at, kInputBytes) : 1;
    std::string_view input = blocks.substr(at, bytes);
    size_t written = 0;
    const int result = run(input, std::span(text).subspan(total), written);
    total += written;
    at += bytes - input.size();
    if (result < 0) offset = at - unused();
    if (result < 0 || input.size() == bytes) break;
  }
  text.resize(total);
  return text;
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
    case Phase::kBroken:
      return give_tail(room, written);
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
  const size_t before = deflate_bytes_ - rest_.size();
  std::string_view input = rest_.substr(0, kInputBytes);
  const size_t given = input.size();
  const bool all = given == rest_.size();
  const std::span<char> space = room.first(std::min(room.size(), kOutputBytes));
  const int result = inflate_->run(input, space, written);
  rest_.remove_prefix(given - input.size());
  if (result < 0) {
    tail_.assign(space.data(), written).append(inflate_->kept());
    end_tail(result, before);
    phase_ = Phase::kBroken;
    return give_tail(room, written);
  }
  crc_ = crc32_gzip_refl(crc_, reinterpret_cast<const unsigned char*>(room.data()), written);
  bytes_ += static_cast<uint32_t>(written);
  if (state.block_state == ISAL_BLOCK_FINISH) {
    rest_ = body_.substr(body_.size() - rest_.size() - inflate_->unused());
    phase_ = Phase::kTrailer;
    return true;
  }
  // Everything was there, there was room, and still it has not ended.
  if (all && state.avail_out != 0) return fail(std::string(kCut));
  return true;
}

// ISA-L counts the bytes of a match as written before it knows that its distance is none, or reaches before the first
// byte: what stands in their place is left over from earlier bodies, of other clients perhaps. How many they are it
// does not say. A member that is short so far is read again; of a longer one, as much as a match can be is dropped.
void GzipDecoder::end_tail(int result, size_t before) {
  const size_t taken = deflate_bytes_ - rest_.size();
  size_t offset = taken - inflate_->unused();
  if (result != ISAL_INVALID_BLOCK) {
    if (taken <= kReadAgainInputBytes && bytes_ + tail_.size() <= kReadAgainOutputBytes) {
      const std::string_view blocks = body_.substr(body_.size() - deflate_bytes_, taken);
      tail_ = inflate_->read_again(blocks, before, offset).substr(bytes_);
    } else {
      tail_.resize(tail_.size() - std::min(tail_.size(), kMatchBytesMax));
    }
  }
  tail_given_ = 0;
  error_ = "flate: corrupt input before offset " + std::to_string(offset);
}

bool GzipDecoder::give_tail(std::span<char> room, size_t& written) {
  written = std::min(room.size(), tail_.size() - tail_given_);
  std::memcpy(room.data(), tail_.data() + tail_given_, written);
  tail_given_ += written;
  return tail_given_ < tail_.size();
}

bool GzipDecoder::read_trailer() {
  if (rest_.size() < kTrailerBytes) return fail(std::string(kCut));
  if (word_at(rest_, 0) != crc_ || word_at(rest_, 4) != bytes_) return fail("gzip: invalid checksum");
  rest_.remove_prefix(kTrailerBytes);
  phase_ = Phase::kHeader;
  return true;
}

}  // namespace sluice::net::http
