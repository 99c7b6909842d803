#include "core/base/clock.h"

#include <ctime>

namespace sluice {
namespace {

int64_t read_ns(clockid_t id) noexcept {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t monotonic_ns() noexcept { return read_ns(CLOCK_MONOTONIC); }

int64_t wall_ns() noexcept { return read_ns(CLOCK_REALTIME); }

}  // namespace sluice
