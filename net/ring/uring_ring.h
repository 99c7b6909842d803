// The io_uring backend of Ring.
//
// Submissions collect in the submission queue and go in with the turn's one system call. Provided buffers are a kernel
// buffer ring. The operation sits in the three highest bits of user_data, because a completion does not say what it
// completes.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/owner.h"
#include "core/base/result.h"
#include "net/ring/buffers.h"
#include "net/ring/compat.h"
#include "net/ring/probe.h"
#include "net/ring/ring.h"

namespace sluice::net::ring {

class UringRing final : public Ring {
 public:
  struct Problem {
    int error;             // errno
    std::string sentence;  // for the log
  };
  [[nodiscard]] static Result<std::unique_ptr<UringRing>, Problem> make(FeatureSet features,
                                                                        const RingOptions& options);
  ~UringRing() override;

  [[nodiscard]] int enable() noexcept override;
  void accept_multishot(int listener, Token token) override;
  void receive_multishot(int socket, Token token) override;
  void receive_into(int socket, char* memory, size_t capacity, Token token) override;
  void send(int socket, const char* bytes, size_t length, Token token) override;
  void send_parts(int socket, const iovec* parts, unsigned count, Token token) override;
  void send_message(int socket, const msghdr& message, Token token) override;
  void shutdown(int socket, int how, Token token) override;
  void fdatasync(int file, Token token) override;
  void cancel(int descriptor, Op op, Token target) override;
  void close(int descriptor) override;
  void adopt(int socket) override;
  void give_back(BufId buffer) override;
  [[nodiscard]] uint32_t buffers_free() const noexcept override { return buffers_.count() - buffers_.out(); }
  [[nodiscard]] uint32_t buffers_total() const noexcept override { return buffers_.count(); }
  [[nodiscard]] uint32_t buffer_bytes() const noexcept override { return buffers_.bytes(); }
  uint32_t turn(int64_t wait_ns, CompletionHandler& handler) override;
  void wake() noexcept override;
  void abandon() noexcept override { abandoned_ = true; }

 private:
  // What the kernel reads of a send in pieces; it must live until the submission has gone in, not longer.
  struct SendParts {
    msghdr header;
    std::array<iovec, kSendPartsMax> parts;
  };
  static constexpr unsigned kSendPartsSlots = 256;
  static constexpr uint32_t kOfferedFirst = 64;

  explicit UringRing(FeatureSet features) noexcept : features_(features) {}
  [[nodiscard]] int init(const RingOptions& options, std::string& problem);
  [[nodiscard]] io_uring_sqe* next_entry();
  void submit_now();
  void arm_wake();
  void enter(int64_t wait_ns, CompletionHandler& handler);
  void enter_waiting(int64_t wait_ns);
  // Hands buffers from the shelf to the kernel, until it has as many as it should: twice as many as before when it may
  // have come near to having none.
  void offer_buffers();
  void offer(BufId buffer, int place);
  // Dispatches one; true when the owner saw it.
  bool dispatch(uint64_t user_data, int32_t result, uint32_t flags, CompletionHandler& handler);

  struct Stashed {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
  };

  // Fixed after make().
  FeatureSet features_;
  Buffers buffers_;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  size_t buffer_ring_bytes_ = 0;
  int wake_descriptor_ = -1;  // an eventfd; wake() of any thread writes it

  // Owner thread.
  ThreadOwner owner_;
  io_uring ring_{};
  bool ring_made_ = false;
  bool enabled_ = false;
  bool abandoned_ = false;
  // The kernel takes buffers in turn, so it is given only as many as the load needs: few ones stay in the cache, and
  // those that were never needed take no memory.
  std::vector<uint16_t> shelf_;   // buffers that are home and not the kernel's; the last one is in the cache
  uint32_t offered_ = 0;          // the kernel's, those of completions that were not dispatched included
  uint32_t to_offer_ = 0;         // only grows
  uint32_t left_ = 0;             // with completions of this turn
  uint64_t wake_count_ = 0;       // where the kernel puts the eventfd's value
  std::deque<Stashed> stash_;     // completions taken early, to make room in a full queue
  std::deque<Completion> later_;  // of calls that were made at once: for the end of the turn
  unsigned send_parts_used_ = 0;  // of send_parts_, since the last submission
  std::unique_ptr<SendParts[]> send_parts_;
};

}  // namespace sluice::net::ring
