// Making an io_uring with the best flags that this kernel accepts. Used by the probe and by the ring itself.
#pragma once

#include "net/ring/compat.h"
#include "net/ring/probe.h"

namespace sluice::net::ring {

// Flags for a feature set: SINGLE_ISSUER | DEFER_TASKRUN | R_DISABLED as far as the set has them.
[[nodiscard]] unsigned setup_flags(FeatureSet features) noexcept;

// io_uring_queue_init with `flags`. When the kernel answers ENOMEM, waits up to half a second for what rings closed
// before have to give back, then halves the queues (down to 64 entries). Returns 0 or a negative errno.
[[nodiscard]] int init_ring(io_uring& ring, unsigned submissions, unsigned completions, unsigned flags) noexcept;

// Registers `memory` (page-aligned, entries * sizeof(io_uring_buf)) as the buffer ring of group `group`; waits at
// ENOMEM as init_ring does.
[[nodiscard]] int register_buffers(io_uring& ring, void* memory, unsigned entries, int group) noexcept;

}  // namespace sluice::net::ring
