// A guard before a handler: who gets through, where passwords are compared, what a flood leaves alone.
#include "net/web/guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "core/base/limits.h"
#include "net/web/bcrypt.h"
#include "tests/net/web/web_folder.h"

namespace sluice::net::web {
namespace {

using HeadAction = http::Handler::HeadAction;
using StepAction = http::Handler::StepAction;

constexpr const char* kCheap = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";   // secret
constexpr const char* kDearer = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";  // secret

class Inner final : public http::Handler {
 public:
  bool admits(http::Exchange& exchange) override {
    if (admitted) return true;
    exchange.response.status = 429;
    return false;
  }
  HeadAction on_head(http::Exchange& /*exchange*/, uint64_t& body_bytes_max) override {
    ++heads;
    body_bytes_max = 7;
    return HeadAction::kReadBody;
  }
  StepAction step(http::Exchange& exchange, Deadline /*deadline*/) override {
    exchange.response.body = "inside";
    return StepAction::kDone;
  }
  void on_refused(int /*status*/, std::string_view /*peer*/) override {}
  void on_limit(limits::Limit /*limit*/) override {}
  void on_finished(const http::Exchange& /*exchange*/, bool /*sent*/) override {}
  int heads = 0;
  bool admitted = true;
};

// bcrypt that writes down what it was asked, and waits to be let go on where a test wants that.
class Comparisons {
 public:
  bool operator()(std::string_view password, std::string_view hash) {
    {
      const std::lock_guard lock(mutex_);
      hashes_.emplace_back(hash);
      threads_.push_back(std::this_thread::get_id());
    }
    if (held) go_on.acquire();
    return bcrypt_matches(password, hash);
  }
  std::vector<std::string> hashes() {
    const std::lock_guard lock(mutex_);
    return hashes_;
  }
  std::vector<std::thread::id> threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
  }
  std::atomic<bool> held{false};
  std::counting_semaphore<> go_on{0};

 private:
  std::mutex mutex_;
  std::vector<std::string> hashes_;
  std::vector<std::thread::id> threads_;
};

class GuardTest : public testing::Test {
 protected:
  void start(const std::string& text, const PasswordPool::Options& options = {}) {
    folder_.write(text);
    auto opened = ConfigFile::open(folder_.path());
    ASSERT_TRUE(opened) << opened.error();
    file_ = std::move(*opened);
    pool_ = std::make_unique<PasswordPool>(
        options, [this](std::string_view password, std::string_view hash) { return comparisons_(password, hash); });
    ConfigFile::Reader reader(*file_);
    shared_ = std::make_unique<GuardShared>(*file_, *pool_, reader.current(false).config);
    guard_ = std::make_unique<Guard>(inner_, *shared_);
  }
  ~GuardTest() override { comparisons_.go_on.release(1000); }

  // `authorization`: base64 of user:password.
  static void set(http::Exchange& exchange, std::string_view authorization, std::string_view peer = "127.0.0.1:1000") {
    exchange.request.peer = peer;
    if (!authorization.empty()) exchange.request.headers = {{"Authorization", authorization}};
  }
  HeadAction head(http::Exchange& exchange) {
    uint64_t body_bytes_max = 0;
    return guard_->on_head(exchange, body_bytes_max);
  }
  // To the end, as a worker would go on with a parked request.
  http::Response ask(std::string_view authorization, std::string_view peer = "127.0.0.1:1000") {
    http::Exchange exchange;
    set(exchange, authorization, peer);
    if (head(exchange) != HeadAction::kRespond) finish(exchange);
    return std::move(exchange.response);
  }
  void finish(http::Exchange& exchange) {
    while (guard_->step(exchange, Deadline::never()) != StepAction::kDone) std::this_thread::yield();
  }

  static constexpr std::string_view kRight = "Basic b25lOnNlY3JldA==";       // one:secret
  static constexpr std::string_view kWrong = "Basic b25lOndyb25n";           // one:wrong
  static constexpr std::string_view kNobody = "Basic bm9ib2R5OnNlY3JldA==";  // nobody:secret

