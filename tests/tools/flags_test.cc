#include "tools/flags.h"

#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

TEST(Flags, DefaultsAreTheReferences) {
  const auto flags = parse_flags({});
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->listen_addresses, std::vector<std::string>{":9091"});
  EXPECT_EQ(flags->telemetry_path, "/metrics");
  EXPECT_EQ(flags->route_prefix, "");
  EXPECT_FALSE(flags->enable_lifecycle);
  EXPECT_EQ(flags->log_level, log::Level::kInfo);
  EXPECT_EQ(flags->log_format, log::Format::kLogfmt);
  EXPECT_TRUE(flags->kernel_tls);
}

TEST(Flags, FormsOfValuesAndBooleans) {
  const auto flags =
      parse_flags({"--web.listen-address=:1", "--web.listen-address", ":2", "--web.enable-lifecycle",
                   "--no-web.enable-admin-api", "--push.enable-utf8-names=false", "--log.level=debug", "--log.format",
                   "json", "--web.route-prefix=p/", "--web.unix-socket-mode=600", "--net.backend=epoll",
                   "--runtime.workers=3", "--runtime.scrape-cache-mib", "0", "--no-net.kernel-tls"});
  ASSERT_TRUE(flags) << flags.error().text;
  EXPECT_EQ(flags->listen_addresses, (std::vector<std::string>{":1", ":2"}));
  EXPECT_TRUE(flags->enable_lifecycle);
  EXPECT_FALSE(flags->enable_admin_api);
  EXPECT_FALSE(flags->enable_utf8_names);
  EXPECT_EQ(flags->log_level, log::Level::kDebug);
  EXPECT_EQ(flags->log_format, log::Format::kJson);
  EXPECT_EQ(flags->route_prefix, "/p");
  EXPECT_EQ(flags->unix_socket_mode, 0600u);
  EXPECT_EQ(flags->scrape_cache_mib, 0u);
  EXPECT_EQ(flags->backend, Backend::kEpoll);
  EXPECT_EQ(flags->workers, 3u);
  EXPECT_FALSE(flags->kernel_tls);
}

// The default address is for everything, so it is there only where nothing else was said.
TEST(Flags, SplitAddressesNeedBothHalves) {
  const auto both = parse_flags({"--web.push-listen-address=:1", "--web.push-listen-address=:2",
                                 "--web.read-listen-address=:3", "--auth.file=a.yml"});
  ASSERT_TRUE(both) << both.error().text;
  EXPECT_TRUE(both->listen_addresses.empty());
  EXPECT_EQ(both->push_listen_addresses, (std::vector<std::string>{":1", ":2"}));
  EXPECT_EQ(both->read_listen_addresses, (std::vector<std::string>{":3"}));
  EXPECT_EQ(both->auth_file, "a.yml");
  for (const char* half : {"--web.push-listen-address=:1", "--web.read-listen-address=:1"}) {
    const auto alone = parse_flags({half});
    ASSERT_FALSE(alone) << half;
    EXPECT_EQ(alone.error().code, 1);
    EXPECT_NE(alone.error().text.find("alone leaves nothing to"), std::string::npos) << alone.error().text;
    const auto beside = parse_flags({half, "--web.listen-address=:2"});
    ASSERT_TRUE(beside) << half;
    EXPECT_EQ(beside->listen_addresses, (std::vector<std::string>{":2"}));
    EXPECT_FALSE(parse_flags({half, "--web.listen-address=:2", "--web.systemd-socket"})) << half;
  }
}

TEST(Flags, RoutePrefixIsThePathOfTheExternalUrl) {
  const struct {
    std::vector<std::string> arguments;
    const char* prefix;
    const char* external;
  } cases[] = {
      {{"--web.external-url=http://x.example/ext"}, "/ext", "/ext"},
      {{"--web.external-url=http://x.example/ext/"}, "/ext", "/ext"},
      {{"--web.external-url=http://x.example"}, "", ""},
      {{"--web.external-url=http://x.example/"}, "", ""},
      {{"--web.external-url=https://u:p@[::1]:9091/a%20b?q=/c#/d"}, "/a b", "/a b"},
      {{"--web.external-url=foo/bar"}, "/foo/bar", "/foo/bar"},
      {{"--web.external-url=//host/p"}, "/p", "/p"},
      {{"--web.external-url=mailto:me"}, "", ""},
      {{"--web.external-url="}, "", ""},
      {{"--web.external-url", ""}, "", ""},
      {{"--web.config.file=", "--persistence.file="}, "", ""},
      {{"--web.external-url=http://x/ext", "--web.route-prefix=/in/"}, "/in", "/ext"},
      {{"--web.external-url=http://x/ext", "--web.route-prefix=/"}, "", "/ext"},
      {{"--web.external-url=http://x/ext", "--web.route-prefix="}, "/ext", "/ext"},
  };
  for (const auto& [arguments, prefix, external] : cases) {
    const auto flags = parse_flags(arguments);
    ASSERT_TRUE(flags) << flags.error().text;
    EXPECT_EQ(flags->route_prefix, prefix) << arguments.front();
    EXPECT_EQ(flags->external_path, external) << arguments.front();
  }
}

