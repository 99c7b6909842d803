// The two clocks. Deadlines and slices use the monotonic one; only push times use the wall clock.
#pragma once

#include <cstdint>

namespace sluice {

// Nanoseconds of CLOCK_MONOTONIC. Never goes back; unrelated to the date.
[[nodiscard]] int64_t monotonic_ns() noexcept;

// Nanoseconds since the Unix epoch, CLOCK_REALTIME. May jump; never used to order anything.
[[nodiscard]] int64_t wall_ns() noexcept;

// A point on the monotonic clock at which a step function hands the thread back. Steps check it every few microseconds
// of work, always make progress before the first check, and so terminate under any deadline.
struct Deadline {
  int64_t at_ns = 0;

  [[nodiscard]] static Deadline in_ns(int64_t duration_ns) noexcept { return {monotonic_ns() + duration_ns}; }
  [[nodiscard]] static constexpr Deadline never() noexcept { return {INT64_MAX}; }
  [[nodiscard]] bool passed() const noexcept { return at_ns != INT64_MAX && monotonic_ns() >= at_ns; }
};

}  // namespace sluice
