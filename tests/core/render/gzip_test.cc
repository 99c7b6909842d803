// One gzip member out of any source in any slices, read back with zlib; its size against zlib's.
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/limits.h"
#include "core/render/crc32.h"
#include "core/render/gzip_stage.h"

namespace sluice::render {
namespace {

// Hands out a text in pieces of random lengths, sometimes none.
class TextSource final : public ByteSource {
 public:
  TextSource(std::string_view text, uint64_t seed) : text_(text), random_(seed) {}
  State produce(char* out, size_t capacity, size_t& used, Deadline) override {
    used = std::min({capacity, text_.size(), random_() % 3 == 0 ? random_() % 50 : capacity});
    text_.copy(out, used);
    text_.remove_prefix(used);
    // The end is told together with the last bytes or alone, as it comes.
    return text_.empty() && (used == 0 || random_() % 2 == 0) ? State::kDone : State::kMore;
  }

 private:
  std::string_view text_;
  std::mt19937_64 random_;
};

std::string compress(std::string_view text, uint64_t seed, size_t capacity_max) {
  TextSource source(text, seed);
  GzipStage gzip(source);
  std::mt19937_64 random(seed);
  std::string out;
  std::vector<char> buffer(capacity_max);
  auto state = ByteSource::State::kMore;
  while (state == ByteSource::State::kMore) {
    size_t used = 0;
    state = gzip.produce(buffer.data(), 1 + random() % capacity_max, used,
                         random() % 2 == 0 ? Deadline{0} : Deadline::never());
    out.append(buffer.data(), used);
  }
  EXPECT_EQ(gzip.bytes_in(), text.size());
  return out;
}

// Inflates exactly one member that fills all of `data`.
std::string inflate_one(std::string_view data, size_t expected) {
  std::string text(expected + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u) << "something follows the member";
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

std::string metrics_text(size_t series) {
  std::mt19937_64 random(1);
  std::string text;
  for (size_t i = 0; i < series; ++i) {
    text += "lambda_duration_seconds_" + std::to_string(i / 1000) + "{function=\"checkout-" + std::to_string(i % 37) +
            "\",instance=\"i-" + std::to_string(random() % 1000000) + "\",job=\"lambda\",region=\"eu-central-1\"} " +
            std::to_string(static_cast<double>(random() % 1000000) / 1000.0) + "\n";
  }
  return text;
}

std::string noise(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Gzip, AnEmptyBodyIsAMember) { EXPECT_EQ(inflate_one(compress("", 1, 100), 0), ""); }

TEST(Gzip, AnyTextInAnySlicesIsOneMember) {
  const std::string metrics = metrics_text(20000);
  const size_t block = limits::kGzipBlockBytes;
  uint64_t seed = 1;
  for (const size_t bytes : {size_t{1}, size_t{100}, block - 1, block, block + 1, 3 * block, metrics.size()}) {
    ASSERT_LE(bytes, metrics.size());
    const std::string_view text = std::string_view(metrics).substr(0, bytes);
    for (const size_t capacity : {size_t{1}, size_t{30}, size_t{5000}, size_t{100000}}) {
      if (capacity == 1 && bytes > 2 * block) continue;
      ASSERT_TRUE(inflate_one(compress(text, ++seed, capacity), bytes) == text) << bytes << " " << capacity;
    }
  }
}

TEST(Gzip, IncompressibleBytesSurvive) {
  for (const size_t bytes : {size_t{5000}, size_t{700000}}) {
    const std::string text = noise(bytes, bytes);
    ASSERT_TRUE(inflate_one(compress(text, 3, 10000), bytes) == text);
  }
}

TEST(Gzip, SizeIsNearZlibs) {
  const std::string text = metrics_text(50000);
  std::string theirs(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(theirs.data());
  stream.avail_out = static_cast<uInt>(theirs.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  const size_t zlib_bytes = stream.total_out;
  deflateEnd(&stream);
  const size_t ours = compress(text, 9, 65536).size();
  RecordProperty("ratio_percent", static_cast<int>(100 * ours / zlib_bytes));
  EXPECT_LE(ours * 10, zlib_bytes * 14) << ours << " against zlib's " << zlib_bytes << " for " << text.size();
}

TEST(Gzip, CrcsCombine) {
  const std::string text = noise(100000, 4);
  const auto reference = [&](size_t at, size_t bytes) {
    return static_cast<uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(text.data() + at), static_cast<uInt>(bytes)));
  };
  std::mt19937_64 random(5);
  for (int i = 0; i < 200; ++i) {
    const size_t first = random() % 50000;
    const size_t second = i % 10 == 0 ? 0 : random() % 50000;
    const uint32_t a = crc32(0, std::string_view(text).substr(0, first));
    const uint32_t b = crc32(0, std::string_view(text).substr(first, second));
    ASSERT_EQ(a, reference(0, first));
    ASSERT_EQ(crc32_combine(a, b, second), reference(0, first + second));
  }
}

}  // namespace
}  // namespace sluice::render
