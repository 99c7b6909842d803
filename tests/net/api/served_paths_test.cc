// What each kind of listen address serves, by real routes.
#include "net/api/served_paths.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::net::api {
namespace {

using http::Method;

struct Case {
  Method method;
  const char* target;
  bool pushes;
  bool reads;
};

TEST(ServedPaths, ArePushesOrReadsOrForAllAlone) {
  RouterOptions options;
  options.enable_admin_api = true;
  const Router router(options);
  const Case cases[] = {
      {Method::kPut, "/metrics/job/x", true, false},
      {Method::kPost, "/metrics/job@base64/eA/a/b", true, false},
      {Method::kDelete, "/metrics/job/x", true, false},
      {Method::kGet, "/metrics", false, true},
      {Method::kGet, "/", false, true},
      {Method::kGet, "/status", false, true},
      {Method::kGet, "/static/page.css", false, true},
      {Method::kGet, "/api/v1/metrics", false, true},
      {Method::kGet, "/api/v1/status", false, true},
      {Method::kOptions, "/api/v1/status", false, true},
      {Method::kPut, "/api/v1/admin/wipe", false, false},
      {Method::kPut, "/-/quit", false, false},
      {Method::kPost, "/-/quit", false, false},
      {Method::kGet, "/-/quit", false, false},
      {Method::kGet, "/-/healthy", true, true},
      {Method::kGet, "/-/ready", true, true},
      {Method::kGet, "/nothing", true, true},
      {Method::kPatch, "/metrics", true, true},
  };
  for (const Case& wanted : cases) {
    SCOPED_TRACE(wanted.target);
    const Route route = router.route(wanted.method, wanted.target);
    EXPECT_TRUE(is_served(Serves::kAll, route, wanted.method));
    EXPECT_EQ(is_served(Serves::kPushes, route, wanted.method), wanted.pushes);
    EXPECT_EQ(is_served(Serves::kReads, route, wanted.method), wanted.reads);
  }
}

TEST(ServedPaths, TheAnswerNamesTheFlag) {
  for (const auto& [serves, flag] :
       {std::pair{Serves::kPushes, "(--web.push-listen-address)"}, {Serves::kReads, "(--web.read-listen-address)"}}) {
    http::Response response;
    reply_not_served(response, serves);
    EXPECT_EQ(response.status, 404);
    EXPECT_NE(response.body.find(flag), std::string::npos) << response.body;
  }
}

}  // namespace
}  // namespace sluice::net::api
