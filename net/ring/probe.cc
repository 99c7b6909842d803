#include "net/ring/probe.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "net/ring/uring_ring.h"
#include "net/ring/uring_setup.h"

namespace sluice::net::ring {

namespace {

constexpr std::array<std::string_view, kFeatures> kNames{
    "setup",  "defer_taskrun", "disabled_start", "provided_buffers", "multishot_accept", "multishot_receive",
    "cancel", "timed_wait"};

constexpr RingOptions kSmall{.submissions = 8, .completions = 32, .buffers = 4, .buffer_bytes = 4096};
// A feature that works answers within microseconds; this only bounds a kernel that never answers.
constexpr int64_t kPatienceNs = 1'000'000'000;

// The outcome of one try: 0, or the errno it failed with.
using Verdict = int;

struct Socket {
  int number = -1;
  explicit Socket(int n = -1) : number(n) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (number >= 0) ::close(number);
  }
};

// Keeps what came in; buffers go straight back.
class Collector final : public CompletionHandler {
 public:
  explicit Collector(Ring& ring) : ring_(ring) {}
  void on_completion(const Completion& completion) override {
    if (completion.buffer != kNoBuffer) ring_.give_back(completion.buffer);
    seen.push_back(completion);
  }
  // Turns until `count` completions are there.
  bool collect(size_t count) {
    const Deadline deadline = Deadline::in_ns(kPatienceNs);
    while (seen.size() < count && !deadline.passed()) ring_.turn(kPatienceNs / 10, *this);
    return seen.size() >= count;
  }
  std::vector<Completion> seen;

 private:
  Ring& ring_;
};

// A ring for a try on this thread. nullptr with errno in `verdict`.
std::unique_ptr<UringRing> small_ring(FeatureSet features, Verdict& verdict) {
  auto ring = UringRing::make(features, kSmall);
  if (!ring) {
    verdict = ring.error().error;
    return nullptr;
  }
  verdict = -(*ring)->enable();
  if (verdict != 0) return nullptr;
  return std::move(*ring);
}

Verdict try_setup(FeatureSet features) {
  io_uring ring;
  int result = init_ring(ring, kSmall.submissions, kSmall.completions, setup_flags(features));
  if (result < 0) return -result;
  if (features.has(Feature::kDisabledStart)) result = enable_rings(ring);
  // Setting up may be allowed and entering not: a sandbox can filter each system call.
  if (result >= 0) result = io_uring_submit_and_get_events(&ring);
  if (result >= 0) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    io_uring_prep_nop(entry);
    result = io_uring_submit_and_wait(&ring, 1);
  }
  io_uring_queue_exit(&ring);
  return result < 0 ? -result : 0;
}

Verdict try_timed_wait(FeatureSet features) {
  io_uring ring;
  int result = init_ring(ring, kSmall.submissions, kSmall.completions, setup_flags(features));
  if (result < 0) return -result;
  if (features.has(Feature::kDisabledStart)) result = enable_rings(ring);
  if (result >= 0) {
    __kernel_timespec timeout{.tv_sec = 0, .tv_nsec = 1000};
    io_uring_cqe* entry = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring, &entry, 1, &timeout, nullptr);
    if (result == -ETIME) result = 0;
    // Without it the library would submit a timeout of its own for every wait, and fill the queue with them.
    if ((ring.features & IORING_FEAT_EXT_ARG) == 0) result = -EOPNOTSUPP;
  }
  io_uring_queue_exit(&ring);
  return result < 0 ? -result : 0;
}

Verdict try_provided_buffers(FeatureSet features) {
  io_uring ring;
  int result = init_ring(ring, kSmall.submissions, kSmall.completions, setup_flags(features));
  if (result < 0) return -result;
  // Mapped, because it has to begin with a page, and arm64 has systems with pages of 64 KiB.
  constexpr size_t kBytes = kSmall.buffers * sizeof(io_uring_buf);
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  result = memory == MAP_FAILED ? -errno : register_buffers(ring, memory, kSmall.buffers, 0);
  io_uring_queue_exit(&ring);
  if (memory != MAP_FAILED) munmap(memory, kBytes);
  return result < 0 ? -result : 0;
}

