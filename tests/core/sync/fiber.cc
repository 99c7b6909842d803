#include "tests/core/sync/fiber.h"

#include <cstdint>
#include <utility>

#include "core/base/check.h"

#ifdef SLUICE_ASAN_FIBERS
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SLUICE_TSAN_FIBERS
#include <sanitizer/tsan_interface.h>
#endif

namespace sluice::sync::testing {

namespace {
// Sanitized frames are several times larger than plain ones.
constexpr size_t kStackBytes = 512 * 1024;
}  // namespace

Fiber::Fiber() {
#ifdef SLUICE_TSAN_FIBERS
  thread_fiber_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(std::function<void()> body, std::function<void()> at_end)
    : stack_(new std::byte[kStackBytes]),  // Not cleared: only touched pages cost anything.
      stack_bytes_(kStackBytes),
      stack_bottom_(stack_.get()),
      body_(std::move(body)),
      at_end_(std::move(at_end)) {
  SLUICE_CHECK(getcontext(&context_) == 0);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = stack_bytes_;
  context_.uc_link = nullptr;
  // makecontext passes ints only, hence the address in two halves.
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::entry), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
#ifdef SLUICE_TSAN_FIBERS
  thread_fiber_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#ifdef SLUICE_TSAN_FIBERS
  if (stack_ != nullptr) __tsan_destroy_fiber(thread_fiber_);
#endif
}

void Fiber::entry(unsigned high, unsigned low) {
  auto* self = reinterpret_cast<Fiber*>((static_cast<uintptr_t>(high) << 32) | low);
  self->arrived();
  self->body_();
  self->at_end_();
  SLUICE_CHECK(false && "at_end must switch away");
}

void Fiber::switch_from(Fiber& from, [[maybe_unused]] bool from_is_over) {
  came_from_ = &from;
#ifdef SLUICE_ASAN_FIBERS
  __sanitizer_start_switch_fiber(from_is_over ? nullptr : &from.fake_stack_, stack_bottom_, stack_bytes_);
#endif
#ifdef SLUICE_TSAN_FIBERS
  __tsan_switch_to_fiber(thread_fiber_, 0);
#endif
  SLUICE_CHECK(swapcontext(&from.context_, &context_) == 0);
  from.arrived();
}

void Fiber::arrived() {
#ifdef SLUICE_ASAN_FIBERS
  const void* bottom = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
  if (came_from_ != nullptr && came_from_->stack_ == nullptr) {  // The thread's own stack is only known from here.
    came_from_->stack_bottom_ = bottom;
    came_from_->stack_bytes_ = bytes;
  }
#endif
}

}  // namespace sluice::sync::testing
