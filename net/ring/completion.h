// What a ring reports, and the one helper that reads it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/ring/token.h"

namespace sluice::net::ring {

// Index of a provided buffer. Its own type because it is easily swapped with a length or a connection's index.
enum class BufId : uint16_t {};
inline constexpr BufId kNoBuffer{0xffff};

enum class Op : uint8_t { kAccept, kReceive, kReceiveInto, kSend, kShutdown, kFdatasync };

// One completion. `data` belongs to the receiver of the completion until it calls Ring::give_back(buffer).
struct Completion {
  Token token;
  int32_t result = 0;  // >= 0: bytes, a descriptor (accept) or 0; < 0: a negative errno
  Op op = Op::kSend;
  bool more = false;           // the operation goes on and will complete again (multishot only)
  BufId buffer = kNoBuffer;    // kReceive with result > 0 only
  const char* data = nullptr;  // result bytes in that buffer
};

// What the owner of a multishot operation has to do after a completion.
enum class Next : uint8_t {
  kKeep,    // still armed
  kRearm,   // ended for a passing reason: submit it again
  kPark,    // ended because something ran out (buffers, descriptors, memory): submit again once some came back,
            // never at once
  kClosed,  // ended for good: end of stream, cancelled, or a broken descriptor
};

// The only reader of `more`. Also right for single-shot operations (never kKeep). A result of 0 bytes from a receive is
// the end of the stream: kClosed.
[[nodiscard]] Next next_of(const Completion& completion) noexcept;

// True when the errno (positive) is one that this operation is known to end with on a healthy system (reset, timed out,
// cancelled, ...). Unknown ones are to be logged with their operation; they close that connection only.
[[nodiscard]] bool is_expected_error(Op op, int error) noexcept;

// "receive", "send", ... for logs.
[[nodiscard]] const char* op_name(Op op) noexcept;

}  // namespace sluice::net::ring