  WebFolder folder_;
  Inner inner_;
  Comparisons comparisons_;
  std::unique_ptr<ConfigFile> file_;
  std::unique_ptr<PasswordPool> pool_;
  std::unique_ptr<GuardShared> shared_;
  std::unique_ptr<Guard> guard_;
};

std::string one_user(const char* hash = kCheap) { return std::string("basic_auth_users:\n  one: ") + hash + "\n"; }

TEST_F(GuardTest, OnlyTheRightPasswordGetsThrough) {
  start(one_user());
  EXPECT_EQ(ask(kRight).body, "inside");
  for (const std::string_view authorization : {std::string_view(), kWrong, kNobody, std::string_view("Basic !")}) {
    const http::Response refused = ask(authorization);
    EXPECT_EQ(refused.status, 401) << authorization;
    EXPECT_EQ(refused.body, "Unauthorized\n");
    EXPECT_NE(refused.headers.find("WWW-Authenticate: Basic\r\n"), std::string::npos);
  }
  EXPECT_EQ(inner_.heads, 1);
  EXPECT_EQ(guard_->counters().right, 1u);
  EXPECT_EQ(guard_->counters().wrong, 4u);
}

TEST_F(GuardTest, BcryptRunsOnTheThreadsOfThePoolAlone) {
  comparisons_.held = true;
  start(one_user());
  http::Exchange exchange;
  set(exchange, kRight);
  // While it is compared, the worker gets its thread back at every step.
  ASSERT_EQ(head(exchange), HeadAction::kStepFirst);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(guard_->step(exchange, Deadline::never()), StepAction::kParked);
  EXPECT_EQ(inner_.heads, 0);
  comparisons_.go_on.release(1);
  while (guard_->step(exchange, Deadline::never()) != StepAction::kDone) std::this_thread::yield();
  EXPECT_EQ(exchange.response.body, "inside");
  ASSERT_EQ(comparisons_.threads().size(), 1u);
  EXPECT_NE(comparisons_.threads().front(), std::this_thread::get_id());
}

TEST_F(GuardTest, AVerdictIsAskedForOnce) {
  start(one_user());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(kRight).status, 200);
    EXPECT_EQ(ask(kWrong).status, 401);
    EXPECT_EQ(ask(kNobody).status, 401);
  }
  EXPECT_EQ(pool_->compared(), 3u);
  guard_ = std::make_unique<Guard>(inner_, *shared_);  // another worker's knows nothing yet, the pool does
  EXPECT_EQ(ask(kRight).status, 200);
  EXPECT_EQ(pool_->compared(), 3u);
}

TEST_F(GuardTest, AnUnknownUserCostsWhatAKnownOneDoes) {
  start(one_user(kDearer));
  EXPECT_EQ(ask(kNobody).status, 401);  // with the password of "one": the comparison itself says yes
  EXPECT_EQ(ask(kWrong).status, 401);
  ASSERT_EQ(comparisons_.hashes(), (std::vector<std::string>{kDearer, kDearer}));
  EXPECT_EQ(inner_.heads, 0);
}

TEST_F(GuardTest, WithSeveralCostsANameAlwaysHasTheSame) {
  start(std::string("basic_auth_users:\n  one: ") + kDearer + "\n  two: " + kCheap + "\n");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ask("Basic bm9ib2R5OmE=").status, 401);  // nobody:a
    EXPECT_EQ(ask("Basic bm9ib2R5OmI=").status, 401);  // nobody:b
  }
  const auto hashes = comparisons_.hashes();
  ASSERT_EQ(hashes.size(), 2u);
  EXPECT_EQ(hashes[0], hashes[1]);
}

TEST_F(GuardTest, AStandInsVerdictIsNotTheUsers) {
  start(one_user());
  EXPECT_EQ(ask(kNobody).status, 401);
  folder_.write(one_user() + "  nobody: " + kCheap + "\n");
  EXPECT_EQ(ask(kNobody).status, 200);
  folder_.write(one_user());
  EXPECT_EQ(ask(kNobody).status, 401);  // who is no user any more is let in by no cache
}

