// Content codings of bodies: members, headers, cuts at every place, wrong bits, slices, and inputs made to be slow.
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http/content_coding.h"

namespace sluice::net::http {
namespace {

struct Decoded {
  ContentDecoder::State state = ContentDecoder::State::kMore;
  std::string text;
  std::string error;
  size_t steps = 0;
};

Decoded decode(Coding coding, std::string_view body, Deadline deadline = Deadline::never()) {
  static ContentDecoder decoder;  // used again and again, as a worker does
  decoder.start(coding, body);
  Decoded out;
  std::string room(ContentDecoder::kRoomBytes, '\0');
  while (out.state == ContentDecoder::State::kMore) {
    size_t written = 0;
    out.state = decoder.step({room.data(), room.size()}, written, deadline);
    out.text.append(room.data(), written);
    ++out.steps;
  }
  if (out.state == ContentDecoder::State::kError) out.error = decoder.error();
  return out;
}

std::string gzip(std::string_view text, int level = 6) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string sample(size_t lines) {
  std::string text;
  for (size_t k = 0; k < lines; ++k)
    text += "metric_" + std::to_string(k * 7919 % 1000) + " " + std::to_string(k) + "\n";
  return text;
}

TEST(ContentCoding, OfARequest) {
  constexpr std::array<std::pair<std::string_view, Coding>, 8> kCases = {{{"gzip", Coding::kGzip},
                                                                          {"GZip", Coding::kGzip},
                                                                          {"SNAPPY", Coding::kSnappy},
                                                                          {"", Coding::kIdentity},
                                                                          {"x-gzip", Coding::kIdentity},
                                                                          {"gzip, identity", Coding::kIdentity},
                                                                          {"zstd", Coding::kIdentity},
                                                                          {"br", Coding::kIdentity}}};
  for (const auto& [value, coding] : kCases) {
    Request request;
    request.headers = {{"content-encoding", value}, {"Content-Encoding", "gzip"}};
    EXPECT_EQ(content_coding(request), coding) << value;
  }
  EXPECT_EQ(content_coding(Request{}), Coding::kIdentity);
}

TEST(GzipDecoder, EveryLevelAndSize) {
  for (const size_t lines : {size_t{0}, size_t{1}, size_t{100}, size_t{20'000}}) {
    const std::string text = sample(lines);
    for (int level = 0; level <= 9; ++level) {
      const std::string body = gzip(text, level);
      for (const Deadline deadline : {Deadline::never(), Deadline{0}}) {
        const Decoded got = decode(Coding::kGzip, body, deadline);
        EXPECT_EQ(got.state, ContentDecoder::State::kDone) << got.error;
        EXPECT_TRUE(got.text == text) << lines << " lines, level " << level;
      }
    }
  }
}

TEST(GzipDecoder, ManyMembers) {
  std::string body;
  std::string text;
  for (size_t k = 0; k < 300; ++k) {
    const std::string piece = sample(k % 5);
    text += piece;
    body += gzip(piece);
  }
  const Decoded got = decode(Coding::kGzip, body);
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(got.text == text);
}

TEST(GzipDecoder, CutAnywhere) {
  const std::string text = sample(400);
  const std::string body = gzip(text);
  for (size_t length = 0; length < body.size(); ++length) {
    const std::string cut = body.substr(0, length);  // of exactly this size, so that sanitizers see an overrun
    const Decoded got = decode(Coding::kGzip, cut);
    ASSERT_EQ(got.error, length == 0 ? "EOF" : "unexpected EOF") << length;
    ASSERT_TRUE(std::string_view(text).starts_with(got.text)) << length;
  }
}

TEST(GzipDecoder, EveryWrongBitIsSeen) {
  const std::string body = gzip(sample(30));
  for (size_t bit = 80; bit < body.size() * 8; ++bit) {  // time, flags and system in the header do not matter
    std::string wrong = body;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(decode(Coding::kGzip, wrong).state, ContentDecoder::State::kError) << bit;
  }
}

// A member whose matches reach into `dictionary`, as if that stood before its first byte.
std::string gzip_with_dictionary(std::string_view text, std::string_view dictionary) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const auto* bytes = reinterpret_cast<const Bytef*>(dictionary.data());
  EXPECT_EQ(deflateSetDictionary(&stream, bytes, static_cast<uInt>(dictionary.size())), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10) + out + std::string(8, '\0');
}

// There is nothing to copy before the first byte: what other bodies left in the decoder is not handed out.
TEST(GzipDecoder, NothingOfOtherBodiesComesOut) {
  // Nothing of three bytes that the own text has: its matches are the first that reach so far.
  const std::string secret = "TOKEN~OF~ANOTHER~CLIENT~ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string others;
  while (others.size() < 200'000) others += secret;
  const std::string others_gzip = gzip(others);
  for (const size_t lines : {0, 1, 5, 40, 400, 1500}) {
    const std::string own = sample(lines);
    const std::string body = gzip_with_dictionary(own + secret + own, "#" + secret);  // zlib never begins a match at 0
    for (const Deadline deadline : {Deadline::never(), Deadline{0}}) {
      ASSERT_EQ(decode(Coding::kGzip, others_gzip).text, others);
      const Decoded decoded = decode(Coding::kGzip, body, deadline);
      EXPECT_TRUE(decoded.error.starts_with("flate: corrupt input before offset ")) << decoded.error;
      // Of what came long after the beginning, the last piece may be dropped.
      if (lines <= 400) {
        EXPECT_EQ(decoded.text, own) << lines;
      } else {
        EXPECT_TRUE(own.starts_with(decoded.text)) << lines;
      }
    }
  }
}

// Blocks of deflate by hand: one fixed block, never ended.
class FixedBlock {
 public:
  FixedBlock() { put(0b011, 3); }
  void literals(std::string_view ascii) {
    for (const char c : ascii) code(0x30U + static_cast<unsigned char>(c), 8);
  }
  // A match of 258 bytes. Distance code 0 is the byte before; 30 and 31 are none.
  void match(unsigned distance_code) {
    code(0xc5, 8);
    code(distance_code, 5);
  }
  // With room for ISA-L's fast loop behind it.
  [[nodiscard]] std::string gzip() const {
    return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10) + bytes_ + std::string(64, '\0');
  }

 private:
  void put(unsigned bits, unsigned count) {
    for (unsigned k = 0; k < count; ++k, ++bits_) {
      if (bits_ % 8 == 0) bytes_.push_back('\0');
      if ((bits >> k & 1) != 0) bytes_.back() = static_cast<char>(bytes_.back() | (1 << bits_ % 8));
    }
  }
  void code(unsigned bits, unsigned count) {  // the highest bit first
    for (unsigned k = count; k-- > 0;) put(bits >> k & 1, 1);
  }

  std::string bytes_;
  size_t bits_ = 0;
};

// Of a match whose distance is none nothing is handed out either, and what came before it all is, as Go does; only of
// long members the last 258 bytes may be dropped.
TEST(GzipDecoder, NothingStandsForAMatchWithoutADistance) {
  const std::string others_gzip = gzip(std::string(200'000, '~'));
  for (const size_t repeats : {0, 1, 63, 64, 120, 400, 2000}) {  // rooms are of 64 KB, ISA-L's history is of 32
    for (const unsigned distance_code : {30U, 31U}) {
      FixedBlock block;
      block.literals("a 2\n#");
      for (size_t k = 0; k < repeats; ++k) block.match(0);
      block.match(distance_code);
      std::string own = "a 2\n#";
      own.append(repeats * 258, '#');
      for (const Deadline deadline : {Deadline::never(), Deadline{0}}) {
        ASSERT_EQ(decode(Coding::kGzip, others_gzip).error, "");
        const Decoded decoded = decode(Coding::kGzip, block.gzip(), deadline);
        EXPECT_TRUE(decoded.error.starts_with("flate: corrupt input before offset ")) << decoded.error;
        EXPECT_TRUE(own.starts_with(decoded.text)) << repeats;
        const size_t dropped = own.size() < 32'000 ? 0 : 258;
        EXPECT_GE(decoded.text.size() + dropped, own.size()) << repeats;
      }
    }
  }
}

TEST(GzipDecoder, InputWithoutOutputIsSliced) {
  // Stored blocks of nothing, then fixed blocks of nothing: no output ever says that time has passed.
  std::string stored = gzip("").substr(0, 10);
  for (size_t k = 0; k < 100'000; ++k) stored += std::string_view("\0\0\0\xff\xff", 5);
  const Decoded got = decode(Coding::kGzip, stored, Deadline{0});
  EXPECT_EQ(got.error, "unexpected EOF");
  EXPECT_EQ(got.text, "");
  EXPECT_GE(got.steps, stored.size() / GzipDecoder::kInputBytes);
}

TEST(GzipDecoder, ABombIsHandedOutInPieces) {
  const std::string body = gzip(std::string(8 << 20, 'a'));
  ContentDecoder decoder;
  decoder.start(Coding::kGzip, body);
  std::string room(ContentDecoder::kRoomBytes, '\0');
  size_t total = 0;
  ContentDecoder::State state = ContentDecoder::State::kMore;
  while (state == ContentDecoder::State::kMore) {
    size_t written = 0;
    state = decoder.step({room.data(), room.size()}, written, Deadline{0});
    EXPECT_LE(written, GzipDecoder::kOutputBytes);
    total += written;
  }
  EXPECT_EQ(state, ContentDecoder::State::kDone);
  EXPECT_EQ(total, size_t{8} << 20);
}

TEST(SnappyDecoder, CutAnywhereAndWrongBits) {
  const std::string good(
      "\xff\x06\x00\x00sNaPpY\x01\x08\x00\x00\xaf\x4c\x19\x8a"
      "a 1\n",
      22);
  const Decoded whole = decode(Coding::kSnappy, good);
  EXPECT_EQ(whole.error, "");
  EXPECT_EQ(whole.text, "a 1\n");
  EXPECT_EQ(decode(Coding::kSnappy, "").state, ContentDecoder::State::kDone);
  for (size_t length = 1; length < good.size(); ++length) {
    if (length == 10) continue;  // behind the identifier
    EXPECT_EQ(decode(Coding::kSnappy, good.substr(0, length)).error, "snappy: corrupt input") << length;
  }
  for (size_t bit = 112; bit < good.size() * 8; ++bit) {
    std::string wrong = good;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(decode(Coding::kSnappy, wrong).error, "snappy: corrupt input") << bit;
  }
}

}  // namespace
}  // namespace sluice::net::http
