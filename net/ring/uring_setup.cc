#include "net/ring/uring_setup.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/clock.h"

namespace sluice::net::ring {

namespace {

// The kernel charges a ring's memory to RLIMIT_MEMLOCK and gives it back some milliseconds after the ring was closed,
// on a thread of its own. A limit that the rings just fit would otherwise refuse the ones that follow the probe's.
constexpr int64_t kReleaseNs = 500'000'000;
constexpr useconds_t kReleasePollUs = 2000;

// attempt() until it answers anything but -ENOMEM, or the patience ends.
template <typename Attempt>
int with_patience(const Attempt& attempt) noexcept {
  const Deadline deadline = Deadline::in_ns(kReleaseNs);
  for (;;) {
    const int result = attempt();
    if (result != -ENOMEM || deadline.passed()) return result;
    usleep(kReleasePollUs);
  }
}

int init_once(io_uring& ring, unsigned submissions, unsigned completions, unsigned flags) noexcept {
  io_uring_params params;
  std::memset(&params, 0, sizeof(params));
  params.flags = flags | IORING_SETUP_CQSIZE;
  params.cq_entries = completions;
  return io_uring_queue_init_params(submissions, &ring, &params);
}

}  // namespace

unsigned setup_flags(FeatureSet features) noexcept {
  // SUBMIT_ALL: one bad submission must not hold back those behind it. CLAMP: take what the kernel allows.
  unsigned flags = IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
  // DEFER_TASKRUN: completions are worked off when we ask for them, not by interrupting the parser.
  if (features.has(Feature::kDeferTaskrun)) flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  // R_DISABLED: the task that enables the ring becomes its single issuer; so the main thread may make it.
  if (features.has(Feature::kDisabledStart)) flags |= IORING_SETUP_R_DISABLED;
  return flags;
}

int init_ring(io_uring& ring, unsigned submissions, unsigned completions, unsigned flags) noexcept {
  int result = with_patience([&] { return init_once(ring, submissions, completions, flags); });
  while (result == -ENOMEM && submissions > 64) {
    submissions /= 2;
    completions /= 2;
    result = init_once(ring, submissions, completions, flags);
  }
  return result;
}

int register_buffers(io_uring& ring, void* memory, unsigned entries, int group) noexcept {
  io_uring_buf_reg registration;
  std::memset(&registration, 0, sizeof(registration));
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = entries;
  registration.bgid = static_cast<uint16_t>(group);
  return with_patience([&] { return io_uring_register_buf_ring(&ring, &registration, 0); });
}

}  // namespace sluice::net::ring
