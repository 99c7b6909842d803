// The contract of net/ring/ring.h, kept by every backend: receiving, accepting, the turn and its waits.
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>

#include "tests/net/ring/ring_fixture.h"

namespace sluice::net::ring {
namespace {

constexpr Token kToken = Token::make(3, 70'000, 0xfedcba98);

TEST_P(RingTest, ReceivesWithOneSubmissionUntilTheEnd) {
  const auto [ours, theirs] = tcp_pair();
  ring_->receive_multishot(ours, kToken);
  for (size_t i = 1; i <= 20; ++i) {
    write_all(theirs, "ping");
    ASSERT_TRUE(turn_until([&] { return bytes_.size() == 4 * i; }));
    EXPECT_EQ(next_of(seen_.back()), Next::kKeep);
    EXPECT_EQ(seen_.back().token, kToken);
    EXPECT_EQ(seen_.back().op, Op::kReceive);
  }
  close_now(theirs);
  const size_t before = seen_.size();
  ASSERT_TRUE(turn_until_seen(before + 1));
  EXPECT_EQ(seen_.back().result, 0);
  EXPECT_EQ(next_of(seen_.back()), Next::kClosed);
  EXPECT_EQ(seen_.back().buffer, kNoBuffer);
  EXPECT_EQ(ring_->buffers_free(), ring_->buffers_total());
}

TEST_P(RingTest, DataAndEndThatCameBeforeTheReceiveAreNotLost) {
  const auto [ours, theirs] = tcp_pair();
  const std::string sent(10'000, 'x');  // three buffers
  write_all(theirs, sent);
  close_now(theirs);
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until([&] { return !seen_.empty() && next_of(seen_.back()) == Next::kClosed; }));
  EXPECT_EQ(bytes_, sent);
  EXPECT_EQ(seen_.back().result, 0);
}

TEST_P(RingTest, EndsWithEnobufsAndGoesOnWhenBuffersReturn) {
  const auto [ours, theirs] = tcp_pair();
  keep_buffers_ = true;
  const std::string sent(static_cast<size_t>(kOptions.buffers) * kOptions.buffer_bytes + 5'000, 'y');
  write_all(theirs, sent);
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until([&] { return !seen_.empty() && !seen_.back().more; }));
  EXPECT_EQ(seen_.back().result, -ENOBUFS);
  EXPECT_EQ(next_of(seen_.back()), Next::kPark);
  EXPECT_EQ(ring_->buffers_free(), 0u);
  // Parked: nothing more comes by itself.
  const size_t parked_at = seen_.size();
  for (int i = 0; i < 5; ++i) ring_->turn(1'000'000, *this);
  EXPECT_EQ(seen_.size(), parked_at);

  give_all_back();
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until([&] { return bytes_.size() == sent.size(); }));
  EXPECT_EQ(bytes_, sent);
}

// Of many buffers a light load touches few: what was not needed takes neither memory nor the cache.
TEST_P(RingTest, FewBuffersDoForFewConnections) {
  make({.submissions = 64, .completions = 128, .buffers = 1024, .buffer_bytes = 4096});
  const auto [ours, theirs] = tcp_pair();
  ring_->receive_multishot(ours, kToken);
  std::set<BufId> used;
  hook_ = [&](const Completion& c) { used.insert(c.buffer); };
  for (size_t round = 1; round <= 500; ++round) {
    write_all(theirs, "push");
    ASSERT_TRUE(turn_until([&] { return bytes_.size() == 4 * round; }));
  }
  EXPECT_LE(used.size(), 64u);
}

// And all of them are there when they are needed.
TEST_P(RingTest, AllBuffersAreUsedWhenNoneReturns) {
  constexpr uint32_t kBuffers = 512;
  make({.submissions = 64, .completions = 2048, .buffers = kBuffers, .buffer_bytes = 4096});
  const auto [ours, theirs] = tcp_pair();
  keep_buffers_ = true;
  const std::string sent(static_cast<size_t>(kBuffers) * 4096 + 5'000, 'z');
  std::thread writer([&, to = theirs] { write_all(to, sent); });
  hook_ = [&](const Completion& c) {
    if (next_of(c) == Next::kPark && ring_->buffers_free() > 0) ring_->receive_multishot(ours, kToken);
  };
  ring_->receive_multishot(ours, kToken);
  EXPECT_TRUE(turn_until([&] { return ring_->buffers_free() == 0 && !seen_.back().more; }));
  EXPECT_EQ(next_of(seen_.back()), Next::kPark);
  hook_ = nullptr;
  give_all_back();
  ring_->receive_multishot(ours, kToken);
  EXPECT_TRUE(turn_until([&] { return bytes_.size() == sent.size(); }));
  writer.join();
  EXPECT_TRUE(bytes_ == sent);
}

TEST_P(RingTest, ReceivesIntoTheCallersMemory) {
  const auto [ours, theirs] = tcp_pair();
  std::string sent(3'000'000, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 + i / 251);
  std::thread writer([&, to = theirs] { write_all(to, sent); });
  std::string body(sent.size(), '\0');
  size_t filled = 0;
  hook_ = [&](const Completion& c) {
    if (c.op != Op::kReceiveInto || c.result <= 0) return;
    EXPECT_FALSE(c.more);
    filled += static_cast<size_t>(c.result);
    const size_t room = std::min<size_t>(body.size() - filled, 256 * 1024);
    if (room > 0) ring_->receive_into(ours, body.data() + filled, room, kToken);
  };
  ring_->receive_into(ours, body.data(), 1000, kToken);
  EXPECT_TRUE(turn_until([&] { return filled == body.size(); }));
  writer.join();
  EXPECT_TRUE(body == sent);
}

TEST_P(RingTest, ChangesFromMultishotToOwnMemoryAndBack) {
  const auto [ours, theirs] = tcp_pair();
  write_all(theirs, "head");
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until([&] { return bytes_ == "head"; }));
  ring_->cancel(ours, Op::kReceive, kToken);
  ASSERT_TRUE(turn_until([&] { return !seen_.back().more; }));
  EXPECT_EQ(seen_.back().result, -ECANCELED);
  std::array<char, 64> memory{};
  write_all(theirs, "body");
  ring_->receive_into(ours, memory.data(), memory.size(), kToken);
  ASSERT_TRUE(turn_until([&] { return seen_.back().op == Op::kReceiveInto; }));
  EXPECT_EQ(std::string_view(memory.data(), 4), "body");
  ring_->receive_multishot(ours, kToken);
  write_all(theirs, "next");
  ASSERT_TRUE(turn_until([&] { return bytes_ == "headnext"; }));
}

TEST_P(RingTest, AcceptsWithOneSubmission) {
  const int listener = tcp_listener();
  ring_->adopt(listener);
  ring_->accept_multishot(listener, kToken);
  std::vector<int> accepted;
  hook_ = [&](const Completion& c) {
    if (c.op != Op::kAccept || c.result < 0) return;
    accepted.push_back(c.result);
    open_.push_back(c.result);
    EXPECT_EQ(next_of(c), Next::kKeep);
  };
  for (size_t i = 1; i <= 5; ++i) {
    const int client = tcp_connect(listener);
    ASSERT_TRUE(turn_until([&] { return accepted.size() == i; }));
    // An accepted socket works on this ring as it is.
    ring_->receive_multishot(accepted.back(), Token::make(4, 1, static_cast<uint32_t>(i)));
    write_all(client, "hello");
    ASSERT_TRUE(turn_until([&] { return bytes_.size() == 5 * i; }));
  }
  ring_->cancel(listener, Op::kAccept, kToken);
  ASSERT_TRUE(turn_until([&] { return seen_.back().op == Op::kAccept && !seen_.back().more; }));
  EXPECT_EQ(seen_.back().result, -ECANCELED);
  EXPECT_EQ(next_of(seen_.back()), Next::kClosed);
}

TEST_P(RingTest, AcceptParksWhenDescriptorsRunOut) {
  const int listener = tcp_listener();
  ring_->adopt(listener);
  tcp_connect(listener);
  rlimit saved{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &saved), 0);
  ring_->turn(1'000, *this);  // UBSan's first look at a type needs a free descriptor
  const int highest = ::dup(listener);
  ::close(highest);
  rlimit tight = saved;
  tight.rlim_cur = static_cast<rlim_t>(highest);  // every lower number is taken
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  ring_->accept_multishot(listener, kToken);
  const auto came = turn_until_seen(1);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &saved), 0);
  ASSERT_TRUE(came);
  EXPECT_EQ(seen_[0].result, -EMFILE);
  EXPECT_EQ(next_of(seen_[0]), Next::kPark);
  ring_->accept_multishot(listener, kToken);
  ASSERT_TRUE(turn_until_seen(2));
  ASSERT_GE(seen_[1].result, 0);
  ::close(seen_[1].result);
}

