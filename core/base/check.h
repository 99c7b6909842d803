// Assertions for programmer errors. Operating errors are returned as Result; these abort.
#pragma once

namespace sluice {

// Prints `file:line: check failed: what` to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* what) noexcept;

}  // namespace sluice

// Always on: for facts whose violation would corrupt stored data or answer a client wrongly.
#define SLUICE_CHECK(condition) \
  (__builtin_expect(!!(condition), 1) ? static_cast<void>(0) : ::sluice::check_failed(__FILE__, __LINE__, #condition))

// On in debug builds: one fact each, at hand-over and at receipt.
#ifdef NDEBUG
#define SLUICE_DCHECK(condition) static_cast<void>(sizeof(!!(condition)))
#else
#define SLUICE_DCHECK(condition) SLUICE_CHECK(condition)
#endif