TEST(Flags, WrongOnesGetTheReferencesWords) {
  const struct {
    std::vector<std::string> arguments;
    const char* text;
  } cases[] = {
      {{"--x"}, "sluice: error: unknown long flag '--x', try --help\n"},
      {{"--x=3"}, "sluice: error: unknown long flag '--x', try --help\n"},
      {{"--no-log.level"}, "sluice: error: unknown long flag '--no-log.level', try --help\n"},
      {{"-x"}, "sluice: error: unknown short flag '-x', try --help\n"},
      {{"foo"}, "sluice: error: unexpected foo, try --help\n"},
      {{"--log.level"}, "sluice: error: expected argument for flag '--log.level', try --help\n"},
      {{"--log.level=xx"}, "sluice: error: unrecognized log level xx, try --help\n"},
      {{"--log.format=xml"}, "sluice: error: unrecognized log format xml, try --help\n"},
      {{"--log.level=info", "--log.level=info"}, "sluice: error: flag 'log.level' cannot be repeated, try --help\n"},
      {{"--web.enable-lifecycle=maybe"}, "sluice: error: unexpected maybe, try --help\n"},
      {{"--web.external-url=:foo"},
       "sluice: error: invalid URL: parse \":foo\": missing protocol scheme, try --help\n"},
      {{"--web.external-url=http://h/\x01\n"},
       "sluice: error: invalid URL: parse \"http://h/\\x01\\n\": net/url: invalid control character in URL, try "
       "--help\n"},
      {{"--web.external-url=http://x y/"},
       "sluice: error: invalid URL: parse \"http://x y/\": invalid character \" \" in host name, try --help\n"},
      {{"--web.external-url=http://x:ab/"},
       "sluice: error: invalid URL: parse \"http://x:ab/\": invalid port \":ab\" after host, try --help\n"},
      {{"--web.external-url=http://[::1"},
       "sluice: error: invalid URL: parse \"http://[::1\": missing ']' in host, try --help\n"},
      {{"--web.external-url=http://x/%zz"},
       "sluice: error: invalid URL: parse \"http://x/%zz\": invalid URL escape \"%zz\", try --help\n"},
      {{"--web.external-url=ht tp://x/"},
       "sluice: error: invalid URL: parse \"ht tp://x/\": first path segment in URL cannot contain colon, try "
       "--help\n"},
      {{"--persistence.interval=5"}, "sluice: error: time: missing unit in duration \"5\", try --help\n"},
      {{"--web.config.file=a", "--web.config.file=b"},
       "sluice: error: flag 'web.config.file' cannot be repeated, try --help\n"},
      {{"--persistence.fsync=sometimes"}, "sluice: error: unrecognized fsync mode sometimes, try --help\n"},
      {{"--persistence.fsync-interval=1"}, "sluice: error: time: missing unit in duration \"1\", try --help\n"},
      {{"--persistence.on-corruption=ignore"}, "sluice: error: neither salvage nor refuse: ignore, try --help\n"},
      {{"--persistence.file=a", "--persistence.file=b"},
       "sluice: error: flag 'persistence.file' cannot be repeated, try --help\n"},
      {{"--net.backend=select"}, "sluice: error: unrecognized backend select, try --help\n"},
  };
  for (const auto& [arguments, text] : cases) {
    const auto flags = parse_flags(arguments);
    ASSERT_FALSE(flags) << arguments.front();
    EXPECT_EQ(flags.error().text, text);
    EXPECT_EQ(flags.error().code, 1);
  }
}

TEST(Flags, HelpAndVersionEndWithoutError) {
  for (const char* flag : {"--help", "-h", "--version"}) {
    const auto flags = parse_flags({flag});
    ASSERT_FALSE(flags);
    EXPECT_EQ(flags.error().code, 0);
    EXPECT_TRUE(flags.error().text.starts_with("sluice")) << flags.error().text;
  }
  for (const char* group : {"Web:", "Push:", "Log:", "Runtime:", "--[no-]web.enable-lifecycle "}) {
    EXPECT_NE(parse_flags({"--help"}).error().text.find(group), std::string::npos) << group;
  }
}

}  // namespace
}  // namespace sluice::tools
