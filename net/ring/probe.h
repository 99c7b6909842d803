// What this kernel (and the sandbox around it) lets us do, found out by doing it: no kernel-version tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "net/ring/ring.h"

namespace sluice::net::ring {

// What `--net.backend` says.
enum class BackendChoice : uint8_t { kAuto, kIoUring, kEpoll };

// Features that the probe tries one by one; a set of them can be refused from outside (SLUICE_RING_REFUSE, for tests of
// the ladder: names separated by commas).
enum class Feature : uint8_t {
  kSetup,             // "setup": a ring at all
  kDeferTaskrun,      // "defer_taskrun": SINGLE_ISSUER | DEFER_TASKRUN (optional)
  kDisabledStart,     // "disabled_start": made on one thread, enabled on another (optional)
  kProvidedBuffers,   // "provided_buffers"
  kMultishotAccept,   // "multishot_accept"
  kMultishotReceive,  // "multishot_receive"
  kCancel,            // "cancel"
  kTimedWait,         // "timed_wait": a wait with a timeout in the same system call
};
inline constexpr unsigned kFeatures = 8;
[[nodiscard]] std::string_view feature_name(Feature feature) noexcept;

// A set of features, one bit each.
struct FeatureSet {
  uint32_t bits = 0;
  [[nodiscard]] constexpr bool has(Feature f) const noexcept { return (bits >> static_cast<unsigned>(f)) & 1u; }
  constexpr void add(Feature f) noexcept { bits |= 1u << static_cast<unsigned>(f); }
};

// "defer_taskrun,multishot_accept" to a set; the error names the word that is not a feature.
[[nodiscard]] Result<FeatureSet, std::string> parse_features(std::string_view names);
// parse_features of the environment's SLUICE_RING_REFUSE.
[[nodiscard]] Result<FeatureSet, std::string> refused_by_environment();

struct Capabilities {
  Backend backend = Backend::kEpoll;
  FeatureSet features;   // of io_uring; empty when it was not tried
  std::string sentence;  // "io_uring (defer_taskrun, ...)", or "epoll, because io_uring_setup: ..."
};

// Tries each feature once with small rings and a socket pair; takes about a millisecond. Fails only when the choice is
// kIoUring and io_uring cannot be used; the error is one sentence naming the flag.
[[nodiscard]] Result<Capabilities, std::string> probe(BackendChoice choice, FeatureSet refused = {});
// For kAuto when the small rings of the probe could be made and the workers' own cannot; `why` is make_ring's sentence.
[[nodiscard]] Capabilities epoll_instead_of_io_uring(std::string_view why);

}  // namespace sluice::net::ring
