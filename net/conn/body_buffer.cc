#include "net/conn/body_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/large_memory.h"
#include "core/base/limits.h"
#include "core/base/sanitizers.h"

namespace sluice::net::conn {

namespace {
// The first mapping: room for the second receive of an ordinary large push.
constexpr size_t kFirstBytes = 64 * 1024;
// Addresses of one that is larger than those that are kept: doubling never comes beyond it.
constexpr size_t kMostBytes = 2 * limits::kBodyBytesMax;

void* map_fresh(size_t bytes) noexcept {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// The same mapping with more room, elsewhere if need be; MAP_FAILED, and nothing changed, where the system has none.
void* map_more(void* memory, size_t before, size_t used, size_t bytes) noexcept {
  if constexpr (!kThreadSanitizer) return ::mremap(memory, before, bytes, MREMAP_MAYMOVE);
  // ThreadSanitizer does not see mremap, and would call what another thread once had at the new addresses a race.
  void* const more = map_fresh(bytes);
  if (more == MAP_FAILED) return more;
  std::memcpy(more, memory, used);
  ::munmap(memory, before);
  return more;
}
}  // namespace

BodyBuffer::BodyBuffer(BodyBuffer&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      used_(std::exchange(other.used_, 0)) {}

BodyBuffer& BodyBuffer::operator=(BodyBuffer&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(capacity_, other.capacity_);
  std::swap(mapped_, other.mapped_);
  std::swap(used_, other.used_);
  return *this;
}

BodyBuffer::~BodyBuffer() {
  if (memory_ != nullptr) release_large(memory_, mapped_);
}

bool BodyBuffer::reserve(size_t more) noexcept {
  if (capacity_ - used_ >= more) return true;
  size_t wanted = std::max(kFirstBytes, capacity_ * 2);
  while (wanted - used_ < more) wanted *= 2;
  if (wanted > mapped_ && !map(wanted > limits::kBodyBufferBytesKept ? std::max(wanted, kMostBytes) : wanted) &&
      !map(wanted)) {
    return false;
  }
  capacity_ = wanted;
  return true;
}

bool BodyBuffer::map(size_t bytes) noexcept {
  void* memory = MAP_FAILED;
  if (memory_ == nullptr) {
    memory = map_fresh(bytes);
    // The first touch of a huge page clears 2 MB: too much for one receive.
    if (memory != MAP_FAILED) ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  } else {
    memory = map_more(memory_, mapped_, used_, bytes);
  }
  if (memory == MAP_FAILED) return false;
  memory_ = static_cast<char*>(memory);
  mapped_ = bytes;
  return true;
}

void BodyBuffer::commit(size_t bytes) noexcept {
  SLUICE_DCHECK(bytes <= capacity_ - used_);
  used_ += bytes;
}

void BodyBuffer::append(std::span<const char> bytes) noexcept {
  SLUICE_DCHECK(bytes.size() <= capacity_ - used_);
  if (bytes.empty()) return;
  std::memcpy(memory_ + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

void BodyBuffer::commit_part(std::span<const char> part) noexcept {
  if (part.empty()) return;
  SLUICE_DCHECK(part.data() >= memory_ + used_ && part.data() + part.size() <= memory_ + capacity_);
  if (part.data() != memory_ + used_) std::memmove(memory_ + used_, part.data(), part.size());
  used_ += part.size();
}

bool BodyPool::reserve(BodyBuffer& buffer, size_t more) noexcept {
  if (more == 0) return true;
  if (buffer.capacity() == 0 && !spare_.empty()) {
    buffer = std::move(spare_.back());
    spare_.pop_back();
    held_bytes_ += buffer.capacity();
  }
  const size_t before = buffer.capacity();
  if (before - buffer.used() >= more) return true;
  if (held_bytes_ + more > held_bytes_max_ || !buffer.reserve(more)) return false;
  held_bytes_ += buffer.capacity() - before;
  return true;
}

void BodyPool::give_back(BodyBuffer& buffer) noexcept {
  if (buffer.capacity() == 0) return;
  held_bytes_ -= buffer.capacity();
  BodyBuffer taken = std::move(buffer);
  buffer = BodyBuffer();
  if (taken.capacity() > limits::kBodyBufferBytesKept || spare_.size() >= limits::kBodyBuffersKept) return;
  taken.clear();
  spare_.push_back(std::move(taken));
}

}  // namespace sluice::net::conn
