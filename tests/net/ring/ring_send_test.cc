// The contract of net/ring/ring.h, kept by every backend: sending, cancelling, closing, and queues that are full.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "tests/net/ring/ring_fixture.h"

namespace sluice::net::ring {
namespace {

constexpr Token kToken = Token::make(5, 12, 3);

class RingSendTest : public RingTest {};

std::string read_exactly(int socket, size_t length) {
  std::string all(length, '\0');
  size_t have = 0;
  while (have < length) {
    const ssize_t n = ::recv(socket, all.data() + have, length - have, 0);
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  all.resize(have);
  return all;
}

TEST_P(RingSendTest, Echoes) {
  const auto [ours, theirs] = tcp_pair();
  hook_ = [&](const Completion& c) {
    if (c.op == Op::kReceive && c.result > 0) {
      bytes_ = bytes_.substr(bytes_.size() - static_cast<size_t>(c.result));
      ring_->send(ours, bytes_.data(), bytes_.size(), kToken);
    }
  };
  ring_->receive_multishot(ours, kToken);
  for (int i = 0; i < 100; ++i) {
    const std::string message = "message " + std::to_string(i);
    write_all(theirs, message);
    seen_.clear();
    ASSERT_TRUE(turn_until([&] { return !seen_.empty() && seen_.back().op == Op::kSend; }));
    EXPECT_EQ(seen_.back().result, static_cast<int32_t>(message.size()));
    EXPECT_EQ(read_exactly(theirs, message.size()), message);
  }
}

TEST_P(RingSendTest, NothingCompletesInsideASubmissionOrAHandler) {
  const auto [ours, theirs] = tcp_pair();
  bool inside = false;
  int depth_problems = 0;
  hook_ = [&](const Completion&) {
    if (inside) ++depth_problems;
    inside = true;
    if (seen_.size() < 10) {
      ring_->send(ours, "abc", 3, kToken);
      if (seen_.size() == 5) ring_->shutdown(theirs, SHUT_RD, kToken);
    }
    inside = false;
  };
  ring_->send(ours, "abc", 3, kToken);
  EXPECT_TRUE(seen_.empty());
  ASSERT_TRUE(turn_until_seen(11));
  EXPECT_EQ(depth_problems, 0);
}

TEST_P(RingSendTest, ReportsPartialSendsAndWaitsForRoom) {
  const auto [ours, theirs] = tcp_pair();
  const int small = 256 * 1024;
  ASSERT_EQ(setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
  std::string sent(8'000'000, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 1021);
  size_t done = 0;
  size_t sends = 0;
  bool failed = false;
  hook_ = [&](const Completion& c) {
    failed = failed || c.result <= 0;
    if (failed) return;
    done += static_cast<size_t>(c.result);
    ++sends;
    if (done < sent.size()) ring_->send(ours, sent.data() + done, sent.size() - done, kToken);
  };
  ring_->send(ours, sent.data(), sent.size(), kToken);
  for (int i = 0; i < 3; ++i) ring_->turn(1'000'000, *this);
  EXPECT_LT(done, sent.size()) << "nobody reads: it must wait";
  std::string received;
  std::thread reader([&, from = theirs] { received = read_exactly(from, sent.size()); });
  EXPECT_TRUE(turn_until([&] { return failed || done == sent.size(); }));
  EXPECT_FALSE(failed);
  reader.join();
  EXPECT_GT(sends, 1u);
  EXPECT_TRUE(received == sent);
}

TEST_P(RingSendTest, SendsInPieces) {
  const auto [ours, theirs] = tcp_pair();
  std::array<std::string, Ring::kSendPartsMax> pieces;
  std::string expected;
  // More sends than the ring keeps room for between two submissions, each with the most pieces.
  for (int round = 0; round < 300; ++round) {
    std::array<iovec, Ring::kSendPartsMax> parts{};
    for (size_t i = 0; i < pieces.size(); ++i) {
      pieces[i] = std::to_string(i) + ",";
      if (round == 0) expected += pieces[i];
      parts[i] = {pieces[i].data(), pieces[i].size()};
    }
    ring_->send_parts(ours, parts.data(), Ring::kSendPartsMax, kToken);
    parts.fill({nullptr, 0});  // the array may go after the call
    seen_.clear();
    ASSERT_TRUE(turn_until_seen(1));
    ASSERT_EQ(seen_[0].result, static_cast<int32_t>(expected.size()));
    ASSERT_EQ(read_exactly(theirs, expected.size()), expected);
  }
}

TEST_P(RingSendTest, ASendToAClosedPeerFailsWithoutASignal) {
  const auto [ours, theirs] = tcp_pair();
  const linger hard{1, 0};
  ASSERT_EQ(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
  close_now(theirs);
  ring_->send(ours, "x", 1, kToken);
  ASSERT_TRUE(turn_until_seen(1));
  const int first = seen_[0].result;
  EXPECT_TRUE(first == -ECONNRESET || first == -EPIPE) << first;
  EXPECT_TRUE(is_expected_error(Op::kSend, -first));
  ring_->send(ours, "x", 1, kToken);
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_EQ(seen_[1].result, -EPIPE);
}

TEST_P(RingSendTest, ShutdownEndsTheStreamForThePeer) {
  const auto [ours, theirs] = tcp_pair();
  ring_->send(ours, "bye", 3, kToken);
  ASSERT_TRUE(turn_until_seen(1));
  ring_->shutdown(ours, SHUT_WR, kToken);
  ASSERT_TRUE(turn_until_seen(2));
  EXPECT_EQ(seen_[1].op, Op::kShutdown);
  EXPECT_EQ(seen_[1].result, 0);
  EXPECT_EQ(read_exactly(theirs, 100), "bye");
  write_all(theirs, "still read");
  ring_->receive_multishot(ours, kToken);
  ASSERT_TRUE(turn_until([&] { return bytes_ == "still read"; }));
}

TEST_P(RingSendTest, CancelledOperationsCompleteOnceAndForAll) {
  const auto [ours, theirs] = tcp_pair();
  const int small = 4096;
  ASSERT_EQ(setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
  const std::string sent(20'000'000, 'z');
  const Token receiving = Token::make(1, 7, 1);
  const Token sending = Token::make(2, 7, 1);
  // A send that waits: the socket is filled until one has not completed.
  ring_->receive_multishot(ours, receiving);
  size_t completed = 0;
  hook_ = [&](const Completion& c) {
    if (c.op == Op::kSend && c.result > 0 && ++completed < 1000) ring_->send(ours, sent.data(), sent.size(), sending);
  };
  ring_->send(ours, sent.data(), sent.size(), sending);
  for (size_t quiet = 0, last = 0; quiet < 5; quiet = completed == last ? quiet + 1 : 0) {
    last = completed;
    ring_->turn(2'000'000, *this);
  }
  ring_->cancel(ours, Op::kReceive, Token::make(1, 7, 2));  // another generation: nobody's
  for (int i = 0; i < 3; ++i) ring_->turn(1'000'000, *this);
  EXPECT_TRUE(std::none_of(seen_.begin(), seen_.end(), [](const Completion& c) { return c.op == Op::kReceive; }));

  // One of each is in flight: the hook has sent again whenever the peer's kernel took something after all.
  hook_ = {};
  seen_.clear();
  ring_->cancel(ours, Op::kReceive, receiving);
  ring_->cancel(ours, Op::kSend, sending);
  ASSERT_TRUE(turn_until_seen(2));
  for (int i = 0; i < 3; ++i) ring_->turn(1'000'000, *this);
  ASSERT_EQ(seen_.size(), 2u);
  for (const Completion& c : seen_) {
    // A cancelled send may have moved bytes before.
    EXPECT_TRUE(c.result == -ECANCELED || (c.op == Op::kSend && c.result > 0)) << c.result;
    EXPECT_FALSE(c.more);
  }
}

TEST_P(RingSendTest, ADescriptorIsUsedAgainUnderANewGeneration) {
  const int listener = tcp_listener();
  ring_->adopt(listener);
  ring_->accept_multishot(listener, Token::make(9, 0, 0));
  int socket = -1;
  hook_ = [&](const Completion& c) {
    if (c.op == Op::kAccept) socket = c.result;
  };
  std::vector<int> numbers;
  for (uint32_t generation = 1; generation <= 50; ++generation) {
    const int client = tcp_connect(listener);
    socket = -1;
    ASSERT_TRUE(turn_until([&] { return socket >= 0; }));
    numbers.push_back(socket);
    const Token token = Token::make(1, 0, generation);
    ring_->receive_multishot(socket, token);
    // Data that races with the cancel: it belongs to this generation or to nobody.
    write_all(client, "data");
    if (generation % 2 == 0) ring_->turn(0, *this);
    ring_->cancel(socket, Op::kReceive, token);
    ASSERT_TRUE(turn_until([&] { return seen_.back().op == Op::kReceive && !seen_.back().more; }));
    EXPECT_EQ(seen_.back().token, token);
    ring_->close(socket);
    close_now(client);
  }
  // The ring closed them: numbers came back instead of running on. Both ends count, and closing is not instant.
  std::sort(numbers.begin(), numbers.end());
  EXPECT_LT(numbers.back() - numbers.front(), 20);
  for (const Completion& c : seen_) {
    if (c.op == Op::kReceive && c.result < 0) {
      EXPECT_EQ(c.result, -ECANCELED);
    }
  }
}

TEST_P(RingSendTest, TakesMoreSubmissionsThanItsQueueHolds) {
  RingOptions tiny = kOptions;
  tiny.submissions = 8;
  tiny.completions = 16;
  make(tiny);
  constexpr uint32_t kPairs = 120;
  std::vector<std::array<int, 2>> pairs;
  for (uint32_t i = 0; i < kPairs; ++i) pairs.push_back(tcp_pair());
  for (uint32_t i = 0; i < kPairs; ++i) {
    ring_->receive_multishot(pairs[i][0], Token::make(1, i, 1));
    ring_->send(pairs[i][0], "out", 3, Token::make(2, i, 1));
    write_all(pairs[i][1], "in");
  }
  std::vector<int> received(kPairs);
  std::vector<int> sends(kPairs);
  hook_ = [&](const Completion& c) {
    if (c.op == Op::kSend) sends[c.token.id()] += c.result;
    if (c.op == Op::kReceive && c.result > 0) received[c.token.id()] += c.result;
    // A full completion queue may end a multishot receive, and eight buffers run out.
    if (c.op == Op::kReceive && !c.more) ring_->receive_multishot(pairs[c.token.id()][0], c.token);
  };
  ASSERT_TRUE(turn_until([&] {
    return std::accumulate(received.begin(), received.end(), 0) == 2 * static_cast<int>(kPairs) &&
           std::accumulate(sends.begin(), sends.end(), 0) == 3 * static_cast<int>(kPairs);
  }));
  for (uint32_t i = 0; i < kPairs; ++i) EXPECT_EQ(read_exactly(pairs[i][1], 3), "out");
}

TEST_P(RingSendTest, ATurnDispatchesABoundedBatch) {
  const auto [ours, theirs] = tcp_pair();
  constexpr uint32_t kMany = 3 * Ring::kBatchMax;
  for (uint32_t i = 0; i < kMany; ++i) ring_->shutdown(ours, SHUT_RD, Token::make(1, i, 1));
  uint32_t total = 0;
  uint32_t turns = 0;
  while (total < kMany) {
    const uint32_t dispatched = ring_->turn(kTestPatienceNs, *this);
    ASSERT_LE(dispatched, Ring::kBatchMax);
    total += dispatched;
    ++turns;
  }
  EXPECT_GE(turns, 3u);
  for (uint32_t i = 0; i < kMany; ++i) EXPECT_EQ(seen_[i].token.id(), i);
}

TEST_P(RingSendTest, MakesFilesDurable) {
  std::string path = testing::TempDir() + "sluice_ring_XXXXXX";
  const int file = ::mkstemp(path.data());
  ASSERT_GE(file, 0);
  ::unlink(path.c_str());
  ASSERT_EQ(::write(file, "data", 4), 4);
  for (uint32_t i = 0; i < 8; ++i) ring_->fdatasync(file, Token::make(6, i, 1));
  ring_->fdatasync(987'654, Token::make(6, 8, 1));
  ASSERT_TRUE(turn_until_seen(9));
  for (const Completion& c : seen_) {
    EXPECT_EQ(c.op, Op::kFdatasync);
    EXPECT_EQ(c.result, c.token.id() == 8 ? -EBADF : 0);
  }
  ::close(file);
}

TEST(Completion, TheHelperReadsEveryEnd) {
  const auto next = [](Op op, int result, bool more = false) {
    Completion c;
    c.op = op;
    c.result = result;
    c.more = more;
    return next_of(c);
  };
  EXPECT_EQ(next(Op::kReceive, 10, true), Next::kKeep);
  EXPECT_EQ(next(Op::kReceive, 10), Next::kRearm);
  EXPECT_EQ(next(Op::kReceive, 0), Next::kClosed);
  EXPECT_EQ(next(Op::kReceive, -ENOBUFS), Next::kPark);
  EXPECT_EQ(next(Op::kReceive, -EINTR), Next::kRearm);
  EXPECT_EQ(next(Op::kReceive, -ECONNRESET), Next::kClosed);
  EXPECT_EQ(next(Op::kReceive, -ECANCELED), Next::kClosed);
  EXPECT_EQ(next(Op::kReceive, -4095), Next::kClosed);
  EXPECT_EQ(next(Op::kAccept, 0), Next::kRearm) << "descriptor 0 is a connection";
  EXPECT_EQ(next(Op::kAccept, -ECONNABORTED), Next::kRearm);
  EXPECT_EQ(next(Op::kAccept, -EMFILE), Next::kPark);
  EXPECT_EQ(next(Op::kAccept, -ENFILE), Next::kPark);
  EXPECT_EQ(next(Op::kAccept, -ECANCELED), Next::kClosed);
  EXPECT_EQ(next(Op::kAccept, -EBADF), Next::kClosed);
  EXPECT_FALSE(is_expected_error(Op::kReceive, EBADF));
  EXPECT_FALSE(is_expected_error(Op::kSend, EFAULT));
  EXPECT_TRUE(is_expected_error(Op::kFdatasync, EIO));
}

TEST(Token, KeepsItsFields) {
  const Token token = Token::make(Token::kKindMax, Token::kIdMax, 0xffffffff);
  EXPECT_EQ(token.kind(), Token::kKindMax);
  EXPECT_EQ(token.id(), Token::kIdMax);
  EXPECT_EQ(token.generation(), 0xffffffffu);
  EXPECT_EQ(token.bits >> 61, 0u);
}

INSTANTIATE_TEST_SUITE_P(Backends, RingSendTest, testing::ValuesIn(kVariants), variant_name);

}  // namespace
}  // namespace sluice::net::ring
