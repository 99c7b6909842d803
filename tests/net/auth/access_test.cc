// Who is let to what by one auth file, and that a changed one holds from the next refresh on.
#include "net/auth/access.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/net/auth/auth_text.h"

namespace sluice::net::auth {
namespace {

using api::AccessControl;
using api::Right;
using Verdict = AccessControl::Verdict;

model::GroupKey key_of(std::vector<model::LabelPair> labels) { return model::GroupKey::from_labels(std::move(labels)); }

class AccessTest : public testing::Test {
 protected:
  void start(const std::string& grants) {
    folder_.write(head() + grants);
    auto opened = AuthFile::open(folder_.path());
    ASSERT_TRUE(opened) << opened.error();
    file_ = std::move(*opened);
    access_ = std::make_unique<Access>(*file_);
  }
  static std::string head() {
    return std::string("basic_auth_users: {one: ") + kSecret + "}\nbearer_tokens: {ci: " + kTestDigest + "}\n";
  }
  Verdict push(const http::Exchange& exchange, std::vector<model::LabelPair> labels) {
    const model::GroupKey key = key_of(std::move(labels));
    return access_->judge(exchange, Right::kPush, &key);
  }
  static http::Exchange user(const char* name) {
    http::Exchange exchange;
    exchange.caller.user = name;
    return exchange;
  }

