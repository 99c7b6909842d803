#include "net/ring/buffers.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::net::ring {

Result<Buffers, std::string> Buffers::map(uint32_t count, uint32_t bytes) {
  SLUICE_CHECK(count > 0 && count <= 32768 && bytes > 0);
  const size_t size = static_cast<size_t>(count) * bytes;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return Unexpected<std::string>(
        fmt::format("cannot map {} receive buffers of {} bytes: {}", count, bytes, std::strerror(errno)));
  }
  Buffers buffers;
  buffers.memory_ = static_cast<char*>(memory);
  buffers.count_ = count;
  buffers.bytes_ = bytes;
  buffers.is_out_.assign(count, 0);
  return buffers;
}

Buffers::Buffers(Buffers&& other) noexcept { *this = std::move(other); }

Buffers& Buffers::operator=(Buffers&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(count_, other.count_);
  std::swap(bytes_, other.bytes_);
  std::swap(out_, other.out_);
  std::swap(is_out_, other.is_out_);
  return *this;
}

Buffers::~Buffers() {
  if (memory_ != nullptr) munmap(memory_, static_cast<size_t>(count_) * bytes_);
}

}  // namespace sluice::net::ring
