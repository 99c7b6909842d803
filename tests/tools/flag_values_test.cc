#include "tools/flag_values.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sluice::tools {
namespace {

std::map<std::string, std::string> values_of(const std::vector<std::string>& arguments) {
  const auto flags = parse_flags(arguments);
  EXPECT_TRUE(flags);
  const auto values = flag_values(*flags);
  return {values.begin(), values.end()};
}

TEST(FlagValues, NamesAndDefaultsOfTheReferenceAndOurs) {
  const std::map<std::string, std::string> wanted = {
      {"log.format", "logfmt"},
      {"log.level", "info"},
      {"net.backend", "auto"},
      {"persistence.file", ""},
      {"persistence.fsync", "interval"},
      {"persistence.fsync-interval", "1s"},
      {"persistence.interval", "5m0s"},
      {"persistence.on-corruption", "salvage"},
      {"push.disable-consistency-check", "false"},
      {"push.enable-utf8-names", "false"},
      {"push.failure-details", "10000"},
      {"runtime.scrape-cache-mib", "32"},
      {"runtime.workers", "0"},
      {"web.config.file", ""},
      {"web.enable-admin-api", "false"},
      {"web.enable-lifecycle", "false"},
      {"web.external-url", ""},
      {"web.listen-address", ":9091"},
      {"web.route-prefix", ""},
      {"web.systemd-socket", "false"},
      {"web.telemetry-path", "/metrics"},
      {"web.unix-socket-mode", "0660"},
  };
  EXPECT_EQ(values_of({}), wanted);
}

TEST(FlagValues, AreShownAsTheReferenceShowsThem) {
  const auto values =
      values_of({"--web.listen-address=:1", "--web.listen-address=[::1]:2", "--web.route-prefix=x/",
                 "--web.external-url=http://h/y/", "--persistence.interval=90s", "--log.level=debug",
                 "--log.format=json", "--web.enable-admin-api", "--net.backend=epoll", "--web.unix-socket-mode=0600"});
  EXPECT_EQ(values.at("web.listen-address"), ":1,[::1]:2");
  EXPECT_EQ(values.at("web.route-prefix"), "/x");
  EXPECT_EQ(values.at("web.external-url"), "http://h/y/");
  EXPECT_EQ(values.at("persistence.interval"), "1m30s");
  EXPECT_EQ(values.at("log.level"), "debug");
  EXPECT_EQ(values.at("log.format"), "json");
  EXPECT_EQ(values.at("web.enable-admin-api"), "true");
  EXPECT_EQ(values.at("net.backend"), "epoll");
  EXPECT_EQ(values.at("web.unix-socket-mode"), "0600");
}

}  // namespace
}  // namespace sluice::tools
