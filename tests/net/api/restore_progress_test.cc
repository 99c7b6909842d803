#include "net/api/restore_progress.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace sluice::net::api {
namespace {

std::vector<uint64_t>& said() {
  static std::vector<uint64_t> all;
  return all;
}

void say(uint64_t groups) { said().push_back(groups); }

TEST(RestoreProgress, SaysWhatAllPartsHaveDone) {
  said().clear();
  RestoreProgress progress(2, 0, say);
  progress.count(1);
  progress.count(1);
  EXPECT_TRUE(said().empty());
  progress.count(0);
  progress.count(0);
  EXPECT_EQ(said(), (std::vector<uint64_t>{3, 4}));
}

TEST(RestoreProgress, SaysNothingBeforeItsTime) {
  said().clear();
  RestoreProgress progress(1, std::numeric_limits<int64_t>::max(), say);
  for (int i = 0; i < 1000; ++i) progress.count(0);
  EXPECT_TRUE(said().empty());
}

}  // namespace
}  // namespace sluice::net::api
