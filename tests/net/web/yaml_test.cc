// YAML as Go's yaml.v2 reads it in strict mode, and the web config out of it.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "net/web/strict_yaml.h"
#include "net/web/web_config.h"
#include "net/web/yaml_scalar.h"

namespace sluice::net::web {
namespace {

using Kind = Scalar::Kind;

TEST(YamlScalar, AreOfYaml11) {
  for (const char* text : {"y", "Yes", "ON", "true", "True"}) {
    EXPECT_EQ(resolve_plain(text).kind, Kind::kBool) << text;
    EXPECT_TRUE(resolve_plain(text).boolean) << text;
  }
  for (const char* text : {"n", "No", "OFF", "false"}) {
    EXPECT_EQ(resolve_plain(text).kind, Kind::kBool) << text;
    EXPECT_FALSE(resolve_plain(text).boolean) << text;
  }
  for (const char* text : {"", "~", "null", "NULL"}) EXPECT_EQ(resolve_plain(text).kind, Kind::kNull) << text;
  for (const char* text : {"yES", "nULL", "truee", "0x", "0b", "1.2.3", "+", "-", ".", "0o8", "--1"}) {
    EXPECT_EQ(resolve_plain(text).kind, Kind::kText) << text;
  }
  EXPECT_EQ(resolve_plain("1_000").integer, 1000);
  EXPECT_EQ(resolve_plain("0x1F").integer, 31);
  EXPECT_EQ(resolve_plain("0b101").integer, 5);
  EXPECT_EQ(resolve_plain("017").integer, 15);
  EXPECT_EQ(resolve_plain("-12").integer, -12);
  EXPECT_EQ(resolve_plain("9223372036854775807").integer, INT64_MAX);
  EXPECT_EQ(resolve_plain("-9223372036854775808").integer, INT64_MIN);
  EXPECT_EQ(resolve_plain("1.5e3").number, 1500.0);
  EXPECT_EQ(resolve_plain(".5").number, 0.5);
}

TEST(YamlScalar, Durations) {
  EXPECT_EQ(parse_duration("1m30s"), 90'000'000'000);
  EXPECT_EQ(parse_duration("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(parse_duration("-10ms"), -10'000'000);
  EXPECT_EQ(parse_duration("3\u00b5s"), 3'000);
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("4444444444444444444ns"), 4'444'444'444'444'444'444);  // which no double is
  EXPECT_EQ(parse_duration("2562047h47m16.854775807s"), INT64_MAX);
  EXPECT_EQ(parse_duration("-9223372036854775808ns"), INT64_MIN);
  EXPECT_EQ(parse_duration("0.9999999999999999999999s"), 1'000'000'000);  // as in Go
  EXPECT_EQ(parse_duration("1.s.5s"), 1'500'000'000);
  for (const char* text :
       {"", "1", "1d", "s", "1s ", "1 s", "-", "1e3s", "999999999h", "9223372036854775808ns", "-9223372036854775809ns",
        "18446744073709551617ns", "2562047h47m16.854775808s", ".s", "1.2.3s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

std::string refusal(const std::string& text) {
  const auto config = parse_web_config(text, "/etc");
  return config ? "accepted" : config.error();
}

TEST(WebConfig, IsReadStrictly) {
  EXPECT_EQ(refusal(""), "accepted");
  EXPECT_EQ(refusal("{}"), "accepted");
  EXPECT_EQ(refusal("a: 1\n"), "yaml: unmarshal errors:\n  line 1: field a not found in type web.Config");
  EXPECT_EQ(refusal("rate_limit: {}\nrate_limit: {}\n"),
            "yaml: unmarshal errors:\n  line 2: field rate_limit already set in type web.Config");
  EXPECT_EQ(refusal("basic_auth_users:\n  a: b\n  a: c\n"),
            "yaml: unmarshal errors:\n  line 3: key \"a\" already set in map");
  EXPECT_EQ(refusal("http_server_config:\n  http2: maybe\nrate_limit:\n  burst: x\n"),
            "yaml: unmarshal errors:\n  line 2: cannot unmarshal !!str `maybe` into bool\n  line 4: cannot unmarshal "
            "!!str `x` into int");
  EXPECT_EQ(refusal("tls_server_config:\n  min_version: TLS9\n"), "unknown TLS version: TLS9");
  EXPECT_EQ(refusal("tls_server_config:\n  cipher_suites: [TLS_RSA]\n"), "unknown cipher: TLS_RSA");
  EXPECT_EQ(refusal("tls_server_config:\n  curve_preferences: [P256]\n"), "unknown curve: P256");
  EXPECT_EQ(refusal("http_server_config:\n  headers:\n    Server: x\n"),
            "HTTP header \"Server\" can not be configured");
  EXPECT_EQ(refusal("a\x01: b"), "yaml: control characters are not allowed");
  EXPECT_EQ(refusal("a: \xff"), "yaml: invalid leading UTF-8 octet");
}

TEST(WebConfig, AQuotedScalarEnds) {
  for (const char* quote : {"\"", "'"}) {
    for (const char* behind : {"", "\n", "\n\n", "\n# x\n", "\n  ", "\n\t", "\n# x\n "}) {
      const std::string text = std::string("basic_auth_users:\n  a: b\n  ") + quote + "c: d" + behind;
      const std::string error = refusal(text);
      EXPECT_TRUE(error.starts_with("yaml: line ")) << error;
      EXPECT_TRUE(error.ends_with(": found unexpected end of stream")) << error;
    }
  }
  // What is at the end of a file stays what it is.
  for (const auto& [text, wanted] : {std::pair("", "x"), std::pair("\n", "x\n"), std::pair("\n\n", "x\n"),
                                     std::pair("\n    ", "x\n"), std::pair("\n  ", "x\n")}) {
    const auto config = parse_web_config(std::string("tls_server_config:\n  cert: |\n    x") + text, "/etc");
    ASSERT_TRUE(config) << config.error();
    EXPECT_EQ(config->tls.cert, wanted);
  }
}

TEST(WebConfig, NestsWithoutEnd) {
  EXPECT_EQ(refusal(std::string(100'000, '[')), "yaml: nested too deeply");
  std::string merges = "a: &a0 {}\n";
  for (int i = 1; i < 40; ++i) {
    merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: *a" + std::to_string(i - 1) + "}\n";
  }
  EXPECT_TRUE(refusal(merges + "rate_limit: *a39\n").starts_with("yaml: unmarshal errors:"));
}

TEST(WebConfig, FieldsAndPaths) {
  const auto config = parse_web_config(
      "tls_server_config:\n  cert_file: a/../server.crt\n  key_file: /keys/server.key\n  client_auth_type: "
      "RequestClientCert\n  client_allowed_sans: [one, 2]\n  min_version: TLS13\nhttp_server_config: {http2: off}\n"
      "basic_auth_users: {one: hash}\nrate_limit: {interval: 1m, burst: 0x10}\n---\nignored: [\n",
      "/etc/sluice");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->tls.cert_file, "/etc/sluice/server.crt");
  EXPECT_EQ(config->tls.key_file, "/keys/server.key");
  EXPECT_EQ(config->tls.client_ca_file, "");
  EXPECT_EQ(config->tls.files(), (std::vector<std::string>{"/etc/sluice/server.crt", "/keys/server.key"}));
  EXPECT_EQ(*config->tls.client_allowed_sans, (std::vector<std::string>{"one", "2"}));
  EXPECT_EQ(config->tls.version_min, 0x0304);
  EXPECT_FALSE(config->http2);
  EXPECT_EQ(config->users.at("one"), "hash");
  EXPECT_EQ(config->rate_interval_ns, 60'000'000'000);
  EXPECT_EQ(config->rate_burst, 16);
  EXPECT_TRUE(config->tls.wanted());
}

TEST(WebConfig, StandInsAreTheUsersButTheSlowest) {
  const std::string rest(53, 'a');
  WebConfig config;
  config.users = {{"a", "$2b$10$" + rest}, {"b", "$2b$14$" + rest}};
  ASSERT_TRUE(judge_users(config));
  EXPECT_EQ(config.stand_ins, std::vector<std::string>{"$2b$10$" + rest});
  config.users.erase("a");
  ASSERT_TRUE(judge_users(config));
  EXPECT_EQ(config.stand_ins, std::vector<std::string>{"$2b$14$" + rest});  // there is no other
}

}  // namespace
}  // namespace sluice::net::web
