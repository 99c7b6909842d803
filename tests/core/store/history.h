// Histories of concurrent operations, and whether some serial order explains them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "tests/core/store/naive_store.h"
#include "tests/core/store/testing.h"

namespace sluice::store::testing {

struct HistoryOp {
  enum class Kind : uint8_t { kPush, kFail, kErase, kRead };

  Kind kind = Kind::kPush;
  const Pushed* pushed = nullptr;  // kPush
  bool replace = false;
  int64_t wall_ns = 0;
  model::GroupKey key;  // all but kRead
  bool done = false;    // kPush: stored; kErase: existed
  uint64_t stamp = 0;   // of what it changed, where the test looks at stamps; 0 for nothing
  uint64_t begin = 0;   // on one clock for all
  uint64_t end = 0;
  NaiveStore::Groups read;  // kRead
};

// Whether the operations (reads left out), in some order that respects real time, have these results on the naive store
// and end in `after`. `before` is the state at the beginning. At most 32 operations; meant for about ten.
[[nodiscard]] bool serial_order_exists(const std::vector<HistoryOp>& ops, const NaiveStore::Groups& before,
                                       const NaiveStore::Groups& after);

// Whether, for each group by itself, pushes that were stored, failures, erasures and reads are linearizable; verdicts
// of rejected pushes do not count. At most 64 operations on each group. Names the first group that is not, empty if
// none.
[[nodiscard]] std::string first_group_not_linearizable(const std::vector<HistoryOp>& ops,
                                                       const NaiveStore::Groups& before);

}  // namespace sluice::store::testing
