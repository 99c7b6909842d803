// The atomic types of core/store. Programs use std::atomic; the schedule tests compile this folder once more with a
// substitute that hands each access to a deterministic scheduler.
#pragma once

#include "core/sync/atomics.h"

#ifdef SLUICE_STORE_ATOMICS_HEADER
#include SLUICE_STORE_ATOMICS_HEADER
#endif

namespace sluice::store {

#ifdef SLUICE_STORE_ATOMICS
using Atomics = SLUICE_STORE_ATOMICS;
#else
using Atomics = sync::StdAtomics;
#endif

template <typename T>
using Atomic = Atomics::Atomic<T>;

}  // namespace sluice::store
