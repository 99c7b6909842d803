#include "net/api/router.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::net::api {
namespace {

using http::Method;
using Kind = Route::Kind;

struct Case {
  Method method;
  const char* target;
  Kind kind;
  int status;
  const char* detail;  // Location, Allow or key path
};

void check(const Router& router, const Case& wanted) {
  SCOPED_TRACE(wanted.target);
  const Route route = router.route(wanted.method, wanted.target);
  EXPECT_EQ(static_cast<int>(route.kind), static_cast<int>(wanted.kind));
  EXPECT_EQ(route.status, wanted.status);
  switch (wanted.kind) {
    case Kind::kRedirect:
      EXPECT_EQ(route.location, wanted.detail);
      break;
    case Kind::kOptions:
    case Kind::kMethodNotAllowed:
      EXPECT_EQ(route.allow, wanted.detail);
      break;
    case Kind::kEndpoint:
      EXPECT_EQ(route.key_path(wanted.target), wanted.detail);
      break;
    default:
      break;
  }
}

TEST(Router, AnswersAsTheReferenceDoes) {
  const Router router({});
  const Case cases[] = {
      {Method::kPut, "/metrics/job/t", Kind::kEndpoint, 200, "t"},
      {Method::kPost, "/metrics/job/t/a/b?c=d/e", Kind::kEndpoint, 200, "t/a/b"},
      {Method::kDelete, "/metrics/job/a%2Fb", Kind::kEndpoint, 200, "a/b"},
      {Method::kDelete, "/metrics/job/%2F", Kind::kEndpoint, 200, "/"},
      {Method::kPut, "/metrics/job/%2Fa/b", Kind::kEndpoint, 200, "/a/b"},
      {Method::kPut, "/metrics/job%40base64/Zg", Kind::kEndpoint, 200, "Zg"},
      {Method::kPut, "/metrics/job/t/a/%2e%2e", Kind::kEndpoint, 200, "t/a/.."},
      {Method::kPut, "/metrics/job/t/", Kind::kEndpoint, 200, "t/"},
      {Method::kGet, "/metrics?name[]=a", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/%6detrics", Kind::kEndpoint, 200, ""},
      {Method::kPut, "/metrics/job/t//a/b", Kind::kRedirect, 307, "/metrics/job/t/a/b"},
      {Method::kPut, "/metrics/job/t/a/./", Kind::kRedirect, 307, "/metrics/job/t/a/"},
      {Method::kPut, "/metrics/job/t/a/../x", Kind::kRedirect, 307, "/metrics/job/t/x"},
      {Method::kPut, "/metrics/job/../a", Kind::kRedirect, 307, "/metrics/a"},
      {Method::kGet, "//metrics?x=1", Kind::kRedirect, 307, "/metrics?x=1"},
      {Method::kPut, "/metrics/Job/t", Kind::kRedirect, 307, "/metrics/job/t"},
      {Method::kGet, "/METRICS", Kind::kRedirect, 301, "/metrics"},
      {Method::kGet, "/metrics/", Kind::kRedirect, 301, "/metrics"},
      {Method::kGet, "/-/healthy/", Kind::kRedirect, 301, "/-/healthy"},
      {Method::kPost, "/metrics/job/", Kind::kRedirect, 307, "/metrics/job"},
      {Method::kPost, "/metrics/job", Kind::kNotFound, 404, ""},
      {Method::kPost, "/metrics/job@base64/", Kind::kNotFound, 404, ""},
      {Method::kPost, "/metrics/instance/x", Kind::kNotFound, 404, ""},
      {Method::kPost, "/metrics/", Kind::kNotFound, 404, ""},
      {Method::kGet, "/metrics/job/", Kind::kNotFound, 404, ""},
      {Method::kGet, "/metrics/job/x", Kind::kMethodNotAllowed, 405, "DELETE, OPTIONS, POST, PUT"},
      {Method::kHead, "/metrics/job/x", Kind::kMethodNotAllowed, 405, "DELETE, OPTIONS, POST, PUT"},
      {Method::kOther, "/metrics", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kConnect, "/metrics", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kOptions, "/metrics", Kind::kOptions, 200, "GET, OPTIONS"},
      {Method::kOptions, "*", Kind::kOptions, 200, ""},
      {Method::kPut, "*", Kind::kServerWide, 400, ""},
      {Method::kPut, "/metrics/JOB@base64/Yg", Kind::kRedirect, 307, "/metrics/job@base64/Yg"},
      {Method::kPut, "/metrics/JOB@base64/Yg/a/b", Kind::kNotFound, 404, ""},
      {Method::kPut, "/metrics/JOB/t/a/b", Kind::kRedirect, 307, "/metrics/job/t/a/b"},
      {Method::kPut, "/metrics/%2F/job/t/a/b", Kind::kRedirect, 307, "/metrics/job/t/a/b"},
      {Method::kDelete, "/-/quit", Kind::kMethodNotAllowed, 405, "GET, OPTIONS, POST, PUT"},
      {Method::kPut, "/api/v1/admin/wipe", Kind::kNotFound, 404, ""},
      {Method::kGet, "/metrics%zz", Kind::kBadPath, 400, ""},
  };
  for (const Case& wanted : cases) check(router, wanted);
}

TEST(Router, PrefixMovesEverythingButGetQuit) {
  RouterOptions options;
  options.route_prefix = "/p";
  options.telemetry_path = "/tele";
  options.enable_admin_api = true;
  const Router router(options);
  const Case cases[] = {
      {Method::kGet, "/p/tele", Kind::kEndpoint, 200, ""},
      {Method::kPut, "/p/metrics/job/x", Kind::kEndpoint, 200, "x"},
      {Method::kPut, "/p/api/v1/admin/wipe", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/-/ready", Kind::kNotFound, 404, ""},
      {Method::kGet, "/p/metrics", Kind::kNotFound, 404, ""},
      {Method::kGet, "/p/-/quit", Kind::kMethodNotAllowed, 405, "OPTIONS, POST, PUT"},
      {Method::kGet, "/-/quit", Kind::kEndpoint, 200, ""},
      {Method::kPost, "/-/quit", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
  };
  for (const Case& wanted : cases) check(router, wanted);
}

TEST(Router, TheApiHasARouterOfItsOwn) {
  RouterOptions options;
  options.enable_admin_api = true;
  const Router router(options);
  options.route_prefix = "/p";
  const Router prefixed(options);
  const Case cases[] = {
      {Method::kGet, "/api/v1/metrics?x=1", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/api/v1/%6detrics", Kind::kEndpoint, 200, ""},
      {Method::kOptions, "/api/v1/", Kind::kEndpoint, 200, ""},
      {Method::kOptions, "/api/v1/any/thing", Kind::kEndpoint, 200, ""},
      {Method::kPut, "/api/v1/admin/wipe", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/api/v1/admin/wipe", Kind::kMethodNotAllowed, 405, "OPTIONS, PUT"},
      {Method::kHead, "/api/v1/status", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kOther, "/api/v1/status", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kGet, "/api/v1/metrics/?x=1", Kind::kRedirect, 301, "/metrics?x=1"},
      {Method::kGet, "/api/v1/STATUS", Kind::kRedirect, 301, "/status"},
      {Method::kGet, "/api/v1/x%2F..%2Fstatus", Kind::kRedirect, 301, "/status"},
      {Method::kPut, "/api/v1/Admin/wipe/", Kind::kRedirect, 307, "/admin/wipe"},
      {Method::kGet, "/api/v1?x=1", Kind::kRedirect, 307, "/api/v1/?x=1"},
      {Method::kOptions, "/api/v1", Kind::kRedirect, 307, "/api/v1/"},
      {Method::kGet, "/api/v1//status", Kind::kRedirect, 307, "/api/v1/status"},
      {Method::kPost, "/api/v1/admin/wipe/", Kind::kNotFound, 404, ""},
      {Method::kGet, "/api/v1/", Kind::kNotFound, 404, ""},
      {Method::kPut, "/api/v1/nothing", Kind::kNotFound, 404, ""},
      {Method::kGet, "/api/v1%2Fmetrics", Kind::kNotFound, 404, ""},
      {Method::kOptions, "/api/v2/metrics", Kind::kNotFound, 404, ""},
  };
  for (const Case& wanted : cases) {
    check(router, wanted);
    Case moved = wanted;
    const std::string target = std::string("/p") + wanted.target;
    moved.target = target.c_str();
    // Only what the outer router redirects keeps the prefix.
    const std::string detail = std::string("/p") + wanted.detail;
    if (std::string_view(wanted.detail).starts_with("/api")) moved.detail = detail.c_str();
    check(prefixed, moved);
  }
  EXPECT_FALSE(router.route(Method::kGet, "/api/v1/metrics").decodes_body);
  EXPECT_TRUE(router.route(Method::kGet, "/status").decodes_body);
  check(prefixed, {Method::kGet, "/api/v1/metrics", Kind::kNotFound, 404, ""});
}

TEST(Router, APrefixWithAnEscapeIsNoneOfThePath) {
  RouterOptions options;
  options.route_prefix = "/%7Eteam";
  const Router router(options);
  // The decoded path is shorter than the prefix that the raw one begins with.
  check(router, {Method::kGet, "/%7Eteam/api/v1/", Kind::kNotFound, 404, ""});
  check(router, {Method::kGet, "/%7Eteam/api/v1/status", Kind::kNotFound, 404, ""});
  check(router, {Method::kGet, "/~team/api/v1/", Kind::kNotFound, 404, ""});
}

TEST(Router, WhatIsOursBelowTheApiHasNoCorsAndNoRedirects) {
  RouterOptions options;
  const Router plain(options);
  options.enable_admin_api = true;
  const Router admin(options);
  for (const Router* router : {&plain, &admin}) {
    const char* allow = router == &admin ? "DELETE, GET, OPTIONS" : "GET, OPTIONS";
    check(*router, {Method::kGet, "/api/v1/groups?q=x", Kind::kEndpoint, 200, ""});
    check(*router, {Method::kOptions, "/api/v1/groups", Kind::kOptions, 200, allow});
    check(*router, {Method::kPost, "/api/v1/groups", Kind::kMethodNotAllowed, 405, allow});
    check(*router, {Method::kGet, "/api/v1/groups/0123", Kind::kEndpoint, 200, "0123"});
    check(*router, {Method::kOptions, "/api/v1/groups/0123", Kind::kOptions, 200, "GET, OPTIONS"});
    check(*router, {Method::kDelete, "/api/v1/groups/0123", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"});
    for (const char* other : {"/api/v1/groups/", "/api/v1/groupsx", "/api/v1/Groups", "/api/v1/jobs/"}) {
      check(*router, {Method::kGet, other, Kind::kNotFound, 404, ""});
      EXPECT_EQ(router->route(Method::kOptions, other).endpoint, Endpoint::kApiOptions) << other;
    }
  }
  EXPECT_EQ(admin.route(Method::kDelete, "/api/v1/groups").endpoint, Endpoint::kApiGroupsDelete);
  EXPECT_EQ(plain.route(Method::kDelete, "/api/v1/groups").status, 405);
}

TEST(Router, ThePageAndItsFiles) {
  const Router router({});
  const Case cases[] = {
      {Method::kGet, "/", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/status", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/static/", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/static/a/b", Kind::kEndpoint, 200, "a/b"},
      {Method::kGet, "/debug/pprof/heap", Kind::kEndpoint, 200, ""},
      {Method::kGet, "/Status/", Kind::kRedirect, 301, "/status"},
      {Method::kGet, "/%2F", Kind::kRedirect, 301, "/"},
      {Method::kGet, "/x%2F..%2FSTATUS", Kind::kRedirect, 301, "/status"},
      {Method::kGet, "/static", Kind::kRedirect, 301, "/static/"},
      {Method::kGet, "/STATIC/X", Kind::kRedirect, 301, "/static/X"},
      {Method::kGet, "/debug/pprof", Kind::kRedirect, 301, "/debug/pprof/"},
      {Method::kPost, "/status", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kPut, "/static/x", Kind::kMethodNotAllowed, 405, "GET, OPTIONS"},
      {Method::kOptions, "/", Kind::kOptions, 200, "GET, OPTIONS"},
      {Method::kPost, "/static", Kind::kNotFound, 404, ""},
      {Method::kPut, "/METRICS/job/x%2F%2Fy", Kind::kRedirect, 307, "/metrics/job/x/y"},
  };
  for (const Case& wanted : cases) check(router, wanted);
  RouterOptions options;
  options.route_prefix = "/p";
  const Router prefixed(options);
  check(prefixed, {Method::kGet, "/p/", Kind::kEndpoint, 200, ""});
  check(prefixed, {Method::kGet, "/p", Kind::kRedirect, 301, "/p/"});
  check(prefixed, {Method::kGet, "/P/", Kind::kRedirect, 301, "/p/"});
  check(prefixed, {Method::kPut, "/p", Kind::kNotFound, 404, ""});
  check(prefixed, {Method::kGet, "/", Kind::kNotFound, 404, ""});
  check(prefixed, {Method::kGet, "/status", Kind::kNotFound, 404, ""});
}

std::string described(const Router& router, Method method, const std::string& target) {
  const Route route = router.route(method, target);
  // A redirect repeats the query.
  const std::string location = route.location.substr(0, route.location.find('?'));
  return std::to_string(static_cast<int>(route.kind)) + " " + std::to_string(static_cast<int>(route.endpoint)) + " " +
         std::to_string(route.status) + (route.job_is_base64 ? " base64 " : " ") +
         (route.decodes_body ? "coded " : "") + std::string(route.key_path(target)) + "|" + location + "|" +
         route.allow;
}

// A query decides nothing, but what has one does not take the short way.
TEST(Router, TheShortWayLeadsWhereTheLongOneDoes) {
  RouterOptions options;
  const Router bare(options);
  options.route_prefix = "/p/q";
  const Router prefixed(options);
  options.route_prefix = "/metrics/job";
  const Router confusing(options);
  options.route_prefix = "/%7Eteam";
  const Router escaped(options);
  const std::string pieces[] = {"/",    "//", "/.",      "/..",      "/t",  "/a.b", "/instance", "/%2F",
                                "/%41", "/é", "/api/v1", "/metrics", "/x/", "/.b",  "/c..."};
  std::vector<std::string> targets{"", "t", "/metrics/job", "/metrics/job@base64", "/metrics/Job", "/api/v1"};
  for (const char* prefix : {"/p/q", "/metrics/job", "/%7Eteam", "/~team"}) {
    for (const char* path : {"/metrics/job", "/metrics/job@base64", "/api/v1"}) {
      targets.push_back(std::string(prefix) + path);
    }
  }
  size_t pushes = 0;
  for (size_t at = 0; at < targets.size(); ++at) {
    const std::string target = targets[at];
    for (const Router* router : {&bare, &prefixed, &confusing, &escaped}) {
      for (const Method method : {Method::kPut, Method::kPost, Method::kDelete, Method::kGet, Method::kOptions}) {
        ASSERT_EQ(described(*router, method, target), described(*router, method, target + "?a=b")) << target;
        pushes += router->route(method, target).key_at != 0 ? 1 : 0;
      }
    }
    for (const std::string& piece : pieces) {
      if (targets.size() < 15'000) targets.push_back(target + piece);
    }
  }
  EXPECT_GT(pushes, 3'000u);
}

// A request may wait for its body with its route, while the connection moves its head.
TEST(Router, AKeyIsReadFromTheTargetWhereItIsNow) {
  const Router router({});
  for (const char* text : {"/metrics/job/a-job-of-some-length/a/b", "/metrics/job/a-job-of-some-%6cength/a/b"}) {
    std::string target = text;
    Route route = router.route(Method::kPut, target);
    const std::string copy = target;
    target.assign(target.size(), '#');
    const Route moved = std::move(route);
    EXPECT_EQ(moved.key_path(copy), "a-job-of-some-length/a/b");
  }
}

TEST(Router, PercentDecodeRefusesBrokenEscapes) {
  std::string out;
  EXPECT_TRUE(percent_decode("a%2fb%C3%a9", out));
  EXPECT_EQ(out, "a/b\xC3\xA9");
  EXPECT_TRUE(percent_decode("", out));
  EXPECT_EQ(out, "");
  EXPECT_TRUE(percent_decode("%41%42c%2541%00", out));
  EXPECT_EQ(out, std::string("ABc%41\0", 7));
  for (const char* broken : {"%", "%2", "a%g0", "%0g", "%%41", "%41%4"})
    EXPECT_FALSE(percent_decode(broken, out)) << broken;
}

}  // namespace
}  // namespace sluice::net::api
