// What has been received on a connection and not been used yet: a queue of provided buffers.
//
// A buffer stays here after its last byte was read until release(): the head of a request, and a small body, are used
// where they were received. So a buffer of the ring is in exactly one of these states: the kernel's, or held in one
// Inbox.
//
// Owner: one connection. Not bounded by itself: the connection cancels its receive at kHeldBuffersMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/ring/ring.h"

namespace sluice::net::conn {

class Inbox {
 public:
  Inbox() = default;
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  void push(ring::BufId buffer, char* data, size_t bytes);
  // Bytes that do not lie in a provided buffer (decrypted ones); copied.
  void push_own(std::string_view bytes);
  // Bytes that were received behind the end of a large body; copied. Only when nothing else is here.
  void push_copy(std::string_view bytes);

  // The unread bytes of the first buffer that has any; empty when there are none. The caller may change them.
  [[nodiscard]] std::span<char> front() const noexcept {
    if (reading_ == pieces_.size()) return {};
    const Piece& piece = pieces_[reading_];
    return {piece.data + read_, piece.bytes - read_};
  }
  [[nodiscard]] bool empty() const noexcept { return reading_ == pieces_.size(); }
  // `bytes` of front() are read. They stay where they are until release().
  void consume(size_t bytes) noexcept;
  // Gives back every buffer that was read to its end. Views into them die.
  void release(ring::Ring& ring) noexcept;
  // Copies what is unread and gives every buffer back: for a connection that waits for long. Views die, also of
  // front().
  void detach(ring::Ring& ring);
  // Gives everything back.
  void clear(ring::Ring& ring) noexcept;
  // Buffers held, read or not.
  [[nodiscard]] size_t held() const noexcept { return pieces_.size(); }

 private:
  struct Piece {
    char* data;
    size_t bytes;
    ring::BufId buffer;           // kNoBuffer: own
    std::unique_ptr<char[]> own;  // memory of `data`, if it is not a provided buffer's
  };
  std::vector<Piece> pieces_;
  size_t reading_ = 0;  // index of the piece that front() reads
  size_t read_ = 0;     // bytes of it
};

}  // namespace sluice::net::conn
