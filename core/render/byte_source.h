// A sequence of bytes that is produced piece by piece, in slices of time: the renderer, and the gzip stage behind it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"

namespace sluice::render {

class ByteSource {
 public:
  enum class State : uint8_t {
    kMore,  // the buffer is full or the deadline has passed: call again
    kDone,  // nothing follows
  };
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Writes at most `capacity` bytes (at least 1) to `out` and sets `used` to their number. May write nothing and return
  // kMore when the deadline has passed; makes some progress in every call.
  [[nodiscard]] virtual State produce(char* out, size_t capacity, size_t& used, Deadline deadline) = 0;
};

}  // namespace sluice::render
