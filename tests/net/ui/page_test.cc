#include "net/ui/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::net::ui {
namespace {

TEST(Page, NamesTheVersionAndLinksRelatively) {
  const std::string page = status_page({"1.2<3>", "/tele?\"m\"", 17, 4711});
  EXPECT_NE(page.find("1.2&lt;3&gt;"), std::string::npos);
  EXPECT_NE(page.find("href=\"./tele?&quot;m&quot;\""), std::string::npos);
  EXPECT_NE(page.find("href=\"./api/v1/metrics\""), std::string::npos);
  EXPECT_NE(page.find("href=\"./api/v1/status\""), std::string::npos);
  EXPECT_EQ(page.find("href=\"/"), std::string::npos);
  EXPECT_EQ(page.find("src=\"/"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
}

TEST(Page, SaysWithoutJavaScriptWhatIsStored) {
  const std::string page = status_page({"1", "/metrics", 17, 4711});
  const size_t from = page.find("<noscript>");
  const std::string without = page.substr(from, page.find("</noscript>") - from);
  EXPECT_NE(without.find("17 groups and 4711 pushed series"), std::string::npos);
  EXPECT_NE(without.find("href=\"./api/v1/groups\""), std::string::npos);
}

TEST(Page, HasNoScriptAndNoStyleInTheDocument) {
  const std::string page = status_page({"1", "/metrics", 0, 0});
  EXPECT_EQ(page.find("<style"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos);
  EXPECT_EQ(page.find(" on"), page.find(" only")) << "no handlers";
  size_t scripts = 0;
  for (size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1)) {
    ++scripts;
    EXPECT_EQ(page.substr(page.find('>', at), 10), "></script>");
  }
  EXPECT_EQ(scripts, 1u);
  EXPECT_EQ(kPageHeaders.find("unsafe"), std::string_view::npos);
}

// All that a browser loads, before compression.
TEST(Page, IsUnder150KB) {
  const auto list = find_file("");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->content_type, "text/html; charset=utf-8");
  size_t bytes = status_page({"1", "/metrics", 0, 0}).size();
  size_t files = 0;
  constexpr std::string_view kLink = "<a href=\"";
  for (size_t at = list->bytes.find(kLink); at != std::string::npos; at = list->bytes.find(kLink, at + 1)) {
    const size_t name = at + kLink.size();
    const auto file = find_file(list->bytes.substr(name, list->bytes.find('"', name) - name));
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->bytes.empty());
    EXPECT_EQ(file->bytes.find("http://") == std::string::npos || file->bytes.find("www.w3.org") != std::string::npos,
              true)
        << "nothing from elsewhere";
    bytes += file->bytes.size();
    ++files;
  }
  EXPECT_GE(files, 10u);
  EXPECT_LT(bytes, 150'000u);
}

// Every module that is imported is there.
TEST(Page, HasAllModules) {
  for (const char* name :
       {"main.js", "groups.js", "detail.js", "list.js", "overview.js", "charts.js", "dom.js", "api.js", "format.js"}) {
    const auto file = find_file(name);
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(file->content_type, "text/javascript; charset=utf-8");
    constexpr std::string_view kFrom = "from \"./";
    for (size_t at = file->bytes.find(kFrom); at != std::string::npos; at = file->bytes.find(kFrom, at + 1)) {
      const size_t from = at + kFrom.size();
      const std::string other = file->bytes.substr(from, file->bytes.find('"', from) - from);
      EXPECT_TRUE(find_file(other)) << other << " in " << name;
    }
    EXPECT_EQ(file->bytes.find("innerHTML"), std::string::npos) << name;
    EXPECT_EQ(file->bytes.find("insertAdjacentHTML"), std::string::npos) << name;
    EXPECT_EQ(file->bytes.find("document.write"), std::string::npos) << name;
  }
  EXPECT_EQ(find_file("page.css")->content_type, "text/css; charset=utf-8");
}

TEST(Page, HasNoOtherFiles) {
  EXPECT_FALSE(find_file("page.html"));
  EXPECT_FALSE(find_file("functions.js"));
  EXPECT_FALSE(find_file("../page.css"));
}

}  // namespace
}  // namespace sluice::net::ui