TEST_F(GuardTest, AFloodOfWrongOnesDoesNotReachWhoIsKnown) {
  start(one_user(), {.threads = 1, .waiting_max = 4, .waiting_per_address_max = 2});
  ASSERT_EQ(ask(kRight).status, 200);
  comparisons_.held = true;  // nothing is compared at this moment
  std::vector<std::unique_ptr<http::Exchange>> waiting;
  const char* const wrong[] = {"Basic YTox", "Basic YToy", "Basic YToz", "Basic YTo0", "Basic YTo1", "Basic YTo2"};
  int crowded = 0;
  for (const char* authorization : wrong) {
    auto& exchange = *waiting.emplace_back(std::make_unique<http::Exchange>());
    set(exchange, authorization, "127.0.0.9:1");
    if (head(exchange) == HeadAction::kRespond) {
      ++crowded;
      EXPECT_EQ(exchange.response.status, 503);
      EXPECT_NE(exchange.response.headers.find("Retry-After: 1\r\n"), std::string::npos);
    }
  }
  EXPECT_GE(crowded, 3);  // one is being compared at most, two wait
  EXPECT_EQ(guard_->counters().crowded, static_cast<uint64_t>(crowded));
  http::Exchange good;
  set(good, kRight, "127.0.0.9:2");  // even behind the same address
  ASSERT_EQ(head(good), HeadAction::kReadBody);
  EXPECT_EQ(guard_->step(good, Deadline::never()), StepAction::kDone);
  EXPECT_EQ(good.response.body, "inside");
}

TEST_F(GuardTest, ANetworkOfIPv6IsOneClient) {
  comparisons_.held = true;
  start(one_user(), {.threads = 1, .waiting_max = 64, .waiting_per_address_max = 2});
  const auto waits = [&](std::string_view authorization, const std::string& peer) {
    http::Exchange exchange;
    set(exchange, authorization, peer);
    return head(exchange) == HeadAction::kStepFirst ? 1 : 0;
  };
  const char* const wrong[] = {"Basic YTox", "Basic YToy", "Basic YToz", "Basic YTo0", "Basic YTo1", "Basic YTo2"};
  const char* const others[] = {"Basic Yjox", "Basic YjoyCg==", "Basic Yjoz", "Basic Yjo0", "Basic Yjo1", "Basic Yjo2"};
  int apart = 0;
  int near = 0;
  for (int i = 0; i < 6; ++i) apart += waits(wrong[i], "[2001:db8:0:" + std::to_string(i + 1) + "::1]:1");
  for (int i = 0; i < 6; ++i) near += waits(others[i], "[2001:db8:0:7::" + std::to_string(i + 1) + "]:1");
  EXPECT_EQ(apart, 6);
  EXPECT_EQ(near, 2);
  EXPECT_EQ(waits(kWrong, "[fe80::1%lo]:1"), 1);
}

TEST_F(GuardTest, ABodyIsWantedWithTheRightPasswordOnly) {
  start(one_user());
  for (const std::string_view authorization : {kWrong, kRight}) {
    http::Exchange exchange;
    set(exchange, authorization);
    exchange.request.content_length = 5;
    ASSERT_EQ(head(exchange), HeadAction::kStepFirst) << authorization;
    StepAction action = StepAction::kParked;
    while (action == StepAction::kParked) action = guard_->step(exchange, Deadline::never());
    if (authorization == kWrong) {
      EXPECT_EQ(action, StepAction::kDone);
      EXPECT_EQ(exchange.response.status, 401);
      continue;
    }
    ASSERT_EQ(action, StepAction::kReadBody);
    EXPECT_EQ(exchange.body_bytes_max, 7u);
    EXPECT_EQ(inner_.heads, 1);
    EXPECT_EQ(guard_->step(exchange, Deadline::never()), StepAction::kDone);
    EXPECT_EQ(exchange.response.body, "inside");
    EXPECT_EQ(inner_.heads, 1);
  }
}

TEST_F(GuardTest, WhatTheHandlerDoesNotAdmitIsAskedNothing) {
  start("http_server_config:\n  headers:\n    X-Frame-Options: deny\n" + one_user());
  inner_.admitted = false;
  http::Exchange exchange;
  set(exchange, kWrong);
  EXPECT_FALSE(guard_->admits(exchange));
  EXPECT_EQ(exchange.response.status, 429);
  EXPECT_NE(exchange.response.headers.find("X-Frame-Options: deny\r\n"), std::string::npos);
  inner_.admitted = true;
  EXPECT_TRUE(guard_->admits(exchange));
}

TEST_F(GuardTest, TheRateLimitComesBeforeEverything) {
  start("rate_limit:\n  interval: 1h\n  burst: 2\nhttp_server_config:\n  headers:\n    X-Frame-Options: deny\n" +
        one_user());
  EXPECT_EQ(ask(kWrong).status, 401);
  EXPECT_EQ(ask(kRight).status, 200);
  const http::Response limited = ask(kRight);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.find("X-Frame-Options"), std::string::npos);
  EXPECT_EQ(guard_->counters().rate_limited, 1u);
}

