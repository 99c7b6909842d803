#include "tests/core/render/text_source.h"

#include <zlib.h>

#include <gtest/gtest.h>

namespace sluice::render::testing {

std::string inflate_one(std::string_view data) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string text;
  std::string piece(1 << 18, '\0');
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(piece, 0, piece.size() - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u) << "something follows the member";
  inflateEnd(&stream);
  return text;
}

std::string metrics_text(size_t series, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text;
  for (size_t i = 0; i < series; ++i) {
    text += "lambda_duration_seconds_" + std::to_string(i / 1000) + "{function=\"checkout-" + std::to_string(i % 37) +
            "\",instance=\"i-" + std::to_string(random() % 1000000) + "\",job=\"lambda\",region=\"eu-central-1\"} " +
            std::to_string(static_cast<double>(random() % 1000000) / 1000.0) + "\n";
  }
  return text;
}

}  // namespace sluice::render::testing
