// The ring: submit operations on sockets, get completions. One interface, two backends (io_uring, epoll) and a fake for
// tests that splits, delays and fails.
//
// Owner and threads: one worker owns a ring. It may be created on another thread; enable() adopts the calling thread
// and from then on every function but wake() belongs to it. wake() may be called from any thread.
//
// The rules that both backends keep:
//  - A submission never fails and never completes inside the call or inside a handler: errors come as completions, from
//    a later point of turn(). Nothing completes while a handler runs.
//  - Every submission gets exactly one final completion (more == false), whatever happens, cancelled or not. Only
//    cancel(), close() and wake() complete silently.
//  - close() cancels nothing. Cancel, wait for the final completion of every operation on the descriptor, then close()
//    and recycle the slot under a new generation.
//  - Memory given to an operation stays valid and unchanged until its final completion.
//  - On one descriptor there is at most one receive of either sort and one send at a time.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "net/ring/completion.h"
#include "net/ring/token.h"

namespace sluice::net::ring {

// Receives the completions of a turn. Handlers may submit, cancel, close and give back, but not call turn().
class CompletionHandler {
 public:
  virtual ~CompletionHandler() = default;
  virtual void on_completion(const Completion& completion) = 0;
  // Around a wait in the kernel that may block: the place to go offline in core/sync's epochs. Not called when the
  // turn does not wait. Nothing that the store owns may be touched in between.
  virtual void before_wait() {}
  virtual void after_wait() {}
};

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  // All buffers must be home (checked) unless abandon() was called. Operations that are still in flight are cancelled
  // by the kernel and complete nowhere.
  virtual ~Ring() = default;

  // Adopts the calling thread; once, before anything else. Returns 0 or a negative errno.
  [[nodiscard]] virtual int enable() noexcept = 0;

  // ---- Operations. Descriptors are ordinary ones -------------------------------------------------------------------
  // Multishot: one completion with a descriptor for each connection; fit for rings of this backend. The listener has
  // been through adopt().
  virtual void accept_multishot(int listener, Token token) = 0;
  // Multishot, into provided buffers: completions carry data, length and the buffer, to be given back by give_back().
  // Ends with -ENOBUFS when no buffer is free: park, and arm again when buffers_free() is positive.
  virtual void receive_multishot(int socket, Token token) = 0;
  // Once, into the caller's memory, up to `capacity` bytes: for bodies larger than a buffer, without a second copy. The
  // copy runs inside the turn: 256 KiB at a time keep it under 0.1 ms. While a multishot receive is armed on the socket
  // it has to be cancelled first and its final completion awaited.
  virtual void receive_into(int socket, char* memory, size_t capacity, Token token) = 0;
  // Once; without SIGPIPE. The result may be less than asked for: send the rest with a new operation.
  virtual void send(int socket, const char* bytes, size_t length, Token token) = 0;
  // The same from up to kSendPartsMax pieces. The array itself may go after the call, the pieces may not.
  virtual void send_parts(int socket, const iovec* parts, unsigned count, Token token) = 0;
  // The same of a message with control data (a record of TLS that is no data). It all stays until the completion, the
  // header too.
  virtual void send_message(int socket, const msghdr& message, Token token) = 0;
  // SHUT_RD, SHUT_WR or SHUT_RDWR. Takes effect at once: await the completion of a send before.
  virtual void shutdown(int socket, int how, Token token) = 0;
  // Makes a file's data durable. On epoll a helper thread does it; the worker never blocks.
  virtual void fdatasync(int file, Token token) = 0;
  // Asks the operation `op` with token `target` on this descriptor to end. It still gets its final completion:
  // -ECANCELED, or whatever it ended with if it was faster. Silent, also when there is no such operation any more.
  virtual void cancel(int descriptor, Op op, Token target) = 0;
  // Closes the descriptor. Silent. No operation may be in flight on it.
  virtual void close(int descriptor) = 0;
  // Makes a listener, and a socket that did not come from accept_multishot (inherited, a test's), fit for this backend:
  // io_uring waits on blocking descriptors only, epoll wants non-blocking ones. At once, before the first operation.
  virtual void adopt(int socket) = 0;

  // ---- Provided buffers --------------------------------------------------------------------------------------------
  virtual void give_back(BufId buffer) = 0;
  // Buffers that are home, which the backend may fill: io_uring offers as many of them to the kernel as the load needs,
  // and more behind a receive that found none. And those that were made at start.
  [[nodiscard]] virtual uint32_t buffers_free() const noexcept = 0;
  [[nodiscard]] virtual uint32_t buffers_total() const noexcept = 0;
  [[nodiscard]] virtual uint32_t buffer_bytes() const noexcept = 0;

  // ---- The turn ----------------------------------------------------------------------------------------------------
  // Submits what was collected, waits for at least one completion (wait_ns: 0 = do not wait, < 0 = without limit) and
  // dispatches at most a bounded batch. Returns how many were dispatched; 0 after a timeout, a wake or a signal.
  virtual uint32_t turn(int64_t wait_ns, CompletionHandler& handler) = 0;
  // Any thread: the current wait ends, or the next one does not begin.
  virtual void wake() noexcept = 0;

  // For a process that exits with connections still open (the bound of a graceful stop has passed).
  virtual void abandon() noexcept = 0;

  static constexpr unsigned kSendPartsMax = 16;
  // Completions that one turn dispatches at most. 256 small requests take about 1 ms; what remains is taken by the next
  // turn without waiting.
  static constexpr uint32_t kBatchMax = 256;
};

enum class Backend : uint8_t { kIoUring, kEpoll };

struct RingOptions {
  uint32_t submissions = 1024;   // entries of the submission queue, a power of two
  uint32_t completions = 4096;   // entries of the completion queue, a power of two
  uint32_t buffers = 1024;       // provided buffers, a power of two, at most 32,768
  uint32_t buffer_bytes = 8192;  // of each
};

struct Capabilities;  // net/ring/probe.h

// Makes a ring of the probed backend. The error is one sentence for the log.
[[nodiscard]] Result<std::unique_ptr<Ring>, std::string> make_ring(const Capabilities& capabilities,
                                                                   const RingOptions& options);

}  // namespace sluice::net::ring
