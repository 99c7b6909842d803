// Memory after very many pushes and deletes, in one process and without the network: does it stay what it was?
//
//   bench/churn_bench [MILLIONS OF OPERATIONS, 100] [GROUPS ALIVE, 100000] [THREADS, 2]
//
// The workload is tests/core/store/churn.h. Prints, after 1, 2, 5, 10, ... million operations, what the blocks of the
// store have, what its slabs hold, what malloc has given out and has taken from the system, what is resident, and the
// most versions that waited to be freed at one time so far; at the end the ratio of the last to the first. It fails (1)
// above 1.1.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>

#include "core/base/clock.h"
#include "tests/core/store/churn.h"

namespace sluice::store::testing {
namespace {

constexpr uint64_t kMillion = 1'000'000;

Footprint report(Churn& churn, int64_t began_ns) {
  const Footprint now = footprint_of(churn.store());
  const double seconds = static_cast<double>(monotonic_ns() - began_ns) / 1e9;
  const auto megabytes = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  fmt::print("{:>10} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f} {:>11} {:>9.1f}\n",
             churn.operations() / kMillion, megabytes(now.store_bytes), megabytes(now.held_bytes),
             megabytes(now.in_use_bytes), megabytes(now.from_system), megabytes(now.resident_bytes),
             churn.retired_max(), seconds);
  std::fflush(stdout);
  return now;
}

int run(uint64_t millions, size_t groups, unsigned threads) {
  const int64_t began_ns = monotonic_ns();
  Churn churn(groups, threads, 1);
  fmt::print("{:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>9}\n", "millions", "blocks MB", "slabs MB",
             "in use MB", "system MB", "resident", "retired max", "seconds");
  churn.run(kMillion);
  const Footprint first = report(churn, began_ns);
  Footprint last = first;
  uint64_t done = 1;
  for (uint64_t scale = 1; done < millions; scale *= 10) {
    for (const uint64_t step : {2, 5, 10}) {
      const uint64_t until = std::min(step * scale, millions);
      if (until <= done) continue;
      churn.run((until - done) * kMillion);
      done = until;
      last = report(churn, began_ns);
    }
  }
  const double ratio = static_cast<double>(last.resident_bytes) / static_cast<double>(first.resident_bytes);
  fmt::print("resident after {} M operations: {:.3f} of that after the first million\n", millions, ratio);
  return ratio <= 1.1 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::store::testing

int main(int argc, char** argv) {
  const uint64_t millions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100;
  const uint64_t groups = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  const uint64_t threads = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2;
  return sluice::store::testing::run(millions, groups, static_cast<unsigned>(threads));
}
