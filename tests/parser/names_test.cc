#include "parser/names.h"

#include <gtest/gtest.h>

namespace sluice::parser {
namespace {

TEST(Names, Legacy) {
  constexpr auto kLegacy = NameScheme::kLegacy;
  for (const char* name : {"a", "_", "A9_z"}) {
    EXPECT_TRUE(is_valid_metric_name(name, kLegacy)) << name;
    EXPECT_TRUE(is_valid_label_name(name, kLegacy)) << name;
  }
  for (const char* name : {":", "a:b"}) {
    EXPECT_TRUE(is_valid_metric_name(name, kLegacy)) << name;
    EXPECT_FALSE(is_valid_label_name(name, kLegacy)) << name;
  }
  for (const char* name : {"", "0a", "a b", "a.b", "\u00e9"}) {
    EXPECT_FALSE(is_valid_metric_name(name, kLegacy)) << name;
    EXPECT_FALSE(is_valid_label_name(name, kLegacy)) << name;
  }
}

TEST(Names, Utf8) {
  constexpr auto kUtf8 = NameScheme::kUtf8;
  for (const char* name : {"0a", "a b", "\u00e9", "\n", "\U0010ffff"}) {
    EXPECT_TRUE(is_valid_metric_name(name, kUtf8)) << name;
    EXPECT_TRUE(is_valid_label_name(name, kUtf8)) << name;
  }
  for (const char* name : {"", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(is_valid_metric_name(name, kUtf8)) << name;
    EXPECT_FALSE(is_valid_label_name(name, kUtf8)) << name;
  }
}

TEST(Names, Unescape) {
  struct Case {
    std::string_view escaped, name;
  };
  constexpr Case kCases[] = {
      {"", ""},
      {"a__b", "a__b"},
      {"U__", ""},
      {"U__a", "a"},
      {"U__a__b", "a_b"},
      {"U__a_2e_b", "a.b"},
      {"U__a_2E_b", "a.b"},
      {"U__a_1F600_b", "a\U0001f600b"},
      {"U__a_00_b", std::string_view("a\0b", 3)},
      {"U____x", "_x"},
      // No escape: the name as it is.
      {"U___", "U___"},
      {"U__a_", "U__a_"},
      {"U__a_2e", "U__a_2e"},
      {"U__a_zz_b", "U__a_zz_b"},
      {"U__a_D800_b", "U__a_D800_b"},
      {"U__a_10FFFF_b", "U__a_10FFFF_b"},  // six digits are one too many for the reference
      {"U__a_00002e_b", "U__a_00002e_b"},
      {"U__a_0002e_b", "a.b"},
  };
  for (const Case& item : kCases) EXPECT_EQ(unescape_name(item.escaped), item.name) << item.escaped;
}

}  // namespace
}  // namespace sluice::parser