TEST_P(RingTest, ReportsAReset) {
  const auto [ours, theirs] = tcp_pair();
  ring_->receive_multishot(ours, kToken);
  ring_->turn(0, *this);
  const linger hard{1, 0};
  ASSERT_EQ(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
  close_now(theirs);
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_EQ(seen_[0].result, -ECONNRESET);
  EXPECT_EQ(next_of(seen_[0]), Next::kClosed);
  EXPECT_TRUE(is_expected_error(seen_[0].op, ECONNRESET));
}

TEST_P(RingTest, AdoptsASocketOfTheOtherKind) {
  const auto [ours, theirs] = tcp_pair();
  ASSERT_EQ(fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) ^ O_NONBLOCK), 0);
  ring_->adopt(ours);
  ring_->receive_multishot(ours, kToken);
  ring_->turn(0, *this);
  EXPECT_TRUE(seen_.empty()) << "it must wait, not report EAGAIN";
  write_all(theirs, "late");
  ASSERT_TRUE(turn_until([&] { return bytes_ == "late"; }));
}

TEST_P(RingTest, WaitsNoLongerThanAskedAndTellsWhenItWaits) {
  EXPECT_EQ(ring_->turn(0, *this), 0u);
  EXPECT_EQ(waits_begun_, 0);
  // A signal may end a wait early (rings that other tests left behind are taken down by such), but not every one.
  int64_t longest = 0;
  int tries = 0;
  for (; tries < 100 && longest < 2'900'000; ++tries) {
    const int64_t before = monotonic_ns();
    EXPECT_EQ(ring_->turn(3'000'000, *this), 0u);
    longest = std::max(longest, monotonic_ns() - before);
  }
  EXPECT_GE(longest, 2'900'000);
  EXPECT_EQ(waits_begun_, tries);
  EXPECT_EQ(waits_ended_, tries);
}

