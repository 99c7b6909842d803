#include "core/base/rfc3339.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace sluice {
namespace {

// The text in a zone; puts the old zone back.
std::string in_zone(const char* zone, int64_t wall_ns) {
  const char* old = std::getenv("TZ");
  const std::string kept = old != nullptr ? old : "";
  setenv("TZ", zone, 1);
  tzset();
  std::string text;
  append_rfc3339(text, wall_ns);
  if (old != nullptr) {
    setenv("TZ", kept.c_str(), 1);
  } else {
    unsetenv("TZ");
  }
  tzset();
  return text;
}

TEST(Rfc3339, HasUpToNineDecimals) {
  EXPECT_EQ(in_zone("UTC0", 0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(in_zone("UTC0", 1'795'663'930'645'271'280), "2026-11-26T03:32:10.64527128Z");
  EXPECT_EQ(in_zone("UTC0", 1'795'663'930'000'000'001), "2026-11-26T03:32:10.000000001Z");
  EXPECT_EQ(in_zone("UTC0", 1'795'663'930'500'000'000), "2026-11-26T03:32:10.5Z");
  EXPECT_EQ(in_zone("UTC0", -1), "1969-12-31T23:59:59.999999999Z");
}

TEST(Rfc3339, NamesTheOffsetOfTheZone) {
  EXPECT_EQ(in_zone("CET-1", 1'795'663'930'000'000'000), "2026-11-26T04:32:10+01:00");
  EXPECT_EQ(in_zone("NST3:30", 1'795'663'930'000'000'000), "2026-11-26T00:02:10-03:30");
}

}  // namespace
}  // namespace sluice