// Two bytes at two moments must arrive as two completions of one submission; then, with `cancel`, the receive must end
// when it is cancelled.
Verdict try_receive(FeatureSet features, bool cancel) {
  std::array<int, 2> pair{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return errno;
  const Socket ours(pair[0]);
  const Socket theirs(pair[1]);
  Verdict verdict = 0;
  const auto ring = small_ring(features, verdict);
  if (ring == nullptr) return verdict;
  Collector collector(*ring);
  const Token token = Token::make(1, 0, 1);
  ring->receive_multishot(ours.number, token);
  for (size_t i = 1; i <= 2; ++i) {
    if (::send(theirs.number, "x", 1, MSG_NOSIGNAL) != 1) return errno;
    if (!collector.collect(i)) return ETIME;
    const Completion& last = collector.seen.back();
    if (last.result < 0) return -last.result;
    if (last.result != 1 || !last.more) return EOPNOTSUPP;
  }
  if (!cancel) return 0;
  ring->cancel(ours.number, Op::kReceive, token);
  if (!collector.collect(3)) return ETIME;
  const Completion& last = collector.seen.back();
  return last.result == -ECANCELED && !last.more ? 0 : EOPNOTSUPP;
}

Verdict try_accept(FeatureSet features) {
  const Socket listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t length = sizeof(sa_family_t);  // the kernel picks an abstract name: no file, no network
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener.number < 0 || bind(listener.number, generic, length) != 0 || listen(listener.number, 4) != 0)
    return errno;
  length = sizeof(address);
  if (getsockname(listener.number, generic, &length) != 0) return errno;
  Verdict verdict = 0;
  const auto ring = small_ring(features, verdict);
  if (ring == nullptr) return verdict;
  Collector collector(*ring);
  ring->accept_multishot(listener.number, Token::make(1, 0, 1));
  for (size_t i = 1; i <= 2; ++i) {
    const Socket client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(client.number, generic, length) != 0) return errno;
    if (!collector.collect(i)) return ETIME;
    const Completion& last = collector.seen.back();
    const Socket accepted(last.result);
    if (last.result < 0) return -last.result;
    if (!last.more) return EOPNOTSUPP;
  }
  return 0;
}

struct Ladder {
  FeatureSet found;
  FeatureSet refused;
  std::string missing;  // the first required feature that is not there, and why
  std::string reduced;  // optional features that are not there

  // Records the outcome of one feature; false when a required one is missing.
  template <typename Try>
  bool climb(Feature feature, bool required, Try&& attempt) {
    const bool is_refused = refused.has(feature);
    FeatureSet with = found;
    with.add(feature);
    const Verdict verdict = is_refused ? EPERM : attempt(with);
    if (verdict == 0) {
      found = with;
      return true;
    }
    const std::string_view shown = feature == Feature::kSetup ? "io_uring_setup" : feature_name(feature);
    const std::string why =
        fmt::format("{}: {}", shown, is_refused ? "refused by SLUICE_RING_REFUSE" : std::strerror(verdict));
    if (!required) {
      reduced += fmt::format("{}without {}", reduced.empty() ? "" : ", ", why);
      return true;
    }
    missing = why;
    return false;
  }

  bool climb_all() {
    return climb(Feature::kSetup, true, try_setup) && climb(Feature::kDeferTaskrun, false, try_setup) &&
           climb(Feature::kDisabledStart, false, try_setup) && climb(Feature::kTimedWait, true, try_timed_wait) &&
           climb(Feature::kProvidedBuffers, true, try_provided_buffers) &&
           climb(Feature::kMultishotAccept, true, try_accept) &&
           climb(Feature::kMultishotReceive, true, [](FeatureSet f) { return try_receive(f, false); }) &&
           climb(Feature::kCancel, true, [](FeatureSet f) { return try_receive(f, true); });
  }
};

std::string names_of(FeatureSet features) {
  std::string names;
  for (unsigned i = 1; i < kFeatures; ++i) {
    const auto feature = static_cast<Feature>(i);
    if (features.has(feature)) names += fmt::format("{}{}", names.empty() ? "" : ", ", feature_name(feature));
  }
  return names;
}

}  // namespace

std::string_view feature_name(Feature feature) noexcept { return kNames[static_cast<unsigned>(feature)]; }

Result<FeatureSet, std::string> parse_features(std::string_view names) {
  FeatureSet set;
  while (!names.empty()) {
    const size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
    bool known = name.empty();
    for (unsigned i = 0; i < kFeatures && !known; ++i) {
      known = name == kNames[i];
      if (known) set.add(static_cast<Feature>(i));
    }
    if (!known) return Unexpected<std::string>(fmt::format("SLUICE_RING_REFUSE: \"{}\" is not a feature", name));
  }
  return set;
}

Result<FeatureSet, std::string> refused_by_environment() {
  const char* names = std::getenv("SLUICE_RING_REFUSE");
  return parse_features(names == nullptr ? "" : names);
}

Capabilities epoll_instead_of_io_uring(std::string_view why) {
  Capabilities capabilities;
  capabilities.sentence = fmt::format("epoll, because io_uring cannot be used here ({})", why);
  return capabilities;
}

Result<Capabilities, std::string> probe(BackendChoice choice, FeatureSet refused) {
  Capabilities capabilities;
  if (choice == BackendChoice::kEpoll) {
    capabilities.sentence = "epoll, because --net.backend=epoll";
    return capabilities;
  }
  Ladder ladder{.found = {}, .refused = refused, .missing = {}, .reduced = {}};
  const bool usable = ladder.climb_all();
  capabilities.features = ladder.found;
  if (usable) {
    capabilities.backend = Backend::kIoUring;
    capabilities.sentence =
        fmt::format("io_uring with {}{}{}", names_of(ladder.found), ladder.reduced.empty() ? "" : ", ", ladder.reduced);
    return capabilities;
  }
  if (choice == BackendChoice::kIoUring) {
    return Unexpected<std::string>(fmt::format(
        "--net.backend=io_uring cannot be used here ({}); --net.backend=auto falls back to epoll", ladder.missing));
  }
  capabilities = epoll_instead_of_io_uring(ladder.missing);
  capabilities.features = ladder.found;
  return capabilities;
}

}  // namespace sluice::net::ring
