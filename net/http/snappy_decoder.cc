#include "net/http/snappy_decoder.h"

#include <isa-l/crc.h>
#include <snappy.h>

#include <cstdint>
#include <cstring>

namespace sluice::net::http {
namespace {

constexpr const char* kCorrupt = "snappy: corrupt input";
constexpr const char* kUnsupported = "snappy: unsupported input";

constexpr size_t kHeaderBytes = 4;
constexpr size_t kChecksumBytes = 4;
// The longest chunk that the reference reads: a checksum and the worst compression of a block.
constexpr size_t kChunkBytesMax = kChecksumBytes + 76490;
constexpr std::string_view kMagic = "sNaPpY";

constexpr unsigned kCompressed = 0x00;
constexpr unsigned kUncompressed = 0x01;
constexpr unsigned kUnskippableMax = 0x7f;
constexpr unsigned kIdentifier = 0xff;

unsigned byte_at(std::string_view text, size_t index) { return static_cast<unsigned char>(text[index]); }

// CRC-32C as the format masks it, so that a CRC of data with CRCs in it stays a good one.
uint32_t masked_crc(std::span<const char> data) {
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));  // only read, in spite of its type
  const uint32_t crc = ~crc32_iscsi(bytes, static_cast<int>(data.size()), ~0U);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

}  // namespace

void SnappyDecoder::start(std::string_view body) {
  rest_ = body;
  identified_ = false;
  error_.clear();
}

bool SnappyDecoder::fail(const char* text) {
  error_ = text;
  return false;
}

bool SnappyDecoder::decode(std::span<char> room, size_t& written) {
  written = 0;
  if (rest_.empty()) return false;
  if (rest_.size() < kHeaderBytes) return fail(kCorrupt);
  const unsigned type = byte_at(rest_, 0);
  if (!identified_ && type != kIdentifier) return fail(kCorrupt);
  identified_ = true;
  const size_t length = byte_at(rest_, 1) | byte_at(rest_, 2) << 8 | byte_at(rest_, 3) << 16;
  if (length > kChunkBytesMax) return fail(kUnsupported);
  if (type > kUncompressed && type <= kUnskippableMax) return fail(kUnsupported);
  if (rest_.size() - kHeaderBytes < length) return fail(kCorrupt);
  const std::string_view chunk = rest_.substr(kHeaderBytes, length);
  rest_.remove_prefix(kHeaderBytes + length);
  if (type == kIdentifier) return chunk == kMagic || fail(kCorrupt);
  if (type > kUnskippableMax) return true;  // padding and reserved chunks
  return decode_data(chunk, type == kCompressed, room, written);
}

bool SnappyDecoder::decode_data(std::string_view chunk, bool compressed, std::span<char> room, size_t& written) {
  if (chunk.size() < kChecksumBytes) return fail(kCorrupt);
  const uint32_t wanted =
      byte_at(chunk, 0) | byte_at(chunk, 1) << 8 | byte_at(chunk, 2) << 16 | byte_at(chunk, 3) << 24;
  chunk.remove_prefix(kChecksumBytes);
  size_t length = chunk.size();
  if (compressed && !snappy::GetUncompressedLength(chunk.data(), chunk.size(), &length)) return fail(kCorrupt);
  if (length > kBlockBytes) return fail(kCorrupt);
  if (!compressed) {
    std::memcpy(room.data(), chunk.data(), length);
  } else if (!snappy::RawUncompress(chunk.data(), chunk.size(), room.data())) {
    return fail(kCorrupt);
  }
  if (masked_crc(room.first(length)) != wanted) return fail(kCorrupt);
  written = length;
  return true;
}

}  // namespace sluice::net::http
