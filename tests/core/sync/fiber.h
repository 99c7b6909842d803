// A cooperative thread of execution with a stack of its own, for the deterministic scheduler.
//
// Switches by ucontext; AddressSanitizer and ThreadSanitizer are told of every switch, so that both keep working. All
// fibers of a schedule run on one operating-system thread. A fiber that never ends is abandoned: its stack is given
// back without running destructors.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_ASAN_FIBERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_ASAN_FIBERS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SLUICE_TSAN_FIBERS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_TSAN_FIBERS 1
#endif
#endif

namespace sluice::sync::testing {

// Sanitizers make switching between fibers some fifty times slower. They look for bad accesses, which few schedules
// show as well as many; the schedules are tried by the hundred without them.
#if defined(SLUICE_ASAN_FIBERS) || defined(SLUICE_TSAN_FIBERS)
inline constexpr uint64_t kSlowdown = 50;
#else
inline constexpr uint64_t kSlowdown = 1;
#endif

class Fiber {
 public:
  // The thread's own stack, to switch from and back to.
  Fiber();
  // `body` runs at the first switch; `at_end` must switch away for ever.
  Fiber(std::function<void()> body, std::function<void()> at_end);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Leaves `from`, which must be running, and continues this one. Returns when somebody switches back to `from`.
  void switch_from(Fiber& from, bool from_is_over = false);

 private:
  static void entry(unsigned high, unsigned low);
  void arrived();

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  size_t stack_bytes_ = 0;
  const void* stack_bottom_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;    // AddressSanitizer's
  [[maybe_unused]] void* thread_fiber_ = nullptr;  // ThreadSanitizer's
  Fiber* came_from_ = nullptr;
  std::function<void()> body_;
  std::function<void()> at_end_;
};

}  // namespace sluice::sync::testing
