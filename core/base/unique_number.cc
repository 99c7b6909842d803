#include "core/base/unique_number.h"

#include <mutex>

namespace sluice {

uint64_t unique_number() noexcept {
  static std::mutex mutex;
  static uint64_t last = 0;
  const std::scoped_lock lock(mutex);
  return ++last;
}

}  // namespace sluice
