// Sessions with a client of each kind: what they agree on, who is let in, what is resumed.
#include "net/tls/session.h"

#include <gtest/gtest.h>

#include <optional>

#include "net/tls/key_pair.h"
#include "net/tls/ticket_keys.h"
#include "tests/net/tls/test_tls.h"

namespace sluice::net::tls {
namespace {

using State = Session::State;

class SessionTest : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] TestClientOptions client() const { return {.version = GetParam()}; }

  // A session with a client of `options` as far as it gets.
  State meet(const Settings& settings, const TestClientOptions& options) {
    const auto context = Context::make(settings, tickets_);
    EXPECT_TRUE(context) << context.error();
    if (!context) return State::kFailed;
    session_ = Session::make(*context);
    client_.emplace(options);
    exchange(*client_, *session_);
    return session_->state();
  }

  TicketKeys tickets_;
  std::unique_ptr<Session> session_;
  std::optional<TestClient> client_;
};

std::string read_all(Session& session) {
  std::string all;
  char room[100];
  while (const size_t bytes = session.read(room)) all.append(room, bytes);
  return all;
}

TEST_P(SessionTest, BytesGoBothWays) {
  ASSERT_EQ(meet(server_settings(), client()), State::kOpen);
  ASSERT_TRUE(client_->connected());
  const std::string large(100'000, 'x');
  client_->write("hello");
  client_->write(large);
  session_->receive(client_->take_output());
  EXPECT_EQ(read_all(*session_), "hello" + large);
  EXPECT_EQ(session_->state(), State::kOpen);
  session_->write(large);
  session_->write("end");
  session_->close_notify();
  client_->receive(session_->to_send());
  EXPECT_EQ(client_->received, large + "end");
  EXPECT_TRUE(client_->ended);
}

TEST_P(SessionTest, AnEndIsToldFromACut) {
  ASSERT_EQ(meet(server_settings(), client()), State::kOpen);
  client_->write("last");
  client_->close_notify();
  session_->receive(client_->take_output());
  EXPECT_EQ(read_all(*session_), "last");
  EXPECT_EQ(session_->state(), State::kEnded);
  session_->write("answer");
  client_->receive(session_->to_send());
  EXPECT_FALSE(client_->failed);
}

TEST_P(SessionTest, AChangedRecordEndsIt) {
  ASSERT_EQ(meet(server_settings(), client()), State::kOpen);
  client_->write("hello");
  std::string record = client_->take_output();
  record.back() ^= 1;
  session_->receive(record);
  EXPECT_EQ(read_all(*session_), "");
  EXPECT_EQ(session_->state(), State::kFailed);
  EXPECT_FALSE(session_->failure().empty());
  EXPECT_FALSE(session_->to_send().empty());  // the alert
}

TEST_P(SessionTest, Protocols) {
  TestClientOptions options = client();
  options.protocols = {"h2", "http/1.1"};
  EXPECT_EQ(meet(server_settings(), options), State::kOpen);
  EXPECT_EQ(client_->protocol(), "http/1.1");
  options.protocols = {"h2"};
  EXPECT_EQ(meet(server_settings(), options), State::kFailed);
  Settings lax = server_settings();
  lax.strict_alpn = false;
  EXPECT_EQ(meet(lax, options), State::kOpen);
  EXPECT_EQ(client_->protocol(), "");
}

TEST_P(SessionTest, WhoIsLetIn) {
  const TestPair known = make_pair("known", "DNS:one,email:ops@example.org,IP:127.0.0.9,URI:spiffe://x/y");
  const TestPair unknown = make_pair("unknown", "DNS:one");
  const TestPair expired = make_pair("expired", "DNS:one", -1);
  const struct {
    ClientAuth auth;
    bool none, of_known, of_unknown, of_expired;
  } cases[] = {
      {ClientAuth::kNone, true, true, true, true},
      {ClientAuth::kRequest, true, true, true, true},
      {ClientAuth::kRequireAny, false, true, true, true},
      {ClientAuth::kVerifyIfGiven, true, true, false, false},
      {ClientAuth::kRequireAndVerify, false, true, false, false},
  };
  for (const auto& [auth, none, of_known, of_unknown, of_expired] : cases) {
    Settings settings = server_settings();
    settings.client_auth = auth;
    settings.client_ca = known.certificate + expired.certificate;
    const auto enters = [&](const TestPair* pair) {
      TestClientOptions options = client();
      options.pair = pair;
      return meet(settings, options) == State::kOpen;
    };
    const int form = static_cast<int>(auth);
    EXPECT_EQ(enters(nullptr), none) << form;
    EXPECT_EQ(enters(&known), of_known) << form;
    EXPECT_EQ(enters(&unknown), of_unknown) << form;
    EXPECT_EQ(enters(&expired), of_expired) << form;
  }
}

TEST_P(SessionTest, NamesAreComparedByteForByte) {
  const TestPair pair =
      make_pair("c", "DNS:one,email:ops@example.org,IP:127.0.0.9,IP:2001:db8:0:0::1,URI:spiffe://x/y");
  const auto enters = [&](std::vector<std::string> allowed, const TestPair* with) {
    Settings settings = server_settings();
    settings.client_auth = ClientAuth::kRequest;
    settings.client_allowed_sans = std::move(allowed);
    TestClientOptions options = client();
    options.pair = with;
    return meet(settings, options) == State::kOpen;
  };
  for (const char* name : {"one", "ops@example.org", "127.0.0.9", "2001:db8::1", "spiffe://x/y"}) {
    EXPECT_TRUE(enters({"other", name}, &pair)) << name;
  }
  for (const char* name : {"ONE", "on", "one.", "*", "c", "", "spiffe://x"})
    EXPECT_FALSE(enters({name}, &pair)) << name;
  EXPECT_FALSE(enters({}, &pair));
  EXPECT_FALSE(enters({"one"}, nullptr));
}

// The names are told only where the certificate was verified; a resumed session has those of the first.
TEST_P(SessionTest, NamesAreThoseOfAVerifiedCertificate) {
  const TestPair pair = make_pair("the subject", "DNS:one,email:ops@example.org,IP:127.0.0.9,URI:spiffe://x/y");
  const std::vector<std::string> all = {"one", "ops@example.org", "127.0.0.9", "spiffe://x/y", "the subject"};
  const auto names = [&](ClientAuth auth, const TestPair* with) {
    Settings settings = server_settings();
    settings.client_auth = auth;
    settings.client_ca = pair.certificate;
    TestClientOptions options = client();
    options.pair = with;
    EXPECT_EQ(meet(settings, options), State::kOpen);
    return std::vector<std::string>(session_->client_names().begin(), session_->client_names().end());
  };
  EXPECT_EQ(names(ClientAuth::kVerifyIfGiven, &pair), all);
  EXPECT_EQ(names(ClientAuth::kRequireAndVerify, &pair), all);
  EXPECT_TRUE(names(ClientAuth::kVerifyIfGiven, nullptr).empty());
  for (const ClientAuth auth : {ClientAuth::kNone, ClientAuth::kRequest, ClientAuth::kRequireAny}) {
    EXPECT_TRUE(names(auth, &pair).empty()) << static_cast<int>(auth);
  }
  const TestPair bare = make_pair("alone");
  Settings settings = server_settings();
  settings.client_auth = ClientAuth::kRequireAndVerify;
  settings.client_ca = bare.certificate;
  TestClientOptions options = client();
  options.pair = &bare;
  ASSERT_EQ(meet(settings, options), State::kOpen);
  ASSERT_EQ(session_->client_names().size(), 1u);
  EXPECT_EQ(session_->client_names()[0], "alone");
  session_->write("x");
  client_->receive(session_->to_send());
  options.session = client_->session();
  ASSERT_EQ(meet(settings, options), State::kOpen);
  ASSERT_TRUE(client_->resumed());
  ASSERT_EQ(session_->client_names().size(), 1u);
  EXPECT_EQ(session_->client_names()[0], "alone");
}

TEST_P(SessionTest, ASessionIsResumedUnderTheSameRulesOnly) {
  const TestPair pair = make_pair("c", "DNS:one");
  Settings settings = server_settings();
  settings.client_auth = ClientAuth::kRequireAndVerify;
  settings.client_ca = pair.certificate;
  settings.client_allowed_sans = {"one", "two"};
  TestClientOptions options = client();
  options.pair = &pair;
  ASSERT_EQ(meet(settings, options), State::kOpen);
  EXPECT_FALSE(client_->resumed());
  options.session = client_->session();
  ASSERT_EQ(meet(settings, options), State::kOpen);  // another context, as after a reload of the certificates
  EXPECT_TRUE(client_->resumed());
  Settings renamed = settings;
  renamed.client_allowed_sans = {"two"};
  EXPECT_EQ(meet(renamed, options), State::kFailed);
  Settings other_ca = settings;
  other_ca.client_ca = server_settings().certificates;
  EXPECT_EQ(meet(other_ca, options), State::kFailed);
  Settings more = settings;
  more.client_allowed_sans = {"one"};
  ASSERT_EQ(meet(more, options), State::kOpen);
  EXPECT_FALSE(client_->resumed());
}

TEST_P(SessionTest, WhatIsInATicketIsJudgedAgain) {
  const TestPair pair = make_pair("c", "DNS:one");
  const TestPair expired = make_pair("c", "DNS:one", -1);
  const auto certificate = std::move(read_certificates(pair.certificate).front());
  const auto old = std::move(read_certificates(expired.certificate).front());
  const auto judge = [&](ClientAuth auth, std::optional<std::vector<std::string>> names, const X509* with) {
    Settings settings = server_settings();
    settings.client_auth = auth;
    settings.client_allowed_sans = std::move(names);
    return (*Context::make(settings, tickets_))->may_resume(with);
  };
  EXPECT_TRUE(judge(ClientAuth::kNone, std::nullopt, nullptr));
  EXPECT_TRUE(judge(ClientAuth::kVerifyIfGiven, std::nullopt, nullptr));
  EXPECT_FALSE(judge(ClientAuth::kRequireAndVerify, std::nullopt, nullptr));
  EXPECT_FALSE(judge(ClientAuth::kRequest, {{"one"}}, nullptr));
  EXPECT_TRUE(judge(ClientAuth::kRequest, {{"one"}}, certificate.get()));
  EXPECT_FALSE(judge(ClientAuth::kRequest, {{"two"}}, certificate.get()));
  EXPECT_TRUE(judge(ClientAuth::kRequireAny, std::nullopt, old.get()));
  EXPECT_FALSE(judge(ClientAuth::kRequireAndVerify, std::nullopt, old.get()));
}

TEST_P(SessionTest, ATicketOfAnotherProcessIsPassedOver) {
  ASSERT_EQ(meet(server_settings(), client()), State::kOpen);
  TestClientOptions options = client();
  options.session = client_->session();
  TicketKeys others;
  session_ = Session::make(*Context::make(server_settings(), others));
  client_.emplace(options);
  exchange(*client_, *session_);
  EXPECT_EQ(session_->state(), State::kOpen);
  EXPECT_FALSE(client_->resumed());
}

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls12" : "tls13"; });

}  // namespace
}  // namespace sluice::net::tls
