#include "net/ui/page.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::net::ui {
namespace {

TEST(Page, NamesTheVersionAndLinksRelatively) {
  const std::string page = status_page("1.2<3>", "/tele?\"m\"");
  EXPECT_NE(page.find("<h1>sluice 1.2&lt;3&gt;</h1>"), std::string::npos);
  EXPECT_NE(page.find("href=\"./tele?&quot;m&quot;\""), std::string::npos);
  EXPECT_NE(page.find("href=\"./api/v1/metrics\""), std::string::npos);
  EXPECT_NE(page.find("href=\"./api/v1/status\""), std::string::npos);
  EXPECT_EQ(page.find("href=\"/"), std::string::npos);
}

TEST(Page, HasNoFilesYet) {
  const auto list = find_file("");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(find_file("functions.js"));
}

}  // namespace
}  // namespace sluice::net::ui
