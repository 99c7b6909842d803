// The memory of a ring's provided buffers and the account of where each of them is.
//
// Thread: the ring's owner. A buffer is either home (the kernel's or the epoll backend's to fill) or out (an owner's,
// between a completion and give_back). Shutdown checks that all are home.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/result.h"
#include "net/ring/completion.h"

namespace sluice::net::ring {

class Buffers {
 public:
  // Maps count * bytes; `count` at most 32,768. The error is one sentence.
  [[nodiscard]] static Result<Buffers, std::string> map(uint32_t count, uint32_t bytes);
  Buffers() = default;
  Buffers(Buffers&& other) noexcept;
  Buffers& operator=(Buffers&& other) noexcept;
  ~Buffers();

  [[nodiscard]] char* at(BufId id) const noexcept {
    SLUICE_DCHECK(index(id) < count_);
    return memory_ + static_cast<size_t>(index(id)) * bytes_;
  }
  // A buffer leaves with a completion; comes home. Both check that it was on the other side.
  void leave(BufId id) noexcept {
    SLUICE_CHECK(index(id) < count_ && !is_out_[index(id)]);
    is_out_[index(id)] = 1;
    ++out_;
  }
  void come_home(BufId id) noexcept {
    SLUICE_CHECK(index(id) < count_ && is_out_[index(id)]);
    is_out_[index(id)] = 0;
    --out_;
  }
  [[nodiscard]] uint32_t count() const noexcept { return count_; }
  [[nodiscard]] uint32_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] uint32_t out() const noexcept { return out_; }

 private:
  static constexpr uint32_t index(BufId id) noexcept { return static_cast<uint16_t>(id); }

  char* memory_ = nullptr;
  uint32_t count_ = 0;
  uint32_t bytes_ = 0;
  uint32_t out_ = 0;
  std::vector<uint8_t> is_out_;
};

}  // namespace sluice::net::ring
