// One gzip member out of any source in any slices, read back with zlib; its size against zlib's.
#include <zlib.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "core/base/limits.h"
#include "core/render/body_reader.h"
#include "core/render/crc32.h"
#include "core/render/scrape_cache.h"
#include "tests/core/render/text_source.h"

namespace sluice::render {
namespace {

using testing::inflate_one;
using testing::metrics_text;
using testing::Places;
using testing::read_all;
using testing::TextSource;

// As a scrape that is alone makes it.
std::string compress(std::string_view text, uint64_t seed, size_t capacity_max) {
  const Places pushed = text.empty() ? Places() : Places{{2, std::string(text)}};
  const Places own;
  ScrapeCache cache(0);
  const MakeSource make = [&] { return std::make_unique<TextSource>(pushed, seed); };
  BodyRef body;
  CacheCounts counts;
  EXPECT_TRUE(
      cache.acquire({.mutations = 1, .own_names = 1, .form = 0, .gzip = true, .part = {}}, 1, {}, make, body, counts));
  ScrapeHelper helper;
  BodyReader reader(cache, helper, std::move(body), std::make_unique<TextSource>(own, seed), make);
  std::string out = read_all(reader, seed, capacity_max);
  EXPECT_EQ(reader.text_bytes(), text.size());
  return out;
}

std::string noise(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Gzip, AnEmptyBodyIsAMember) { EXPECT_EQ(inflate_one(compress("", 1, 100)), ""); }

TEST(Gzip, AnyTextInAnySlicesIsOneMember) {
  const std::string metrics = metrics_text(20000);
  const size_t block = limits::kGzipBlockBytes;
  uint64_t seed = 1;
  for (const size_t bytes : {size_t{1}, size_t{100}, block - 1, block, block + 1, 3 * block, metrics.size()}) {
    ASSERT_LE(bytes, metrics.size());
    const std::string_view text = std::string_view(metrics).substr(0, bytes);
    for (const size_t capacity : {size_t{1}, size_t{30}, size_t{5000}, size_t{100000}}) {
      if (capacity == 1 && bytes > 2 * block) continue;
      ASSERT_TRUE(inflate_one(compress(text, ++seed, capacity)) == text) << bytes << " " << capacity;
    }
  }
}

TEST(Gzip, IncompressibleBytesSurvive) {
  for (const size_t bytes : {size_t{5000}, size_t{700000}}) {
    const std::string text = noise(bytes, bytes);
    ASSERT_TRUE(inflate_one(compress(text, 3, 10000)) == text);
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
