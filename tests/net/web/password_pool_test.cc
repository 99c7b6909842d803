// The threads that compare passwords: what they are asked, how much may wait, what is asked once only.
#include "net/web/password_pool.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <string>
#include <thread>

namespace sluice::net::web {
namespace {

using Verdict = Question::Verdict;

// A pool whose comparisons last until they are let go on; "right" is right.
class Pool {
 public:
  explicit Pool(const PasswordPool::Options& options = {})
      : pool(options, [this](std::string_view password, std::string_view /*hash*/) {
          began_.release();
          go_on_.acquire();
          return password == "right";
        }) {}
  ~Pool() { let(1000); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::shared_ptr<Question> ask(const std::string& user, const std::string& password,
                                const std::string& address = "127.0.0.1", bool may_be_right = true) {
    return pool.ask({.key = credential_key(user, "hash", password),
                     .hash = "hash",
                     .password = password,
                     .address = address,
                     .may_be_right = may_be_right});
  }
  void let(int comparisons) { go_on_.release(comparisons); }
  void await_begin() { began_.acquire(); }
  static Verdict await(const Question& question) {
    while (question.verdict() == Verdict::kPending) std::this_thread::yield();
    return question.verdict();
  }

 private:
  // Before the pool, whose threads use them.
  std::counting_semaphore<> began_{0};
  std::counting_semaphore<> go_on_{0};

 public:
  PasswordPool pool;
};

TEST(PasswordPool, VerdictsComeLater) {
  Pool pool;
  const auto right = pool.ask("a", "right");
  const auto wrong = pool.ask("a", "wrong");
  const auto nobody = pool.ask("b", "right", "127.0.0.1", false);
  ASSERT_TRUE(right && wrong && nobody);
  pool.await_begin();
  EXPECT_EQ(right->verdict(), Verdict::kPending);
  pool.let(3);
  EXPECT_EQ(Pool::await(*right), Verdict::kRight);
  EXPECT_EQ(Pool::await(*wrong), Verdict::kWrong);
  EXPECT_EQ(Pool::await(*nobody), Verdict::kWrong);
  EXPECT_EQ(pool.pool.compared(), 3u);  // also for whom nothing could be right
}

TEST(PasswordPool, EqualQuestionsAreOne) {
  Pool pool;
  const auto first = pool.ask("a", "right");
  pool.await_begin();
  EXPECT_EQ(pool.ask("a", "right"), first);
  const auto waiting = pool.ask("a", "wrong");
  EXPECT_EQ(pool.ask("a", "wrong", "127.0.0.2"), waiting);
  pool.let(2);
  EXPECT_EQ(Pool::await(*first), Verdict::kRight);
  EXPECT_EQ(Pool::await(*waiting), Verdict::kWrong);
  EXPECT_EQ(pool.ask("a", "right")->verdict(), Verdict::kRight);  // known, at once
  EXPECT_EQ(pool.ask("a", "wrong")->verdict(), Verdict::kWrong);
  EXPECT_EQ(pool.pool.compared(), 2u);
}

TEST(PasswordPool, OneAddressFillsAPartOfTheQueue) {
  Pool pool({.threads = 1, .waiting_max = 8, .waiting_per_address_max = 3});
  const auto running = pool.ask("a", "0");
  pool.await_begin();
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(pool.ask("a", std::to_string(i)));
  EXPECT_FALSE(pool.ask("a", "4"));
  const auto other = pool.ask("a", "right", "127.0.0.2");
  ASSERT_TRUE(other);
  pool.let(5);
  EXPECT_EQ(Pool::await(*other), Verdict::kRight);
  EXPECT_TRUE(pool.ask("a", "4"));  // there is room again
}

TEST(PasswordPool, TheQueueIsBounded) {
  Pool pool({.threads = 1, .waiting_max = 4, .waiting_per_address_max = 2});
  const auto running = pool.ask("a", "running");
  pool.await_begin();
  int taken = 0;
  for (int i = 0; i < 20; ++i) taken += pool.ask("a", std::to_string(i), "127.0.0." + std::to_string(i)) != nullptr;
  EXPECT_EQ(taken, 4);
  pool.let(5);
  EXPECT_EQ(Pool::await(*running), Verdict::kWrong);
}

}  // namespace
}  // namespace sluice::net::web
