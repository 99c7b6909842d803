// Debug check that a function runs on the thread that owns its object.
//
// A ThreadOwner adopts the first thread that checks it (objects are often made by the main thread and handed to a
// worker before first use); release() lets another thread adopt it. Costs nothing in release builds.
#pragma once

#include "core/base/check.h"

#ifndef NDEBUG
#include <thread>
#endif

namespace sluice {

class ThreadOwner {
 public:
#ifndef NDEBUG
  [[nodiscard]] bool owned_by_this_thread() const noexcept {
    if (owner_ == std::thread::id()) owner_ = std::this_thread::get_id();
    return owner_ == std::this_thread::get_id();
  }
  void release() noexcept { owner_ = std::thread::id(); }

 private:
  mutable std::thread::id owner_;
#else
  void release() noexcept {}
#endif
};

}  // namespace sluice

#ifndef NDEBUG
#define SLUICE_DCHECK_OWNER(owner) SLUICE_CHECK((owner).owned_by_this_thread())
#else
#define SLUICE_DCHECK_OWNER(owner) static_cast<void>(0)
#endif
