// The probe in sandboxes: whatever is refused, something serves, and the sentence says what and why.
#include "net/ring/probe.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "net/ring/ring.h"
#include "tests/net/ring/seccomp.h"

namespace sluice::net::ring {
namespace {

using testing_support::in_child;
using testing_support::Refusal;

// Opcodes of io_uring_register(2); this folder's tests do not include liburing.
constexpr uint32_t kRegisterEnableRings = 12;
constexpr uint32_t kRegisterBufferRing = 22;

bool have_io_uring() { return probe(BackendChoice::kIoUring).has_value(); }

class Recorder final : public CompletionHandler {
 public:
  explicit Recorder(Ring& ring) : ring_(ring) {}
  void on_completion(const Completion& c) override {
    if (c.data != nullptr) {
      received.append(c.data, static_cast<size_t>(c.result));
      ring_.give_back(c.buffer);
    }
  }
  std::string received;

 private:
  Ring& ring_;
};

// Probes and then really moves bytes by what was chosen: "served: SENTENCE", or the error.
std::string probe_and_serve(BackendChoice choice, FeatureSet refused = {}) {
  const auto capabilities = probe(choice, refused);
  if (!capabilities) return "error: " + capabilities.error();
  auto ring = make_ring(*capabilities, {.submissions = 8, .completions = 32, .buffers = 4, .buffer_bytes = 4096});
  if (!ring) return "no ring: " + ring.error();
  if ((*ring)->enable() != 0) return "not enabled";
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) != 0) return "no sockets";
  (*ring)->adopt(pair[0]);
  Recorder recorder(**ring);
  (*ring)->receive_multishot(pair[0], Token::make(1, 0, 0));
  for (int i = 1; i <= 3; ++i) {
    if (::send(pair[1], "x", 1, 0) != 1) return "cannot send";
    for (int turns = 0; recorder.received.size() < static_cast<size_t>(i); ++turns) {
      if (turns > 1000) return "nothing came: " + capabilities->sentence;
      (*ring)->turn(10'000'000, recorder);
    }
  }
  (*ring)->abandon();
  return "served: " + capabilities->sentence;
}

TEST(Probe, ChoosesIoUringWhenItCan) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  EXPECT_TRUE(probe_and_serve(BackendChoice::kAuto).starts_with("served: io_uring with defer_taskrun, disabled_start"));
}

TEST(Probe, DoesWhatTheFlagSays) {
  EXPECT_EQ(probe_and_serve(BackendChoice::kEpoll), "served: epoll, because --net.backend=epoll");
}

TEST(Probe, FallsBackWhenSetupIsRefused) {
  for (const auto& [error, text] :
       {std::pair{EPERM, "Operation not permitted"}, std::pair{ENOSYS, "Function not implemented"}}) {
    const std::vector<Refusal> refusals{{.number = SYS_io_uring_setup, .error = error}};
    EXPECT_EQ(in_child(refusals, [] { return probe_and_serve(BackendChoice::kAuto); }),
              std::string("served: epoll, because io_uring cannot be used here (io_uring_setup: ") + text + ")");
    EXPECT_EQ(in_child(refusals, [] { return probe_and_serve(BackendChoice::kIoUring); }),
              std::string("error: --net.backend=io_uring cannot be used here (io_uring_setup: ") + text +
                  "); --net.backend=auto falls back to epoll");
  }
}

TEST(Probe, FallsBackWhenEnteringIsRefused) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  EXPECT_EQ(
      in_child({{.number = SYS_io_uring_enter, .error = EPERM}}, [] { return probe_and_serve(BackendChoice::kAuto); }),
      "served: epoll, because io_uring cannot be used here (io_uring_setup: Operation not permitted)");
}

TEST(Probe, FallsBackWhenBufferRingsAreRefused) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  EXPECT_EQ(in_child({{.number = SYS_io_uring_register, .error = EINVAL, .argument = 1, .value = kRegisterBufferRing}},
                     [] { return probe_and_serve(BackendChoice::kAuto); }),
            "served: epoll, because io_uring cannot be used here (provided_buffers: Invalid argument)");
}

