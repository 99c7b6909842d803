// Comparison without case, eight bytes at a time, against one byte at a time.
#include "net/http/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::net::http {
namespace {

bool same_by_bytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ascii::lower(a[i]) != ascii::lower(b[i])) return false;
  }
  return true;
}

// Every pair of bytes at every place of texts of 1 to 20 bytes: in the first word, the overlapping last one and the
// rest.
TEST(Ascii, EveryPairOfBytesAtEveryPlace) {
  for (const size_t size : {1u, 3u, 4u, 5u, 7u, 8u, 9u, 16u, 20u}) {
    for (size_t place = 0; place < size; ++place) {
      std::string a(size, 'x');
      std::string b(size, 'X');
      for (int one = 0; one < 256; ++one) {
        for (int other = 0; other < 256; ++other) {
          a[place] = static_cast<char>(one);
          b[place] = static_cast<char>(other);
          ASSERT_EQ(equals_ignoring_case(a, b), same_by_bytes(a, b))
              << size << " " << place << " " << one << " " << other;
        }
      }
    }
  }
}

TEST(Ascii, OtherLengthsAreOtherTexts) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("", "a"));
  EXPECT_FALSE(equals_ignoring_case("content-typ", "content-type"));
  EXPECT_TRUE(equals_ignoring_case("CONTENT-type", "content-TYPE"));
}

}  // namespace
}  // namespace sluice::net::http
