#include "tools/flag_values.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/base/limit_table.h"
#include "tools/limit_flags.h"

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
      {"auth.file", ""},
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
      {"web.push-listen-address", ""},
      {"web.read-listen-address", ""},
      {"web.route-prefix", ""},
      {"web.systemd-socket", "false"},
      {"web.telemetry-path", "/metrics"},
      {"web.unix-socket-mode", "0660"},
  };
  auto values = values_of({});
  EXPECT_EQ(std::erase_if(values, [](const auto& value) { return value.first.starts_with("limits."); }),
            limits::kLimits);
  EXPECT_EQ(values, wanted);
}

TEST(FlagValues, LimitsAreShownAsTheirFlagsTakeThem) {
  const auto defaults = values_of({});
  EXPECT_EQ(defaults.at("limits.body-bytes"), "256MiB");
  EXPECT_EQ(defaults.at("limits.header-time"), "10s");
  EXPECT_EQ(defaults.at("limits.groups"), "20000000");
  for (const limits::Entry& entry : limits::kTable) {
    const std::string name = "limits." + std::string(entry.name);
    for (const uint64_t value : {entry.least, entry.value, entry.most}) {
      const std::string text = format_limit(entry, value);
      EXPECT_EQ(values_of({"--" + name + "=" + text}).at(name), text);
      EXPECT_EQ(parse_limit(entry, text), value) << name;
    }
    EXPECT_FALSE(parse_flags({"--" + name + "=" + format_limit(entry, entry.most + 1)})) << name;
    EXPECT_EQ(parse_flags({"--" + name + "=0"}).has_value(), entry.least == 0) << name;
    EXPECT_FALSE(parse_flags({"--" + name + "=-1"})) << name;
  }
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