TEST_F(GuardTest, HeadersAreOnEveryAnswer) {
  start("http_server_config:\n  headers:\n    X-Frame-Options: deny\n" + one_user());
  for (const std::string_view authorization : {kRight, kRight, kWrong}) {
    EXPECT_NE(ask(authorization).headers.find("X-Frame-Options: deny\r\n"), std::string::npos) << authorization;
  }
}

TEST_F(GuardTest, WithoutUsersTheHandlersOwnLimitHolds) {
  start("");
  http::Exchange exchange;
  set(exchange, "");
  uint64_t body_bytes_max = 0;
  EXPECT_EQ(guard_->on_head(exchange, body_bytes_max), HeadAction::kReadBody);
  EXPECT_EQ(body_bytes_max, 7u);
}

// As net/auth, with one user and one token.
class Known final : public Callers {
 public:
  void refresh() override { ++refreshed; }
  std::string_view hash_of(std::string_view user) const override { return user == "two" ? kDearer : ""; }
  std::span<const std::string> stand_ins() const override { return stand_ins_; }
  std::string_view name_of_token(std::string_view token) const override { return token == "token" ? "ci" : ""; }
  std::string_view challenge() const override { return "WWW-Authenticate: Bearer\r\n"; }
  int refreshed = 0;

 private:
  std::vector<std::string> stand_ins_ = {kDearer};
};

class GuardWithCallers : public GuardTest {
 protected:
  void start_with(const std::string& text) {
    start(text);
    guard_ = std::make_unique<Guard>(inner_, *shared_, &known_);
  }
  // The name that the handler sees; "-" when it was not asked.
  std::string caller(std::string_view authorization) {
    http::Exchange exchange;
    exchange.caller = {.user = "of the request before", .token = "likewise"};
    set(exchange, authorization);
    const int before = inner_.heads;
    if (head(exchange) != HeadAction::kRespond) finish(exchange);
    if (inner_.heads == before) {
      EXPECT_EQ(exchange.response.status, 401);
      EXPECT_NE(exchange.response.headers.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
      return "-";
    }
    return exchange.caller.user + "|" + exchange.caller.token;
  }
  Known known_;
};

constexpr std::string_view kTwo = "Basic dHdvOnNlY3JldA==";  // two:secret

TEST_F(GuardWithCallers, SaysWhoItIsAndLeavesTheRestToTheHandler) {
  start_with(one_user());
  EXPECT_EQ(caller(""), "|");
  EXPECT_EQ(caller(kRight), "one|");
  EXPECT_EQ(caller(kRight), "one|");  // out of the cache
  EXPECT_EQ(caller(kTwo), "two|");
  EXPECT_EQ(caller("Bearer token"), "|ci");
  EXPECT_EQ(caller("bearer  token"), "|ci");
  EXPECT_EQ(known_.refreshed, 6);
  EXPECT_EQ(guard_->counters().right, 5u);
}

TEST_F(GuardWithCallers, WrongCredentialsEndHere) {
  start_with(one_user());
  for (const std::string_view wrong :
       {kWrong, kNobody, std::string_view("Bearer toke"), std::string_view("Bearer "), std::string_view("Digest x")}) {
    EXPECT_EQ(caller(wrong), "-") << wrong;
  }
  EXPECT_EQ(guard_->counters().wrong, 5u);
}

// An unknown user costs a comparison with a hash of either file, and where nobody has a password, none.
TEST_F(GuardWithCallers, UnknownUsersAreComparedToo) {
  start_with("");
  EXPECT_EQ(caller(kNobody), "-");
  EXPECT_EQ(comparisons_.hashes(), std::vector<std::string>{kDearer});
}

// A name in both files is the web config's.
TEST_F(GuardWithCallers, TheWebConfigsUserComesFirst) {
  start_with(std::string("basic_auth_users:\n  two: ") + kCheap + "\n");
  EXPECT_EQ(caller(kTwo), "two|");
  EXPECT_EQ(comparisons_.hashes(), std::vector<std::string>{kCheap});
}

}  // namespace
}  // namespace sluice::net::web
