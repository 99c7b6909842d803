// The framing format of snappy (google/snappy, framing_format.txt), as golang/snappy reads it: chunks of at most 64 KiB
// decoded, each with a masked CRC-32C.
//
// Owner: one push at a time. Memory: none. A piece is one chunk, at most about 50 us.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice::net::http {

class SnappyDecoder {
 public:
  static constexpr size_t kBlockBytes = 65536;

  void start(std::string_view body);
  // One chunk into `room`, of at least kBlockBytes. False at the end, or when error() is not empty.
  [[nodiscard]] bool decode(std::span<char> room, size_t& written);
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Bytes of the body that are still to be read.
  [[nodiscard]] size_t left() const noexcept { return rest_.size(); }

 private:
  [[nodiscard]] bool fail(const char* text);
  [[nodiscard]] bool decode_data(std::string_view chunk, bool compressed, std::span<char> room, size_t& written);

  std::string_view rest_;
  bool identified_ = false;  // the stream's first chunk has been seen
  std::string error_;
};

}  // namespace sluice::net::http
