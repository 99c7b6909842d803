// The memory of a body that does not lie in one provided buffer.
//
// Grows with what arrives, never by what was announced: it is mapped, and grown by mremap, which moves page tables and
// not bytes. So a large body is written once, by the kernel, and read where it was written. Contiguous always. The page
// tables of 64 MB take 0.3 ms to move, so a body that outgrows what is kept gets addresses for the largest one at once;
// capacity() still doubles, as the bound of what it may touch.
//
// Owner: one connection, or its worker's pool. Fails by returning false when the system has no memory.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::net::conn {

class BodyBuffer {
 public:
  BodyBuffer() = default;
  BodyBuffer(BodyBuffer&& other) noexcept;
  BodyBuffer& operator=(BodyBuffer&& other) noexcept;
  ~BodyBuffer();

  // Makes room for `more` bytes behind what is used.
  [[nodiscard]] bool reserve(size_t more) noexcept;
  // The room.
  [[nodiscard]] std::span<char> tail() const noexcept { return {memory_ + used_, capacity_ - used_}; }
  // `bytes` of the tail have been written.
  void commit(size_t bytes) noexcept;
  // There is room for them.
  void append(std::span<const char> bytes) noexcept;
  // Takes a part of the tail into use; moves it down when there is a gap before it.
  void commit_part(std::span<const char> part) noexcept;

  [[nodiscard]] std::string_view view() const noexcept { return {memory_, used_}; }
  [[nodiscard]] size_t used() const noexcept { return used_; }
  [[nodiscard]] size_t capacity() const noexcept { return capacity_; }
  void clear() noexcept { used_ = 0; }

 private:
  [[nodiscard]] bool map(size_t bytes) noexcept;

  char* memory_ = nullptr;
  size_t capacity_ = 0;
  size_t mapped_ = 0;  // at least capacity_
  size_t used_ = 0;
};

// The buffers of a worker: what all its bodies hold together is bounded by Options::body_bytes_held_max. Buffers
// between two bodies are kept, so that steady large pushes do not map and fault in their pages each time: at most
// kBodyBuffersKept, none above kBodyBufferBytesKept.
class BodyPool {
 public:
  explicit BodyPool(size_t held_bytes_max) noexcept : held_bytes_max_(held_bytes_max) {}

  // Makes room for `more` bytes in `buffer`, which may be a spare one before. False at the bound or without memory.
  [[nodiscard]] bool reserve(BodyBuffer& buffer, size_t more) noexcept;
  // `buffer` is empty afterwards. No effect on one that never held anything.
  void give_back(BodyBuffer& buffer) noexcept;
  // Bytes of all buffers that are out.
  [[nodiscard]] size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  const size_t held_bytes_max_;
  size_t held_bytes_ = 0;
  std::vector<BodyBuffer> spare_;
};

}  // namespace sluice::net::conn
