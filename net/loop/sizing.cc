#include "net/loop/sizing.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::net::loop {

namespace {

// Workers at most: a participant of the epochs each (limits::kParticipantsMax = 256), some are left for other threads.
constexpr uint32_t kWorkersMax = 240;

// Descriptors that are no connections: standard streams, logs, configuration, snapshot and listed files; and for each
// worker its ring or epoll, two eventfds, a log segment, and its listeners.
constexpr uint64_t kFilesOfProcess = 32;
constexpr uint64_t kFilesOfWorker = 8;
// Fewer connections than this make no worker.
constexpr uint64_t kConnectionsMin = 8;
// Connections of all workers at most. With 20 KB each in our memory and the kernel's, a million needs 20 GB.
constexpr uint64_t kConnectionsMax = 1'000'000;
// What a connection needs at least, in ours and the kernel's memory: its state and a socket with a little in its
// queues.
constexpr uint64_t kConnectionBytes = 20 * 1024;
// Parts of the memory limit that connections and receive buffers may use at most; the rest is the store's.
constexpr uint64_t kConnectionsShare = 4;
constexpr uint64_t kBuffersShare = 32;

constexpr uint32_t kBufferBytes = 8192;  // a push of S is 1.4 KB with its head; larger ones take several buffers
constexpr uint32_t kBuffersMax = 1024;   // of one worker: 8 MB, as many as four batches of completions can use
constexpr uint32_t kBuffersMin = 16;
constexpr uint32_t kSubmissionsMax = 1024;
constexpr uint32_t kSubmissionsMin = 64;
// The kernel's bytes for one submission entry, for its place in the submission ring and its four times as many
// completion entries, for that ring's head, and for one buffer's entry.
constexpr uint64_t kSubmissionBytes = 64;
constexpr uint64_t kSubmissionRingBytes = 4 + 4 * 16;
constexpr uint64_t kRingHeadBytes = 256;
constexpr uint64_t kBufferEntryBytes = 16;
constexpr uint64_t kPageBytes = 4096;
// Kernels before 5.12 charge rings to RLIMIT_MEMLOCK, as 6.18 does again, all rings of a user together: half of the
// limit is shared out, so that other charges fit.
constexpr uint64_t kMemlockShare = 2;

std::string choose_workers(const SystemLimits& system, uint32_t workers_flag, uint32_t& workers) {
  if (workers_flag > 0) {
    workers = std::min(workers_flag, kWorkersMax);
    if (workers < workers_flag) return fmt::format("--runtime.workers={}, at most {}", workers_flag, kWorkersMax);
    return fmt::format("--runtime.workers={}", workers_flag);
  }
  workers = std::clamp(system.cpus, 1u, kWorkersMax);
  if (system.cpu_quota > 0 && system.cpu_quota < system.cpus) {
    workers = std::clamp(static_cast<uint32_t>(std::ceil(system.cpu_quota)), 1u, workers);
    return fmt::format("CPU quota {:.2g}", system.cpu_quota);
  }
  return fmt::format("{} CPU{} in the affinity mask", system.cpus, system.cpus == 1 ? "" : "s");
}

std::string workers_reason(const SystemLimits& system, uint32_t workers_flag, uint32_t& workers) {
  std::string reason = choose_workers(system, workers_flag, workers);
  const uint64_t files = system.files - std::min(system.files, kFilesOfProcess);
  const uint64_t by_files = std::max<uint64_t>(files / (kFilesOfWorker + kConnectionsMin), 1);
  if (workers <= by_files) return reason;
  workers = static_cast<uint32_t>(by_files);
  return reason + fmt::format(", cut to RLIMIT_NOFILE {}", system.files);
}

// What the kernel charges for one worker's ring: three areas of whole pages.
uint64_t ring_bytes(uint32_t submissions, uint64_t buffers) noexcept {
  const auto pages = [](uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; };
  return pages(kRingHeadBytes + submissions * kSubmissionRingBytes) + pages(submissions * kSubmissionBytes) +
         pages(buffers * kBufferEntryBytes);
}

uint32_t power_of_two_below(uint64_t value, uint32_t least, uint32_t most) noexcept {
  return static_cast<uint32_t>(std::clamp<uint64_t>(std::bit_floor(value), least, most));
}

std::string size_connections(const SystemLimits& system, uint64_t flag, Sizes& sizes) {
  const uint64_t reserved = kFilesOfProcess + kFilesOfWorker * sizes.workers;
  // With hardly any descriptors a quarter still goes to connections: some are better than none.
  const uint64_t by_files =
      system.files == kNoLimit ? kNoLimit : std::max(system.files - std::min(system.files, reserved), system.files / 4);
  const uint64_t by_memory =
      system.memory == kNoLimit ? kNoLimit : system.memory / kConnectionsShare / kConnectionBytes;
  const uint64_t all = std::min({by_files, by_memory, kConnectionsMax});
  sizes.connections_max = static_cast<uint32_t>(std::max(all / sizes.workers, kConnectionsMin));
  const uint64_t by_flag = (flag + sizes.workers - 1) / sizes.workers + 1;
  if (flag != 0 && by_flag < sizes.connections_max) {
    sizes.connections_max = static_cast<uint32_t>(by_flag);
    return fmt::format("--limits.connections={}", flag);
  }
  if (all == by_files) return fmt::format("RLIMIT_NOFILE {}", system.files);
  if (all == by_memory) return fmt::format("memory of {} MiB", system.memory >> 20);
  return "the built-in maximum";
}

// Halves whatever takes more until the kernel's charge is at most `bytes` or both are as small as they may be.
void fit_ring(uint64_t bytes, ring::RingOptions& ring) noexcept {
  while (ring_bytes(ring.submissions, ring.buffers) > bytes) {
    const bool larger = ring_bytes(ring.submissions, 0) >= ring.buffers * kBufferEntryBytes;
    if (ring.submissions > kSubmissionsMin && (larger || ring.buffers == kBuffersMin)) {
      ring.submissions /= 2;
    } else if (ring.buffers > kBuffersMin) {
      ring.buffers /= 2;
    } else {
      return;
    }
  }
}

// Empty when nothing had to be cut.
std::string size_ring(const SystemLimits& system, const ring::Capabilities& capabilities, Sizes& sizes) {
  sizes.ring.buffer_bytes = kBufferBytes;
  sizes.ring.submissions = kSubmissionsMax;
  std::string cut;
  sizes.ring.buffers = kBuffersMax;
  if (system.memory != kNoLimit) {
    const uint64_t by_memory = system.memory / kBuffersShare / sizes.workers / kBufferBytes;
    if (by_memory < kBuffersMax) cut = fmt::format("memory of {} MiB", system.memory >> 20);
    sizes.ring.buffers = power_of_two_below(by_memory, kBuffersMin, kBuffersMax);
  }
  if (capabilities.backend == ring::Backend::kIoUring && system.memlock != kNoLimit) {
    const uint64_t each = system.memlock / kMemlockShare / sizes.workers;
    if (ring_bytes(sizes.ring.submissions, sizes.ring.buffers) > each) {
      cut += fmt::format("{}RLIMIT_MEMLOCK {} KiB", cut.empty() ? "" : ", ", system.memlock >> 10);
      fit_ring(each, sizes.ring);
    }
  }
  sizes.ring.completions = 4 * sizes.ring.submissions;
  return cut;
}

}  // namespace

Sizes size_for(const SystemLimits& system, const ring::Capabilities& capabilities, uint32_t workers_flag,
               uint64_t connections_flag) {
  Sizes sizes;
  const std::string workers_why = workers_reason(system, workers_flag, sizes.workers);
  const std::string connections_why = size_connections(system, connections_flag, sizes);
  const std::string cut = size_ring(system, capabilities, sizes);
  sizes.sentence = fmt::format(
      "backend {}; {} worker{} ({}), each with up to {} connections ({}), {} receive buffers of {} KiB and {} "
      "submissions{}",
      capabilities.sentence, sizes.workers, sizes.workers == 1 ? "" : "s", workers_why, sizes.connections_max,
      connections_why, sizes.ring.buffers, sizes.ring.buffer_bytes / 1024, sizes.ring.submissions,
      cut.empty() ? "" : fmt::format(" (cut to {})", cut));
  return sizes;
}

}  // namespace sluice::net::loop
