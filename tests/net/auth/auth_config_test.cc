// What an auth file says, and what it is refused for.
#include "net/auth/auth_config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/net/auth/auth_text.h"

namespace sluice::net::auth {
namespace {

using api::Right;

bool has(const Grant& grant, Right right) { return grant.rights[static_cast<size_t>(right)]; }

std::string why_not(const std::string& text) {
  const auto config = parse_auth_config(text);
  return config ? "good" : config.error();
}

TEST(AuthConfig, ReadsUsersTokensAndGrants) {
  const std::string text = std::string("basic_auth_users: {one: ") + kSecret + "}\nbearer_tokens: {ci: " + kTestDigest +
                           "}\ngrants:\n  - users: [one, two]\n    tokens: [ci]\n    certificates: [host.example]\n"
                           "    rights: [push, delete]\n    match: ['{job=\"a\"}', 'job=\"b\"']\n"
                           "  - users: [two]\n    rights: [scrape, admin, ui]\n";
  const auto config = parse_auth_config(text);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->users.at("one"), kSecret);
  EXPECT_EQ(config->stand_ins, std::vector<std::string>{kSecret});
  ASSERT_EQ(config->tokens.size(), 1u);
  EXPECT_EQ(config->tokens[0].name, "ci");
  EXPECT_EQ(config->tokens[0].digest, token_digest("test"));
  ASSERT_EQ(config->grants.size(), 2u);
  const Grant& first = config->grants[0];
  EXPECT_EQ(first.users, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(first.tokens, std::vector<std::string>{"ci"});
  EXPECT_EQ(first.certificates, std::vector<std::string>{"host.example"});
  EXPECT_EQ(first.match.size(), 2u);
  EXPECT_TRUE(has(first, Right::kPush) && has(first, Right::kDelete));
  EXPECT_FALSE(has(first, Right::kScrape) || has(first, Right::kAdmin) || has(first, Right::kUi));
  const Grant& second = config->grants[1];
  EXPECT_TRUE(second.match.empty());
  EXPECT_TRUE(has(second, Right::kScrape) && has(second, Right::kAdmin) && has(second, Right::kUi));
  EXPECT_FALSE(has(second, Right::kPush) || has(second, Right::kDelete));
}

// A merge key brings its match with it, and none of the forms of an empty match is a grant for everything.
TEST(AuthConfig, AMatchIsNeverLost) {
  const auto merged = parse_auth_config(
      "grants:\n  - &base\n    users: [a]\n    rights: [push]\n    match: ['job=\"a\"']\n"
      "  - <<: *base\n");
  ASSERT_TRUE(merged) << merged.error();
  ASSERT_EQ(merged->grants.size(), 2u);
  EXPECT_EQ(merged->grants[1].match.size(), 1u);
  for (const char* match : {"[]", "", "~", "['']", "['{}']", "[' { } ']", "['{job=\"a\"}', '{}']"}) {
    const std::string text = std::string("grants:\n  - users: [a]\n    rights: [push]\n    match: ") + match + "\n";
    EXPECT_NE(why_not(text), "good") << match;
  }
}

TEST(AuthConfig, SaysWhatIsWrong) {
  EXPECT_EQ(why_not(""), "it grants nothing to anybody");
  EXPECT_EQ(why_not("grants: [{users: [a], rights: [all]}]"),
            "grant 1: the right all is none of push, delete, scrape, admin and ui");
  EXPECT_EQ(why_not("grants: [{users: [a], rights: [ui]}, {users: [''], rights: [ui]}]"), "grant 2: a name is empty");
  EXPECT_EQ(why_not("grants: [{users: [a], rights: [admin], match: ['job=\"a\"']}]"),
            "grant 1: match cannot limit the right admin, which concerns all groups: only push and delete have one");
  EXPECT_EQ(why_not("grants: [{users: [a], rights: [ui], right: [push]}]"),
            "yaml: unmarshal errors:\n  line 1: field right not found in type auth.Grant");
  EXPECT_EQ(why_not("basic_auth_users: {a: x}\ngrants: [{users: [a], rights: [ui]}]").substr(0, 18),
            "basic_auth_users: ");
}

TEST(AuthConfig, HasAtMostSoManyTokens) {
  const auto with = [](size_t count) {
    std::string text = "bearer_tokens:\n";
    for (size_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      text += "  t" + number + ": " + std::string(64 - number.size(), 'a') + number + "\n";
    }
    return text + "grants: [{tokens: [t0], rights: [push]}]\n";
  };
  EXPECT_EQ(why_not(with(kTokensMax)), "good");
  EXPECT_EQ(why_not(with(kTokensMax + 1)), "bearer_tokens: there are more than 1000 of them");
}

}  // namespace
}  // namespace sluice::net::auth
