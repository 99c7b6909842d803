// The atomic types that core/sync and core/map are built on, as a policy.
//
// Every shared structure takes `Atomics` as a template parameter so that the tests can put a substitute in its place:
// one that yields to a deterministic scheduler at each access and delays stores as a TSO store buffer does
// (tests/core/sync/schedule.h), or one that counts. Programs use StdAtomics.
//
// A policy has a member template Atomic<T> with std::atomic's load, store, exchange, compare_exchange_strong, fetch_add
// and fetch_sub, each called with explicit orders, and a constant kZeroBytesAreZero: whether memory of zero bytes is a
// valid Atomic<uint64_t> of value 0, which lets large tables come from calloc and be paged in as they are touched.
#pragma once

#include <atomic>
#include <cstddef>

namespace sluice::sync {

// Bytes that two threads must not share. 64 on every CPU we build for.
inline constexpr size_t kCacheLineBytes = 64;

struct StdAtomics {
  template <typename T>
  using Atomic = std::atomic<T>;
  static constexpr bool kZeroBytesAreZero = true;
};

}  // namespace sluice::sync
