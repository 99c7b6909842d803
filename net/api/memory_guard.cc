#include "net/api/memory_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "core/base/limits.h"

namespace sluice::net::api {
namespace {

// While a body is worked on there are the tables of its parser, twice its text or so, its canonical text and the
// version that is made of it.
constexpr uint64_t kBodyFactor = 6;

// The second number of /proc/self/statm: resident pages. 0 when it cannot be read.
int64_t resident_bytes(int statm) noexcept {
  char text[128];
  const ssize_t got = ::pread(statm, text, sizeof text, 0);
  if (got <= 0) return 0;
  const char* const end = text + got;
  const char* const blank = std::find(static_cast<const char*>(text), end, ' ');
  if (blank == end) return 0;
  int64_t pages = 0;
  std::from_chars(blank + 1, end, pages);
  static const int64_t kPageBytes = ::sysconf(_SC_PAGESIZE);  // 64 KiB on some arm64 kernels
  return pages * kPageBytes;
}

}  // namespace

MemoryGuard::MemoryGuard(const store::Store& store, uint64_t limit_bytes) : store_(store), limit_bytes_(limit_bytes) {
  if (limit_bytes_ == 0) return;
  statm_ = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  sample();
}

MemoryGuard::~MemoryGuard() {
  if (statm_ >= 0) ::close(statm_);
}

void MemoryGuard::sample() noexcept {
  if (limit_bytes_ == 0) return;
  const int64_t resident = resident_bytes(statm_);
  resident_.set(resident);
  used_.set(std::max<int64_t>(resident - static_cast<int64_t>(store_.free_bytes()), 0));
}

store::Pressure MemoryGuard::pressure() const noexcept {
  if (limit_bytes_ == 0) return store::Pressure::kNone;
  const auto limit = static_cast<int64_t>(limit_bytes_);
  const int64_t used = used_.get();
  // Whatever the store has free may be in the wrong sizes, so that it has to grow all the same.
  const int64_t resident = resident_.get();
  if (resident >= limit - limit / 32) return store::Pressure::kStop;
  if (used >= limit - limit / 16) return store::Pressure::kShrinkOnly;
  if (used >= limit - limit / 8 || resident >= limit - limit / 16) return store::Pressure::kNoGrowth;
  return store::Pressure::kNone;
}

bool MemoryGuard::promise(uint64_t body_bytes) noexcept {
  if (limit_bytes_ == 0 || body_bytes < limits::kPushBodyBytesLarge) return true;
  const auto bytes = static_cast<int64_t>(body_bytes * kBodyFactor);
  sample();
  if (used_.get() + promised_.add(bytes) <= static_cast<int64_t>(limit_bytes_)) return true;
  promised_.add(-bytes);
  return false;
}

void MemoryGuard::give_back(uint64_t body_bytes) noexcept {
  if (limit_bytes_ == 0 || body_bytes < limits::kPushBodyBytesLarge) return;
  promised_.add(-static_cast<int64_t>(body_bytes * kBodyFactor));
}

}  // namespace sluice::net::api
