// gzip as Go's compress/gzip reads it: any number of members, each with its checksum and length; its error texts.
//
// ISA-L inflates the deflate streams; headers and trailers are read here, so that verdicts are Go's. The offset in
// `flate: corrupt input before offset N`, counted from the member's first block, is where ISA-L stood: it may be a few
// bytes beside Go's. What came before an error is given, but of members that are longer than 16 KB, or 32 KB decoded,
// not the last 258 bytes.
//
// Owner: one push at a time. Memory: 84 KB; after an error up to 80 KB more, kept. A piece takes at most kInputBytes
// and gives at most kOutputBytes: about 20 us of ordinary text. Blocks that hold nothing are the slowest input: the
// tables of each are built anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sluice::net::http {

// Reads the header at the front of `rest` and removes it. Empty when it is good, else Go's error: "EOF" when nothing is
// left, "unexpected EOF", "gzip: invalid header".
[[nodiscard]] std::string_view read_gzip_header(std::string_view& rest);

class GzipDecoder {
 public:
  static constexpr size_t kInputBytes = 1024;
  static constexpr size_t kOutputBytes = 16 * 1024;

  GzipDecoder();
  ~GzipDecoder();
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  void start(std::string_view body);
  // The next piece into `room`, which is not empty. False at the end and at an error: then error() is not empty.
  [[nodiscard]] bool decode(std::span<char> room, size_t& written);
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Bytes of the body that have been read.
  [[nodiscard]] size_t consumed() const noexcept { return body_.size() - rest_.size(); }

 private:
  struct Inflate;
  enum class Phase : uint8_t { kHeader, kDeflate, kTrailer, kBroken };

  [[nodiscard]] bool fail(std::string text);
  [[nodiscard]] bool read_header();
  [[nodiscard]] bool inflate(std::span<char> room, size_t& written);
  [[nodiscard]] bool read_trailer();
  void end_tail(int result, size_t before);
  [[nodiscard]] bool give_tail(std::span<char> room, size_t& written);

  std::unique_ptr<Inflate> inflate_;
  std::string_view body_;
  std::string_view rest_;
  size_t deflate_bytes_ = 0;  // from the member's first block to the end of the body
  Phase phase_ = Phase::kHeader;
  uint32_t crc_ = 0;    // of the member so far
  uint32_t bytes_ = 0;  // modulo 2^32, as the trailer has it
  std::string tail_;    // what came before an error and is still to be given
  size_t tail_given_ = 0;
  std::string error_;
};

}  // namespace sluice::net::http
