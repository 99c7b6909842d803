#include "net/ring/uring_setup.h"

#include <cerrno>
#include <cstring>

namespace sluice::net::ring {

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
  for (;;) {
    io_uring_params params;
    std::memset(&params, 0, sizeof(params));
    params.flags = flags | IORING_SETUP_CQSIZE;
    params.cq_entries = completions;
    const int result = io_uring_queue_init_params(submissions, &ring, &params);
    if (result != -ENOMEM || submissions <= 64) return result;
    submissions /= 2;
    completions /= 2;
  }
}

int register_buffers(io_uring& ring, void* memory, unsigned entries, int group) noexcept {
  io_uring_buf_reg registration;
  std::memset(&registration, 0, sizeof(registration));
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = entries;
  registration.bgid = static_cast<uint16_t>(group);
  return io_uring_register_buf_ring(&ring, &registration, 0);
}

}  // namespace sluice::net::ring
