// Selectors, searches, ages and orders of the list of groups, on keys and versions of a real store.
#include "net/api/group_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "net/api/api_answers.h"
#include "net/api/group_list.h"
#include "tests/core/store/testing.h"

namespace sluice::net::api {
namespace {

using store::testing::Client;
using store::testing::Labels;

bool selects(std::string_view selector, const Labels& labels) {
  auto matchers = LabelMatchers::parse(selector);
  EXPECT_TRUE(matchers) << matchers.error();
  return matchers && matchers->match(store::testing::key_of(labels).bytes());
}

TEST(LabelMatchers, MatchAsInPrometheus) {
  const Labels group = {{"job", "etl"}, {"zone", "eu-1"}, {"odd", "a\"b\\c\nd"}};
  EXPECT_TRUE(selects("{}", group));
  EXPECT_TRUE(selects("", group));
  EXPECT_TRUE(selects("{job=\"etl\"}", group));
  EXPECT_TRUE(selects("job=\"etl\"", group));
  EXPECT_TRUE(selects(" { job = 'etl' , zone =~ `eu-\\d` , } ", group));
  EXPECT_FALSE(selects("{job=\"et\"}", group));
  EXPECT_FALSE(selects("{job=\"etl\",zone!=\"eu-1\"}", group));
  EXPECT_TRUE(selects("{zone!~\"us-.*\"}", group));
  EXPECT_FALSE(selects("{zone!~\"eu-.*\"}", group));
  EXPECT_TRUE(selects("{missing=\"\"}", group));
  EXPECT_TRUE(selects("{instance=\"\"}", group));
  EXPECT_FALSE(selects("{missing!=\"\"}", group));
  EXPECT_TRUE(selects("{missing=~\".*\"}", group));
  EXPECT_TRUE(selects("{\"job\"=\"etl\"}", group));
  EXPECT_TRUE(selects("{odd=\"a\\\"b\\\\c\\nd\"}", group));
}

TEST(LabelMatchers, SayWhatIsWrong) {
  for (const char* selector :
       {"{", "{job}", "{job=}", "{job=etl}", "{job=\"etl}", "{job=\"etl\"", "{job=\"etl\"}x", "{=\"x\"}",
        "{job==\"x\"}", "{job=\"a\" zone=\"b\"}", "{job=~\"(\"}", "{job=\"\\x\"}", "up{job=\"x\"}"}) {
    EXPECT_FALSE(LabelMatchers::parse(selector)) << selector;
  }
}

TEST(GroupFilter, ReadsAges) {
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(parse_age("90s"), 90 * kSecond);
  EXPECT_EQ(parse_age("1h30m"), 5400 * kSecond);
  EXPECT_EQ(parse_age("5ms"), 5'000'000);
  EXPECT_EQ(parse_age("2d"), 172800 * kSecond);
  EXPECT_EQ(parse_age("1w"), 604800 * kSecond);
  EXPECT_EQ(parse_age("1y"), 31'536'000 * kSecond);
  for (const char* wrong : {"", "1", "h", "-1h", "1h ", "1.5h", "99999999999h", "1000000000y"}) {
    EXPECT_FALSE(parse_age(wrong)) << wrong;
  }
}

TEST(GroupFilter, FindsTextWithoutCase) {
  EXPECT_TRUE(contains_folded("Backup-EU", "up-eu"));
  EXPECT_TRUE(contains_folded("aab", "ab"));
  EXPECT_TRUE(contains_folded("x", ""));
  EXPECT_FALSE(contains_folded("ab", "abc"));
  EXPECT_FALSE(contains_folded("abd", "abc"));
}

class GroupFilters : public ::testing::Test {
 protected:
  GroupFilters() {
    client_.put({{"job", "Backup"}, {"zone", "eu=1"}}, "x 1\n", 1'000);
    client_.put({{"job", "etl"}, {"zone", "us-1"}}, "x{i=\"1\"} 1\nx{i=\"2\"} 2\n", 2'000);
    client_.put({{"job", "etl"}, {"zone", "us-2"}}, "x 1\n", 3'000);
    client_.fail({{"job", "etl"}, {"zone", "us-2"}}, 4'000);
    client_.fail({{"job", "never"}}, 5'000);
  }
  // Names of the groups that a query takes, in the order of the ids.
  std::vector<std::string> taken(std::string_view query, int64_t now_ns) {
    const auto fields = parse_query("/x?" + std::string(query));
    auto filter = GroupFilter::parse(*fields, now_ns);
    EXPECT_TRUE(filter) << filter.error();
    std::vector<std::string> names;
    store::GroupWalk walk;
    walk.start(client_.writer());
    EXPECT_EQ(walk.step(Deadline::never(),
                        [&](const store::GroupView& group) {
                          if (filter->takes(group)) names.emplace_back(group.version.label_text());
                        }),
              store::StepResult::kDone);
    std::ranges::sort(names);
    return names;
  }

  store::Store store_{store::Options{}};
  Client client_{store_};
};

TEST_F(GroupFilters, TakeWhatAllOfThemTake) {
  const std::string backup = "instance=\"\",job=\"Backup\",zone=\"eu=1\"";
  const std::string one = "instance=\"\",job=\"etl\",zone=\"us-1\"";
  const std::string two = "instance=\"\",job=\"etl\",zone=\"us-2\"";
  const std::string never = "instance=\"\",job=\"never\"";
  using Names = std::vector<std::string>;
  EXPECT_EQ(taken("", 0), (Names{backup, one, two, never}));
  EXPECT_EQ(taken("q=BACK", 0), (Names{backup}));
  EXPECT_EQ(taken("q=zone%3Deu%3D", 0), (Names{backup}));
  EXPECT_EQ(taken("q=job%3Detl", 0), (Names{one, two}));
  EXPECT_EQ(taken("q=ob%3Detl", 0), (Names{one, two}));
  EXPECT_EQ(taken("q=b%3Dtl", 0), Names{});
  EXPECT_EQ(taken("q=zone", 0), (Names{backup, one, two}));
  EXPECT_EQ(taken("failed=true", 0), (Names{two, never}));
  EXPECT_EQ(taken("failed=false", 0), (Names{backup, one, two, never}));
  EXPECT_EQ(taken("failed=true&q=us", 0), (Names{two}));
  EXPECT_EQ(taken("match[]={job%3D%22etl%22}&match[]={job%3D%22never%22}", 0), (Names{one, two, never}));
  EXPECT_EQ(taken("match%5B%5D={job%3D%22etl%22,zone%3D~%22.*1%22}", 0), (Names{one}));
  // 1 ms is 1,000,000 ns: a group that never was pushed counts from the push that made it.
  EXPECT_EQ(taken("older_than=1ms", 1'002'500), (Names{backup, one}));
  EXPECT_EQ(taken("older_than=1ms", 1'005'001), (Names{backup, one, two, never}));
}

TEST_F(GroupFilters, SelectorsAreBoundedTogether) {
  const auto error = [](size_t selectors, const std::string& selector) {
    std::string query = "/x?failed=false";
    for (size_t i = 0; i < selectors; ++i) query += "&match[]=" + selector;
    const auto filter = GroupFilter::parse(*parse_query(query), 0);
    return filter ? std::string() : filter.error();
  };
  EXPECT_EQ(error(1, "{job%3D~%22(a{50}){4}%22}"), "");
  EXPECT_EQ(error(4, "{job%3D~%22(a{50}){4}%22}"), "The match[] parameters are too large.");
  EXPECT_EQ(
      error(
          1,
          "{job%3D~%22a{99}%22,a%3D~%22a{99}%22,b%3D~%22a{99}%22,c%3D~%22a{99}%22,d%3D~%22a{99}%22,e%3D~%22a{99}%22}"),
      "The match[] parameters are too large.");
  EXPECT_EQ(error(16, "{job%3D~%22backup-.*%22}"), "");
}

TEST_F(GroupFilters, OrdersAreTotalAndCursorsComeBack) {
  for (const GroupSort sort :
       {GroupSort::kKey, GroupSort::kLastPush, GroupSort::kLastFailure, GroupSort::kSeries, GroupSort::kBytes}) {
    for (const bool descending : {false, true}) {
      const GroupOrder order{sort, descending};
      store::GroupWalk walk;
      walk.start(client_.writer());
      std::vector<GroupPlace> places;
      EXPECT_EQ(walk.step(Deadline::never(),
                          [&](const store::GroupView& group) { order.place(group, places.emplace_back()); }),
                store::StepResult::kDone);
      ASSERT_EQ(places.size(), 4u);
      for (const GroupPlace& place : places) {
        const auto back = order.parse_cursor(order.cursor(place));
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, place);
        EXPECT_FALSE(GroupOrder({sort, !descending}).parse_cursor(order.cursor(place)));
        EXPECT_FALSE(order.parse_cursor(order.cursor(place).substr(1)));
        EXPECT_FALSE(order.parse_cursor(order.cursor(place) + "x"));
        for (const GroupPlace& other : places) {
          EXPECT_EQ(order.before(place, other) || order.before(other, place), !(place == other));
        }
      }
    }
  }
}

TEST(CrossSite, IsWhatABrowserSentForAnotherPage) {
  const auto verdict = [](std::vector<http::Header> headers, std::string_view external = "") {
    http::Request request;
    request.host = "gateway:9091";
    request.headers = std::move(headers);
    return is_cross_site(request, external);
  };
  EXPECT_FALSE(verdict({}));
  EXPECT_FALSE(verdict({{"Origin", "http://gateway:9091"}}));
  EXPECT_FALSE(verdict({{"Origin", "https://GATEWAY:9091"}}));
  EXPECT_FALSE(verdict({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://other"}}));
  EXPECT_FALSE(verdict({{"Sec-Fetch-Site", "none"}}));
  EXPECT_FALSE(verdict({{"Origin", "https://push.example"}}, "https://push.example/p"));
  EXPECT_TRUE(verdict({{"Origin", "https://push.example.evil"}}, "https://push.example/p"));
  EXPECT_TRUE(verdict({{"Origin", "http://gateway"}}));
  EXPECT_TRUE(verdict({{"Origin", "null"}}));
  EXPECT_TRUE(verdict({{"Origin", ""}}));
  EXPECT_TRUE(verdict({{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_TRUE(verdict({{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://gateway:9091"}}));
}

}  // namespace
}  // namespace sluice::net::api