TEST(Probe, DoesWithoutEnablingRings) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  const std::string answer =
      in_child({{.number = SYS_io_uring_register, .error = EINVAL, .argument = 1, .value = kRegisterEnableRings}},
               [] { return probe_and_serve(BackendChoice::kAuto); });
  EXPECT_TRUE(answer.starts_with("served: io_uring with ")) << answer;
  EXPECT_NE(answer.find("without disabled_start: Invalid argument"), std::string::npos) << answer;
}

// All of io_uring_register: no buffer ring, no ring descriptor, nothing.
TEST(Probe, FallsBackWhenRegisteringIsRefused) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  EXPECT_TRUE(in_child({{.number = SYS_io_uring_register, .error = EPERM}}, [] {
                return probe_and_serve(BackendChoice::kAuto);
              }).starts_with("served: epoll, because"));
}

TEST(Probe, EachFeatureMayBeMissing) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  for (unsigned i = 0; i < kFeatures; ++i) {
    FeatureSet refused;
    const auto feature = static_cast<Feature>(i);
    refused.add(feature);
    const std::string answer = probe_and_serve(BackendChoice::kAuto, refused);
    const bool optional = feature == Feature::kDeferTaskrun || feature == Feature::kDisabledStart;
    EXPECT_TRUE(answer.starts_with(optional ? "served: io_uring with " : "served: epoll, because ")) << answer;
    const std::string_view shown = feature == Feature::kSetup ? "io_uring_setup" : feature_name(feature);
    EXPECT_NE(answer.find(std::string(shown) + ": refused by SLUICE_RING_REFUSE"), std::string::npos) << answer;
  }
}

TEST(Probe, WorksWithTightLimits) {
  const std::string answer = in_child({}, [] {
    const rlimit locked{64 << 10, 64 << 10};
    const rlimit files{256, 256};
    if (setrlimit(RLIMIT_MEMLOCK, &locked) != 0 || setrlimit(RLIMIT_NOFILE, &files) != 0)
      return std::string("no limits");
    return probe_and_serve(BackendChoice::kAuto);
  });
  EXPECT_TRUE(answer.starts_with("served: ")) << answer;
}

// Newer kernels charge every ring of a user to RLIMIT_MEMLOCK and give the charge back some time after the ring was
// closed, so that the probe's own rings, one after the other, could use a limit up.
TEST(Probe, ItsOwnRingsFitTheLockedMemory) {
  if (!have_io_uring()) GTEST_SKIP() << "NOT RUN: io_uring: it cannot be used here";
  if (geteuid() != 0) GTEST_SKIP() << "NOT RUN: io_uring with 64 KiB for a user of its own: this is not root";
  const std::string answer = in_child({}, [] {
    const rlimit locked{64 << 10, 64 << 10};
    constexpr uid_t kNobody = 54'321;  // of whom no other process is; and only root may exceed the limit
    if (setrlimit(RLIMIT_MEMLOCK, &locked) != 0 || setresuid(kNobody, kNobody, kNobody) != 0)
      return std::string("no limits");
    return probe_and_serve(BackendChoice::kAuto);
  });
  EXPECT_TRUE(answer.starts_with("served: io_uring with ")) << answer;
}

TEST(Probe, RefusesWhatTheEnvironmentNames) {
  ASSERT_EQ(setenv("SLUICE_RING_REFUSE", "cancel", 1), 0);
  const auto set = refused_by_environment();
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(set->has(Feature::kCancel));
  ASSERT_EQ(setenv("SLUICE_RING_REFUSE", "warp", 1), 0);
  EXPECT_FALSE(refused_by_environment().has_value());
  unsetenv("SLUICE_RING_REFUSE");
  EXPECT_EQ(refused_by_environment()->bits, 0u);
}

TEST(Probe, LeavesNoDescriptorsOpen) {
  const int before = ::dup(2);
  ::close(before);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(probe(BackendChoice::kAuto).has_value());
  const int after = ::dup(2);
  ::close(after);
  EXPECT_EQ(before, after);
}

TEST(Features, AreParsedByName) {
  const auto set = parse_features("defer_taskrun,,cancel");
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(set->has(Feature::kDeferTaskrun));
  EXPECT_TRUE(set->has(Feature::kCancel));
  EXPECT_FALSE(set->has(Feature::kSetup));
  EXPECT_EQ(parse_features("")->bits, 0u);
  EXPECT_EQ(parse_features("warp").error(), "SLUICE_RING_REFUSE: \"warp\" is not a feature");
}

}  // namespace
}  // namespace sluice::net::ring
