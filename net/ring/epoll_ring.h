// The epoll backend of Ring: the same completions, made up from readiness.
//
// Each descriptor is registered once, edge-triggered; what epoll said is remembered per descriptor (`readable`), so a
// receive that is armed later finds it. A send is tried at once, inside send(), and its completion is kept back until
// the handler has returned. Epoll is asked for writability only after a send found the socket full.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/owner.h"
#include "core/base/result.h"
#include "net/ring/buffers.h"
#include "net/ring/ring.h"
#include "net/ring/sync_thread.h"

namespace sluice::net::ring {

class EpollRing final : public Ring {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EpollRing>, std::string> make(const RingOptions& options);
  ~EpollRing() override;

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
  enum class Reading : uint8_t { kNone, kAccept, kMultishot, kInto };

  // A send that found the socket full.
  struct Waiting {
    std::array<iovec, kSendPartsMax> parts;
    unsigned count = 0;
    const msghdr* message = nullptr;  // instead of parts
  };

  struct Descriptor {
    Token reading_token;
    Token sending_token;
    char* into = nullptr;  // kInto
    size_t into_capacity = 0;
    std::unique_ptr<Waiting> sending;
    Reading reading = Reading::kNone;
    bool registered = false;  // with epoll
    bool for_write = false;   // registered for writability too
    bool readable = false;    // epoll said so and no read has found it empty since
    bool hangup = false;      // the end of the stream is near: read until it comes
    bool queued = false;      // in ready_
  };

  EpollRing() = default;
  [[nodiscard]] Descriptor& at(int descriptor);
  void begin_reading(int descriptor, Reading reading, Op op, Token token);
  void queue_ready(int descriptor);
  // (Re-)registers for what is wanted; a failure is a completion of `op`.
  bool watch(int descriptor, bool for_write, Op op, Token token);
  void begin_send(int socket, const iovec* parts, unsigned count, Token token);
  // What became of a first try. nullptr: it is over, there will be a completion; else what is to be tried again.
  [[nodiscard]] Waiting* wait_to_send(int socket, int32_t result, Token token);
  void later(Op op, Token token, int32_t result);

  void wait(int64_t wait_ns, CompletionHandler& handler);
  [[nodiscard]] int wait_events(int64_t wait_ns) noexcept;
  uint32_t on_event(const epoll_event& event, CompletionHandler& handler);
  uint32_t read_ready(int descriptor, CompletionHandler& handler);
  uint32_t receive_one(int descriptor, CompletionHandler& handler);
  uint32_t receive_into_once(int descriptor, CompletionHandler& handler);
  uint32_t accept_some(int descriptor, CompletionHandler& handler);
  uint32_t finish_send(int descriptor, CompletionHandler& handler);

  // Fixed after make().
  int epoll_ = -1;
  int wake_descriptor_ = -1;
  Buffers buffers_;

  // Owner thread.
  ThreadOwner owner_;
  std::vector<uint16_t> free_buffers_;   // the last that came home is the first to go out: it is in the cache
  std::vector<Descriptor> descriptors_;  // by number
  std::deque<int> ready_;                // readable, with a read armed
  std::deque<Completion> later_;         // made inside a submission, dispatched in the turn
  std::array<epoll_event, kBatchMax> events_{};
  std::unique_ptr<SyncThread> sync_;
  std::vector<SyncThread::Done> synced_;
  uint32_t syncing_ = 0;
  bool precise_wait_ = true;  // epoll_pwait2 works here
  bool abandoned_ = false;
};

}  // namespace sluice::net::ring