  AuthFolder folder_;
  std::unique_ptr<AuthFile> file_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, KnowsCallersByTheirNames) {
  start("grants: [{certificates: [host], rights: [push]}]\n");
  http::Exchange exchange;
  EXPECT_FALSE(access_->knows(exchange));
  EXPECT_EQ(access_->judge(exchange, Right::kPush, nullptr), Verdict::kUnknown);
  // A certificate that no grant names says nothing; a password and a token that were right do.
  const std::vector<std::string> other = {"other", "hos"};
  exchange.request.certificate_names = other;
  EXPECT_EQ(access_->judge(exchange, Right::kPush, nullptr), Verdict::kUnknown);
  const std::vector<std::string> host = {"other", "host"};
  exchange.request.certificate_names = host;
  EXPECT_EQ(access_->judge(exchange, Right::kPush, nullptr), Verdict::kYes);
  EXPECT_EQ(access_->judge(exchange, Right::kDelete, nullptr), Verdict::kNoRight);
  EXPECT_EQ(access_->judge(user("anybody"), Right::kPush, nullptr), Verdict::kNoRight);
  // A user is not a certificate of the same name.
  EXPECT_EQ(access_->judge(user("host"), Right::kPush, nullptr), Verdict::kNoRight);
  http::Exchange token;
  token.caller.token = "ci";
  EXPECT_EQ(access_->judge(token, Right::kPush, nullptr), Verdict::kNoRight);
}

TEST_F(AccessTest, FindsUsersAndTokens) {
  start("grants: [{users: [one], rights: [push]}]\n");
  EXPECT_EQ(access_->hash_of("one"), kSecret);
  EXPECT_EQ(access_->hash_of("on"), "");
  EXPECT_EQ(access_->hash_of(""), "");
  EXPECT_EQ(access_->name_of_token("test"), "ci");
  for (const char* wrong : {"", "tes", "test ", "ci", "TEST", kTestDigest}) {
    EXPECT_EQ(access_->name_of_token(wrong), "") << wrong;
  }
}

TEST_F(AccessTest, MatchersAreAnchoredAndAllOfThemHold) {
  start("grants: [{users: [one], rights: [push], match: ['{job=~\"team-a-.*\",zone!=\"eu\"}', 'job=\"x\"']}]\n");
  const http::Exchange one = user("one");
  EXPECT_EQ(access_->judge(one, Right::kPush, nullptr), Verdict::kYes);
  EXPECT_EQ(push(one, {{"job", "team-a-x"}}), Verdict::kYes);
  EXPECT_EQ(push(one, {{"job", "team-a-x"}, {"zone", "us"}}), Verdict::kYes);
  EXPECT_EQ(push(one, {{"job", "team-a-x"}, {"zone", "eu"}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(one, {{"job", "my-team-a-x"}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(one, {{"job", "x"}, {"zone", "eu"}}), Verdict::kYes);
  EXPECT_EQ(push(one, {{"job", "xx"}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(one, {{"job", "b"}, {"zone", "team-a-x"}}), Verdict::kOtherGroup);
}

// A regular expression does not look at values above its bound, and its `.` not at line breaks: a negated one must not
// hold because of that.
TEST_F(AccessTest, WhatCannotBeJudgedFitsNoMatcher) {
  start("grants: [{users: [one], rights: [push], match: ['job!~\"secret-.*\"']}, {users: [two], rights: [push]}]\n");
  const std::string longest(api::kRegexValueBytesMax, 'x');
  const std::string longer = "secret-" + longest;
  EXPECT_EQ(push(user("one"), {{"job", longest}}), Verdict::kYes);
  EXPECT_EQ(push(user("one"), {{"job", longer}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(user("one"), {{"job", "secret-\nx"}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(user("one"), {{"job", "secret-x"}}), Verdict::kOtherGroup);
  EXPECT_EQ(push(user("two"), {{"job", longer}}), Verdict::kYes);
}

// Another grant of the same caller may let what the first does not, in either order.
TEST_F(AccessTest, TheBestOfAllGrantsCounts) {
  start(
      "grants: [{users: [one], rights: [push], match: ['job=\"a\"']}, {users: [one], rights: [push], match: "
      "['job=\"b\"']}, {users: [one], rights: [delete]}]\n");
  EXPECT_EQ(push(user("one"), {{"job", "a"}}), Verdict::kYes);
  EXPECT_EQ(push(user("one"), {{"job", "b"}}), Verdict::kYes);
  EXPECT_EQ(push(user("one"), {{"job", "c"}}), Verdict::kOtherGroup);
}

TEST_F(AccessTest, AChangedFileHoldsFromTheNextRefreshOnAndABrokenOneChangesNothing) {
  start("grants: [{users: [one], rights: [push]}]\n");
  folder_.write(head() + "grants: [{users: [two], rights: [push]}]\n");
  EXPECT_EQ(access_->judge(user("one"), Right::kPush, nullptr), Verdict::kYes);
  access_->refresh();
  EXPECT_EQ(access_->judge(user("one"), Right::kPush, nullptr), Verdict::kNoRight);
  EXPECT_EQ(access_->judge(user("two"), Right::kPush, nullptr), Verdict::kYes);
  EXPECT_EQ(file_->counts().reloads, 1u);
  folder_.write("");
  access_->refresh();
  EXPECT_EQ(access_->judge(user("two"), Right::kPush, nullptr), Verdict::kYes);
  EXPECT_EQ(file_->counts().failures, 1u);
  EXPECT_TRUE(file_->counts().last_failed);
  // The same broken file is not counted again.
  access_->refresh();
  EXPECT_EQ(file_->counts().failures, 1u);
  folder_.write(head() + "grants: [{users: [one], rights: [push]}]\n");
  access_->refresh();
  EXPECT_EQ(access_->judge(user("one"), Right::kPush, nullptr), Verdict::kYes);
  EXPECT_FALSE(file_->counts().last_failed);
}

TEST_F(AccessTest, OffersBearerWhereThereAreTokens) {
  start("grants: [{users: [one], rights: [push]}]\n");
  EXPECT_EQ(access_->challenge(),
            "WWW-Authenticate: Basic realm=\"sluice\"\r\nWWW-Authenticate: Bearer realm=\"sluice\"\r\n");
  folder_.write("grants: [{users: [one], rights: [push]}]\n");
  access_->refresh();
  EXPECT_EQ(access_->challenge(), "WWW-Authenticate: Basic realm=\"sluice\"\r\n");
}

}  // namespace
}  // namespace sluice::net::auth
