// The reader of the reference's persistence file: files that Go wrote (tests/parser/data/gob/make.py), whole and in
// windows of every length, cut off anywhere, with any byte changed.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "parser/gob_cursor.h"
#include "parser/gob_groups.h"
#include "parser/gob_types.h"

namespace sluice::parser {
namespace {

using Step = GobGroups::Step;

std::string file(const std::string& name) {
  std::ifstream in(std::string(SLUICE_TEST_DATA) + "/gob/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

// Groups as text, sorted; the error as the only line when there is one. Windows begin with `window` bytes and grow by
// as many.
std::vector<std::string> read(std::string_view bytes, size_t window) {
  GobGroups groups(bytes.size());
  GobGroup group;
  std::vector<std::string> out;
  size_t length = window;
  while (true) {
    const size_t end = groups.offset() + length;
    switch (groups.step(bytes.substr(groups.offset()).substr(0, length), group)) {
      case Step::kMore:
        if (end >= bytes.size()) return {"asks for more than there is"};
        length += window;
        continue;
      case Step::kEnd:
        std::ranges::sort(out);
        return out;
      case Step::kError:
        return {groups.error()};
      case Step::kGroup:
        break;
    }
    length = window;
    std::map<std::string, std::string> parts;
    for (const auto& [name, value] : group.labels) parts["label " + std::string(name)] = value;
    for (const GobFamily& family : group.families) {
      parts["family " + std::string(family.name)] = std::to_string(family.time_ns) + " " + std::string(family.message);
    }
    std::string& text = out.emplace_back();
    for (const auto& [name, value] : parts) text.append(name).append("=").append(value).append("\n");
  }
}

std::string error_of(std::string_view bytes) {
  const auto lines = read(bytes, bytes.size());
  return lines.size() == 1 ? lines.front() : "no error";
}

TEST(Gob, ReadsNumbers) {
  const auto number = [](std::string_view bytes) {
    GobCursor cursor(bytes, 0, bytes.size());
    const uint64_t value = cursor.take_unsigned();
    EXPECT_TRUE(cursor.ok() && cursor.left() == 0) << cursor.problem();
    return value;
  };
  EXPECT_EQ(number({"\0", 1}), 0U);
  EXPECT_EQ(number("\x7f"), 127U);
  EXPECT_EQ(number("\xff\x80"), 128U);
  EXPECT_EQ(number({"\xfe\x01\x00", 3}), 256U);
  EXPECT_EQ(number("\xf8\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX);
  const auto is_signed = [](std::string_view bytes) { return GobCursor(bytes, 0, bytes.size()).take_signed(); };
  EXPECT_EQ(is_signed("\x06"), 3);
  EXPECT_EQ(is_signed("\x05"), -3);
  EXPECT_EQ(is_signed("\xf8\xff\xff\xff\xff\xff\xff\xff\xff"), INT64_MIN);
  const auto problem = [](std::string_view bytes, uint64_t end) {
    GobCursor cursor(bytes, 0, end);
    static_cast<void>(cursor.take_bytes());
    return cursor.is_short() ? "short" : cursor.problem();
  };
  EXPECT_STREQ(problem("\xf7\x01\x01\x01\x01\x01\x01\x01\x01\x01", 10), "a number of more than eight bytes");
  EXPECT_STREQ(problem("\xfe\x01", 2), "the bytes end in the middle of a number");
  EXPECT_STREQ(problem("\x03qq", 3), "a length of more bytes than there are");
  EXPECT_STREQ(problem("\x03qq", 4), "short");
  EXPECT_STREQ(problem("\xf8\xff\xff\xff\xff\xff\xff\xff\xff", 1000), "a length of more bytes than there are");
}

TEST(Gob, ReadsWhatTheReferenceWrote) {
  const std::string bytes = file("everything");
  const auto groups = read(bytes, bytes.size());
  ASSERT_EQ(groups.size(), 16U);
  const auto etl = std::ranges::find_if(
      groups, [](const std::string& group) { return group.find("label instance=a\n") != std::string::npos; });
  ASSERT_NE(etl, groups.end());
  for (const char* const part : {"family empty=", "family more=", "family plain=", "family rows=", "label job=etl\n",
                                 "family push_time_seconds=", "family push_failure_time_seconds="}) {
    EXPECT_NE(etl->find(part), std::string::npos) << part;
  }
  for (size_t window = 1; window < 300; ++window) EXPECT_EQ(read(bytes, window), groups) << window;
}

TEST(Gob, StepsOverFieldsThatItDoesNotKnow) {
  const std::string bytes = file("more_fields");
  const std::vector<std::string> groups = read(bytes, bytes.size());
  EXPECT_EQ(groups,
            (std::vector<std::string>{"", "family x=1700000000123456789 bytes\nlabel job=full\nlabel zone=\n"}));
  for (size_t window = 1; window < 100; ++window) EXPECT_EQ(read(bytes, window), groups) << window;
}

TEST(Gob, ReadsTimes) {
  const auto groups = read(file("times"), 1000);
  ASSERT_EQ(groups.size(), 1U);
  for (const char* const part :
       {"family zero=0 \n", "family utc=1000000002 \n", "family zone=3999999999 \n", "family odd=-4000000000 \n"}) {
    EXPECT_NE(groups.front().find(part), std::string::npos) << part << "in\n" << groups.front();
  }
  int64_t time = 0;
  EXPECT_FALSE(decode_go_time("", time));
  EXPECT_FALSE(decode_go_time(std::string("\x03") + std::string(14, '\0'), time));
  EXPECT_FALSE(decode_go_time(std::string("\x01\x7f") + std::string(13, '\0'), time)) << "too late a year";
  EXPECT_FALSE(decode_go_time(std::string("\x01") + std::string(8, '\0') + "\x7f" + std::string(5, '\0'), time));
  EXPECT_FALSE(decode_go_time(std::string("\x02") + std::string(14, '\0'), time)) << "cut";
}

TEST(Gob, HasNoGroups) { EXPECT_TRUE(read(file("empty"), 1).empty()); }

TEST(Gob, SaysWhatItIsNot) {
  EXPECT_TRUE(error_of(file("uint_keys")).starts_with("its groups have the form of a Pushgateway before 0.10"));
  EXPECT_TRUE(error_of(file("message_is_struct")).starts_with("its groups have the form of a Pushgateway before 0.10"));
  EXPECT_EQ(error_of(file("other")), "it is no map of metric groups (at offset 16)");
  EXPECT_EQ(error_of(file("number")), "it is no map of metric groups (at offset 1)");
  EXPECT_EQ(error_of(""), "the bytes end in the middle of a number (at offset 0)");
  EXPECT_EQ(error_of(file("everything") + "x"),
            "something stands behind the groups (at offset " + std::to_string(file("everything").size()) + ")");
  for (const char* const name : {"uint_keys", "other", "everything"}) {
    const std::string bytes = file(name);
    GobGroups groups(bytes.size());
    GobGroup group;
    static_cast<void>(groups.step(bytes, group));
    EXPECT_TRUE(groups.is_gob()) << name;
  }
}

TEST(Gob, NoticesEveryCut) {
  for (const char* const name : {"everything", "more_fields", "empty"}) {
    const std::string bytes = file(name);
    for (size_t length = 0; length < bytes.size(); ++length) {
      const std::string error = error_of(std::string_view(bytes).substr(0, length));
      EXPECT_NE(error.find("(at offset "), std::string::npos) << name << " cut to " << length << ": " << error;
    }
  }
}

// Gob has no checksum, so many changes are other values; none may do harm, and windows must not matter.
TEST(Gob, SurvivesEveryChangedByte) {
  for (const char* const name : {"more_fields", "everything"}) {
    std::string bytes = file(name);
    const size_t step = bytes.size() > 2000 ? 19 : 1;
    for (size_t at = 0; at < bytes.size(); at += step) {
      const char before = bytes[at];
      for (const char other : {'\0', '\x01', '\x7f', '\x80', '\xf8', '\xff'}) {
        bytes[at] = other;
        EXPECT_EQ(read(bytes, bytes.size()), read(bytes, 97)) << name << " at " << at;
      }
      bytes[at] = before;
    }
  }
}

TEST(Gob, DoesNotFollowTypesWithoutEnd) {
  // A list of itself: [][][]..., each level one byte.
  GobTypes types;
  const std::string list = std::string("\x02\x01\x02\xff\x80\x00\x01\xff\x80\x00\x00", 11);
  GobCursor cursor(list, 0, list.size());
  types.define(cursor, 64);
  ASSERT_TRUE(cursor.ok()) << cursor.problem();
  const std::string deep(10'000, '\x01');
  GobCursor value(deep, 0, deep.size());
  types.skip(value, 64);
  EXPECT_STREQ(value.problem(), "values are nested too deep");
  GobCursor undefined(deep, 0, deep.size());
  types.skip(undefined, 65);
  EXPECT_STREQ(undefined.problem(), "a value of a type that is not defined");
  GobCursor again(list, 0, list.size());
  types.define(again, 64);
  EXPECT_STREQ(again.problem(), "a type is defined twice");
}

}  // namespace
}  // namespace sluice::parser