TEST_P(RingTest, IsWokenFromAnotherThread) {
  ring_->wake();  // before the wait: it must not begin
  EXPECT_EQ(ring_->turn(kTestPatienceNs, *this), 0u);
  for (int i = 0; i < 50; ++i) {
    std::thread other([&] { ring_->wake(); });
    const int64_t before = monotonic_ns();
    EXPECT_EQ(ring_->turn(kTestPatienceNs, *this), 0u);
    EXPECT_LT(monotonic_ns() - before, kTestPatienceNs);
    other.join();
  }
  EXPECT_EQ(waits_begun_, waits_ended_);
}

TEST_P(RingTest, BelongsToTheThreadThatEnablesIt) {
  auto made = make_ring(capabilities_, kOptions);
  ASSERT_TRUE(made.has_value());
  const auto [ours, theirs] = tcp_pair();
  std::unique_ptr<Ring> other = std::move(*made);
  const std::unique_ptr<Ring> mine = std::move(ring_);
  std::thread worker([&, from = ours, to = theirs] {
    if (GetParam().name == std::string_view("io_uring_without_disabled_start")) {
      // Its maker is its single issuer: such a ring is made on its thread.
      other = std::move(*make_ring(capabilities_, kOptions));
    }
    ring_ = std::move(other);
    ASSERT_EQ(ring_->enable(), 0);
    ring_->receive_multishot(from, kToken);
    write_all(to, "hi");
    ASSERT_TRUE(turn_until([&] { return bytes_ == "hi"; }));
    ring_.reset();
  });
  worker.join();
}

class RingDeathTest : public RingTest {};

TEST_P(RingDeathTest, AllBuffersMustBeHomeAtTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto [ours, theirs] = tcp_pair();
  keep_buffers_ = true;
  write_all(theirs, "kept");
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until_seen(1));
  EXPECT_DEATH(ring_.reset(), "buffers_.out\\(\\) == 0");
  EXPECT_DEATH(
      {
        ring_->give_back(seen_[0].buffer);
        ring_->give_back(seen_[0].buffer);
      },
      "is_out_");
}

INSTANTIATE_TEST_SUITE_P(Backends, RingTest, testing::ValuesIn(kVariants), variant_name);
INSTANTIATE_TEST_SUITE_P(Backends, RingDeathTest, testing::ValuesIn(kVariants), variant_name);

}  // namespace
}  // namespace sluice::net::ring
