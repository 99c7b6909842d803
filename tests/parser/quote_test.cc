#include "parser/quote.h"

#include <gtest/gtest.h>

namespace sluice::parser {
namespace {

// Expectations printed by Go's fmt.
TEST(Quote, Strings) {
  EXPECT_EQ(go_quoted(""), "\"\"");
  EXPECT_EQ(go_quoted("a\"b\\c'"), "\"a\\\"b\\\\c'\"");
  EXPECT_EQ(go_quoted("\a\b\t\n\v\f\r"), "\"\\a\\b\\t\\n\\v\\f\\r\"");
  EXPECT_EQ(go_quoted(std::string_view("\0\x1f\x7f", 3)), "\"\\x00\\x1f\\x7f\"");
  EXPECT_EQ(go_quoted("\u00e9\u4f56\U0001f600"), "\"\u00e9\u4f56\U0001f600\"");
  EXPECT_EQ(go_quoted("\u0080\u00a0\u00ad\u200b\ufeff\U000e0001\ue000"),
            "\"\\u0080\\u00a0\\u00ad\\u200b\\ufeff\\U000e0001\\ue000\"");
  EXPECT_EQ(go_quoted("\ufffd"), "\"\ufffd\"");
  EXPECT_EQ(go_quoted("\xff\xc3(\xe2\x82\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80"),
            "\"\\xff\\xc3(\\xe2\\x82\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xc0\\x80\"");
}

TEST(Quote, Bytes) {
  const auto quoted_byte = [](char byte) {
    std::string out;
    append_quoted_byte(out, byte);
    return out;
  };
  EXPECT_EQ(quoted_byte('a'), "'a'");
  EXPECT_EQ(quoted_byte('\''), "'\\''");
  EXPECT_EQ(quoted_byte('"'), "'\"'");
  EXPECT_EQ(quoted_byte('\n'), "'\\n'");
  EXPECT_EQ(quoted_byte('\0'), "'\\x00'");
  EXPECT_EQ(quoted_byte('\x80'), "'\\u0080'");
  EXPECT_EQ(quoted_byte('\xff'), "'\u00ff'");
  std::string out;
  append_byte_as_char(out, '\xff');
  append_byte_as_char(out, 't');
  EXPECT_EQ(out, "\u00fft");
}

TEST(Quote, Utf8AgreesWithTheTable) {
  // Every code point: valid, of the right width; printable ones stay, others do not.
  for (uint32_t value = 0x80; value <= 0x10ffff; ++value) {
    if (value >= 0xd800 && value <= 0xdfff) continue;
    const char raw[] = {static_cast<char>(value < 0x800     ? 0xc0 | value >> 6
                                          : value < 0x10000 ? 0xe0 | value >> 12
                                                            : 0xf0 | value >> 18),
                        static_cast<char>(0x80 | (value >> 12 & 0x3f)), static_cast<char>(0x80 | (value >> 6 & 0x3f)),
                        static_cast<char>(0x80 | (value & 0x3f))};
    std::string text(1, raw[0]);
    if (value >= 0x10000) text += raw[1];
    if (value >= 0x800) text += raw[2];
    text += raw[3];
    const CodePoint decoded = decode_utf8(text + "x");
    ASSERT_TRUE(decoded.valid);
    ASSERT_EQ(decoded.value, value);
    ASSERT_EQ(decoded.bytes, text.size());
    ASSERT_FALSE(decode_utf8(std::string_view(text).substr(0, text.size() - 1)).valid);
  }
  EXPECT_TRUE(is_printable(' '));
  EXPECT_FALSE(is_printable(0xa0));
  EXPECT_FALSE(is_printable(0x10ffff));
}

}  // namespace
}  // namespace sluice::parser
