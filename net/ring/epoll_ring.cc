#include "net/ring/epoll_ring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace sluice::net::ring {

namespace {

// Connections that one look at a listener takes; the rest keeps for the next round, after other descriptors.
constexpr unsigned kAcceptBatch = 64;

int32_t as_result(ssize_t result) noexcept { return result >= 0 ? static_cast<int32_t>(result) : -errno; }

bool try_again(int32_t result) noexcept { return result == -EAGAIN || result == -EINTR; }

ssize_t send_once(int socket, const iovec* parts, unsigned count) noexcept {
  if (count == 1) return ::send(socket, parts->iov_base, parts->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(parts);
  header.msg_iovlen = count;
  return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Result<std::unique_ptr<EpollRing>, std::string> EpollRing::make(const RingOptions& options) {
  std::unique_ptr<EpollRing> ring(new EpollRing);
  auto buffers = Buffers::map(options.buffers, options.buffer_bytes);
  if (!buffers) return Unexpected<std::string>(buffers.error());
  ring->buffers_ = std::move(*buffers);
  ring->free_buffers_.reserve(options.buffers);
  for (uint32_t i = options.buffers; i-- > 0;) ring->free_buffers_.push_back(static_cast<uint16_t>(i));
  ring->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  ring->wake_descriptor_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = ring->wake_descriptor_;
  if (ring->epoll_ < 0 || ring->wake_descriptor_ < 0 ||
      epoll_ctl(ring->epoll_, EPOLL_CTL_ADD, ring->wake_descriptor_, &event) != 0) {
    return Unexpected<std::string>(fmt::format("epoll: cannot set up: {}", std::strerror(errno)));
  }
  return ring;
}

EpollRing::~EpollRing() {
  SLUICE_CHECK(abandoned_ || buffers_.out() == 0);
  sync_.reset();  // it wakes through the eventfd
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

int EpollRing::enable() noexcept {
  owner_.release();
  SLUICE_DCHECK_OWNER(owner_);
  return 0;
}

uint32_t EpollRing::turn(int64_t wait_ns, CompletionHandler& handler) {
  SLUICE_DCHECK_OWNER(owner_);
  uint32_t dispatched = 0;
  // Completions made outside a turn come first: they are older than anything that epoll can say.
  for (size_t due = later_.size(); due > 0 && dispatched < kBatchMax; --due, ++dispatched) {
    const Completion completion = later_.front();
    later_.pop_front();
    handler.on_completion(completion);
  }
  const bool idle = later_.empty() && ready_.empty() && dispatched == 0;
  const int events = [&] {
    if (!idle || wait_ns == 0) return wait_events(0);
    handler.before_wait();
    const int found = wait_events(wait_ns);
    handler.after_wait();
    return found;
  }();
  for (int i = 0; i < events; ++i) dispatched += on_event(events_[static_cast<size_t>(i)], handler);
  for (size_t due = ready_.size(); due > 0 && dispatched < kBatchMax; --due) {
    const int descriptor = ready_.front();
    ready_.pop_front();
    at(descriptor).queued = false;
    dispatched += read_ready(descriptor, handler);
  }
  // Sends that these handlers began are complete: report them now instead of after another trip into the kernel.
  for (; !later_.empty() && dispatched < kBatchMax; ++dispatched) {
    const Completion completion = later_.front();
    later_.pop_front();
    handler.on_completion(completion);
  }
  return dispatched;
}

int EpollRing::wait_events(int64_t wait_ns) noexcept {
  const int count_max = static_cast<int>(events_.size());
  int found = -1;
  if (precise_wait_ && wait_ns > 0) {
    const timespec timeout{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
    found = epoll_pwait2(epoll_, events_.data(), count_max, &timeout, nullptr);
    if (found < 0 && (errno == ENOSYS || errno == EPERM)) precise_wait_ = false;
    if (precise_wait_) return std::max(found, 0);
  }
  constexpr int64_t kLongest = 3'600'000;
  const int64_t wait_ms = wait_ns < 0 ? -1 : std::min(kLongest, (wait_ns + 999'999) / 1'000'000);
  found = epoll_wait(epoll_, events_.data(), count_max, static_cast<int>(wait_ms));
  return std::max(found, 0);
}

uint32_t EpollRing::on_event(const epoll_event& event, CompletionHandler& handler) {
  const int descriptor = event.data.fd;
  if (descriptor == wake_descriptor_) {
    uint64_t count = 0;
    static_cast<void>(!::read(wake_descriptor_, &count, sizeof(count)));
    if (syncing_ > 0) sync_->take(synced_);
    for (const SyncThread::Done& done : synced_) later(Op::kFdatasync, done.token, done.result);
    syncing_ -= static_cast<uint32_t>(synced_.size());
    synced_.clear();
    return 0;
  }
  // Closed by a handler earlier in this batch; the number may even have a new tenant.
  if (!at(descriptor).registered) return 0;
  uint32_t dispatched = 0;
  if ((event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) dispatched += finish_send(descriptor, handler);
  if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) {
    Descriptor& d = at(descriptor);
    d.readable = true;
    d.hangup = d.hangup || (event.events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
    dispatched += read_ready(descriptor, handler);
  }
  return dispatched;
}

uint32_t EpollRing::read_ready(int descriptor, CompletionHandler& handler) {
  const Descriptor& d = at(descriptor);
  if (!d.readable) return 0;
  switch (d.reading) {
    case Reading::kNone:
      return 0;
    case Reading::kAccept:
      return accept_some(descriptor, handler);
    case Reading::kMultishot:
      return receive_one(descriptor, handler);
    case Reading::kInto:
      return receive_into_once(descriptor, handler);
  }
  return 0;
}

uint32_t EpollRing::receive_one(int descriptor, CompletionHandler& handler) {
  Descriptor& d = at(descriptor);
  Completion completion;
  completion.op = Op::kReceive;
  completion.token = d.reading_token;
  if (free_buffers_.empty()) {
    d.reading = Reading::kNone;
    completion.result = -ENOBUFS;
    handler.on_completion(completion);
    return 1;
  }
  const BufId id{free_buffers_.back()};
  completion.result = as_result(::recv(descriptor, buffers_.at(id), buffers_.bytes(), MSG_DONTWAIT));
  if (try_again(completion.result)) {
    d.readable = completion.result == -EINTR;
    if (d.readable) queue_ready(descriptor);
    return 0;
  }
  if (completion.result > 0) {
    free_buffers_.pop_back();
    buffers_.leave(id);
    completion.buffer = id;
    completion.data = buffers_.at(id);
    completion.more = true;
    // A short read has emptied the socket, and what comes later is a new edge; unless the end has been announced.
    d.readable = d.hangup || static_cast<uint32_t>(completion.result) == buffers_.bytes();
    if (d.readable) queue_ready(descriptor);
  } else {
    d.reading = Reading::kNone;
  }
  handler.on_completion(completion);  // last: the handler may make descriptors_ grow
  return 1;
}

uint32_t EpollRing::receive_into_once(int descriptor, CompletionHandler& handler) {
  Descriptor& d = at(descriptor);
  Completion completion;
  completion.op = Op::kReceiveInto;
  completion.token = d.reading_token;
  completion.result = as_result(::recv(descriptor, d.into, d.into_capacity, MSG_DONTWAIT));
  if (try_again(completion.result)) {
    d.readable = completion.result == -EINTR;
    if (d.readable) queue_ready(descriptor);
    return 0;
  }
  d.reading = Reading::kNone;
  if (completion.result > 0) d.readable = d.hangup || static_cast<size_t>(completion.result) == d.into_capacity;
  handler.on_completion(completion);
  return 1;
}

uint32_t EpollRing::accept_some(int descriptor, CompletionHandler& handler) {
  uint32_t dispatched = 0;
  while (dispatched < kAcceptBatch) {
    // Looked up anew each time: the handler may have cancelled, or made the table grow.
    Descriptor& d = at(descriptor);
    if (d.reading != Reading::kAccept) return dispatched;
    Completion completion;
    completion.op = Op::kAccept;
    completion.token = d.reading_token;
    completion.result = as_result(::accept4(descriptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (completion.result == -EINTR) continue;
    if (completion.result == -EAGAIN) {
      d.readable = false;
      return dispatched;
    }
    completion.more = completion.result >= 0;
    if (!completion.more) d.reading = Reading::kNone;
    ++dispatched;
    handler.on_completion(completion);
  }
  queue_ready(descriptor);
  return dispatched;
}

uint32_t EpollRing::finish_send(int descriptor, CompletionHandler& handler) {
  Descriptor& d = at(descriptor);
  if (d.sending == nullptr) return 0;
  const Waiting& waiting = *d.sending;
  const int32_t result =
      as_result(waiting.message != nullptr ? ::sendmsg(descriptor, waiting.message, MSG_NOSIGNAL | MSG_DONTWAIT)
                                           : send_once(descriptor, waiting.parts.data(), waiting.count));
  if (try_again(result)) return 0;
  d.sending.reset();
  Completion completion;
  completion.op = Op::kSend;
  completion.token = d.sending_token;
  completion.result = result;
  handler.on_completion(completion);
  return 1;
}

void EpollRing::begin_send(int socket, const iovec* parts, unsigned count, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  SLUICE_CHECK(count > 0 && count <= kSendPartsMax);
  Waiting* const waiting = wait_to_send(socket, as_result(send_once(socket, parts, count)), token);
  if (waiting == nullptr) return;
  std::copy(parts, parts + count, waiting->parts.begin());
  waiting->count = count;
}

EpollRing::Waiting* EpollRing::wait_to_send(int socket, int32_t result, Token token) {
  if (!try_again(result)) {
    later(Op::kSend, token, result);
    return nullptr;
  }
  if (!watch(socket, true, Op::kSend, token)) return nullptr;
  Descriptor& d = at(socket);
  SLUICE_CHECK(d.sending == nullptr);
  d.sending = std::make_unique<Waiting>();
  d.sending_token = token;
  return d.sending.get();
}

bool EpollRing::watch(int descriptor, bool for_write, Op op, Token token) {
  Descriptor& d = at(descriptor);
  // For writability it is asked again even when it is registered: the last edge may have passed with no send waiting.
  if (d.registered && !for_write) return true;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (for_write || d.for_write ? EPOLLOUT : 0u);
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_, d.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) != 0) {
    later(op, token, -errno);
    return false;
  }
  d.registered = true;
  d.for_write = d.for_write || for_write;
  return true;
}

void EpollRing::begin_reading(int descriptor, Reading reading, Op op, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  if (!watch(descriptor, false, op, token)) return;
  Descriptor& d = at(descriptor);
  SLUICE_CHECK(d.reading == Reading::kNone);
  d.reading = reading;
  d.reading_token = token;
  if (d.readable) queue_ready(descriptor);
}

void EpollRing::queue_ready(int descriptor) {
  Descriptor& d = at(descriptor);
  if (d.queued) return;
  d.queued = true;
  ready_.push_back(descriptor);
}

void EpollRing::accept_multishot(int listener, Token token) {
  begin_reading(listener, Reading::kAccept, Op::kAccept, token);
}

void EpollRing::receive_multishot(int socket, Token token) {
  begin_reading(socket, Reading::kMultishot, Op::kReceive, token);
}

void EpollRing::receive_into(int socket, char* memory, size_t capacity, Token token) {
  SLUICE_DCHECK(capacity > 0);
  begin_reading(socket, Reading::kInto, Op::kReceiveInto, token);
  Descriptor& d = at(socket);
  d.into = memory;
  d.into_capacity = std::min<size_t>(capacity, INT32_MAX);
}

void EpollRing::send(int socket, const char* bytes, size_t length, Token token) {
  const iovec part{const_cast<char*>(bytes), std::min<size_t>(length, INT32_MAX)};
  begin_send(socket, &part, 1, token);
}

void EpollRing::send_parts(int socket, const iovec* parts, unsigned count, Token token) {
  begin_send(socket, parts, count, token);
}

void EpollRing::send_message(int socket, const msghdr& message, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  const int32_t result = as_result(::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
  if (Waiting* const waiting = wait_to_send(socket, result, token)) waiting->message = &message;
}

void EpollRing::shutdown(int socket, int how, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  later(Op::kShutdown, token, ::shutdown(socket, how) == 0 ? 0 : -errno);
}

void EpollRing::fdatasync(int file, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  if (sync_ == nullptr) sync_ = std::make_unique<SyncThread>([this] { wake(); });
  sync_->submit(file, token);
  ++syncing_;
}

void EpollRing::cancel(int descriptor, Op op, Token target) {
  SLUICE_DCHECK_OWNER(owner_);
  Descriptor& d = at(descriptor);
  const bool is_reading = (op == Op::kAccept && d.reading == Reading::kAccept) ||
                          (op == Op::kReceive && d.reading == Reading::kMultishot) ||
                          (op == Op::kReceiveInto && d.reading == Reading::kInto);
  if (is_reading && d.reading_token == target) {
    d.reading = Reading::kNone;
    later(op, target, -ECANCELED);
  } else if (op == Op::kSend && d.sending != nullptr && d.sending_token == target) {
    d.sending.reset();
    later(op, target, -ECANCELED);
  }
}

void EpollRing::close(int descriptor) {
  SLUICE_DCHECK_OWNER(owner_);
  Descriptor& d = at(descriptor);
  SLUICE_CHECK(d.reading == Reading::kNone && d.sending == nullptr);
  // Closing takes the registration with it. An entry in ready_ finds nothing armed, or the number's next tenant, whose
  // flags say whether there is anything to read.
  const bool queued = d.queued;
  d = Descriptor{};
  d.queued = queued;
  ::close(descriptor);
}

void EpollRing::adopt(int socket) {
  const int flags = fcntl(socket, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) static_cast<void>(fcntl(socket, F_SETFL, flags | O_NONBLOCK));
}

void EpollRing::give_back(BufId buffer) {
  SLUICE_DCHECK_OWNER(owner_);
  buffers_.come_home(buffer);
  free_buffers_.push_back(static_cast<uint16_t>(buffer));
}

void EpollRing::wake() noexcept {
  const uint64_t one = 1;
  static_cast<void>(!::write(wake_descriptor_, &one, sizeof(one)));
}

void EpollRing::later(Op op, Token token, int32_t result) {
  Completion completion;
  completion.op = op;
  completion.token = token;
  completion.result = result;
  later_.push_back(completion);
}

EpollRing::Descriptor& EpollRing::at(int descriptor) {
  SLUICE_CHECK(descriptor >= 0);
  const auto index = static_cast<size_t>(descriptor);
  if (index >= descriptors_.size()) descriptors_.resize(std::max(index + 1, descriptors_.size() * 2));
  return descriptors_[index];
}

}  // namespace sluice::net::ring
