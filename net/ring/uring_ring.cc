#include "net/ring/uring_ring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"
#include "net/ring/uring_setup.h"

namespace sluice::net::ring {

namespace {

constexpr int kBufferGroup = 0;
constexpr unsigned kOpShift = 61;
constexpr uint64_t kTokenMask = (uint64_t{1} << kOpShift) - 1;
// The operation number of what the ring submits for itself; its completions are not the owner's.
constexpr uint64_t kSilent = uint64_t{7} << kOpShift;
constexpr uint64_t kWake = kSilent | 1;

uint64_t user_data_of(Op op, Token token) noexcept {
  SLUICE_DCHECK((token.bits & ~kTokenMask) == 0);
  return (static_cast<uint64_t>(op) << kOpShift) | token.bits;
}

}  // namespace

Result<std::unique_ptr<UringRing>, UringRing::Problem> UringRing::make(FeatureSet features,
                                                                       const RingOptions& options) {
  std::unique_ptr<UringRing> ring(new UringRing(features));
  auto buffers = Buffers::map(options.buffers, options.buffer_bytes);
  if (!buffers) return Unexpected<Problem>(Problem{ENOMEM, buffers.error()});
  ring->buffers_ = std::move(*buffers);
  std::string problem;
  const int result = ring->init(options, problem);
  if (result < 0) {
    return Unexpected<Problem>(Problem{-result, fmt::format("io_uring: {}: {}", problem, std::strerror(-result))});
  }
  return ring;
}

int UringRing::init(const RingOptions& options, std::string& problem) {
  problem = "cannot make an eventfd";
  wake_descriptor_ = eventfd(0, EFD_CLOEXEC);
  if (wake_descriptor_ < 0) return -errno;

  problem = "cannot set the ring up";
  int result = init_ring(ring_, options.submissions, options.completions, setup_flags(features_));
  if (result < 0) return result;
  ring_made_ = true;

  problem = "cannot register the receive buffers";
  buffer_ring_bytes_ = buffers_.count() * sizeof(io_uring_buf);
  void* memory = mmap(nullptr, buffer_ring_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(buffer_ring_);
  result = register_buffers(ring_, buffer_ring_, buffers_.count(), kBufferGroup);
  if (result < 0) return result;
  // The first ones are on top.
  for (uint32_t i = buffers_.count(); i-- != 0;) shelf_.push_back(static_cast<uint16_t>(i));
  to_offer_ = std::min(kOfferedFirst, buffers_.count());
  offer_buffers();
  send_parts_ = std::make_unique<SendParts[]>(kSendPartsSlots);
  return 0;
}

UringRing::~UringRing() {
  SLUICE_CHECK(abandoned_ || buffers_.out() == 0);
  // Closes that were asked for since the last turn: the descriptors would stay open for as long as the process lives.
  if (enabled_ && io_uring_sq_ready(&ring_) > 0) static_cast<void>(io_uring_submit(&ring_));
  if (ring_made_) io_uring_queue_exit(&ring_);
  if (buffer_ring_ != nullptr) munmap(buffer_ring_, buffer_ring_bytes_);
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

int UringRing::enable() noexcept {
  owner_.release();
  SLUICE_DCHECK_OWNER(owner_);
  if (features_.has(Feature::kDisabledStart)) {
    const int result = enable_rings(ring_);
    if (result < 0) return result;
  }
  // Saves the lookup of the ring's descriptor in every enter; works without as well.
  static_cast<void>(io_uring_register_ring_fd(&ring_));
  enabled_ = true;
  arm_wake();
  return 0;
}

uint32_t UringRing::turn(int64_t wait_ns, CompletionHandler& handler) {
  SLUICE_DCHECK_OWNER(owner_);
  offer_buffers();
  enter(wait_ns, handler);
  uint32_t dispatched = 0;
  // What was stashed is older than everything in the queue.
  while (!stash_.empty() && dispatched < kBatchMax) {
    const Stashed taken = stash_.front();
    stash_.pop_front();
    dispatched += dispatch(taken.user_data, taken.result, taken.flags, handler) ? 1 : 0;
  }
  // The head is moved on before a completion is dispatched: its handler may submit, and that may need the room.
  for (uint32_t taken = 0; stash_.empty() && taken < kBatchMax && dispatched < kBatchMax; ++taken) {
    io_uring_cqe* entry = nullptr;
    unsigned head = 0;
    unsigned available = 0;
    io_uring_for_each_cqe(&ring_, head, entry) {
      available = 1;
      break;
    }
    if (available == 0) break;
    const uint64_t user_data = entry->user_data;
    const int32_t result = entry->res;
    const uint32_t flags = entry->flags;
    io_uring_cq_advance(&ring_, 1);
    dispatched += dispatch(user_data, result, flags, handler) ? 1 : 0;
  }
  for (; !later_.empty() && dispatched < kBatchMax; ++dispatched) {
    const Completion completion = later_.front();
    later_.pop_front();
    handler.on_completion(completion);
  }
  return dispatched;
}

void UringRing::enter(int64_t wait_ns, CompletionHandler& handler) {
  const bool completions_left = !stash_.empty() || !later_.empty() || io_uring_cq_ready(&ring_) > 0;
  if (wait_ns == 0 || completions_left) {
    // Without GETEVENTS the kernel would not work off what it deferred.
    static_cast<void>(io_uring_submit_and_get_events(&ring_));
  } else {
    handler.before_wait();
    enter_waiting(wait_ns);
    handler.after_wait();
  }
  if (io_uring_sq_ready(&ring_) == 0) send_parts_used_ = 0;
}

// The result is not looked at: a timeout, a signal and a full completion queue all mean "see what there is".
void UringRing::enter_waiting(int64_t wait_ns) {
  if (wait_ns < 0) {
    static_cast<void>(io_uring_submit_and_wait(&ring_, 1));
    return;
  }
  __kernel_timespec timeout{};
  timeout.tv_sec = wait_ns / 1'000'000'000;
  timeout.tv_nsec = wait_ns % 1'000'000'000;
  io_uring_cqe* first = nullptr;
  static_cast<void>(io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr));
}

bool UringRing::dispatch(uint64_t user_data, int32_t result, uint32_t flags, CompletionHandler& handler) {
  if ((user_data & kSilent) == kSilent) {
    if (user_data == kWake) arm_wake();
    return false;
  }
  Completion completion;
  completion.token.bits = user_data & kTokenMask;
  completion.op = static_cast<Op>(user_data >> kOpShift);
  completion.result = result;
  completion.more = (flags & IORING_CQE_F_MORE) != 0;
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    const BufId id{static_cast<uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT)};
    buffers_.leave(id);
    --offered_;
    ++left_;
    if (result > 0) {
      completion.buffer = id;
      completion.data = buffers_.at(id);
    } else {
      give_back(id);  // the kernel picked one and then had nothing to put into it
    }
  }
  if (result == -ENOBUFS) left_ = to_offer_;
  handler.on_completion(completion);
  return true;
}

io_uring_sqe* UringRing::next_entry() {
  SLUICE_DCHECK_OWNER(owner_);
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    submit_now();
    entry = io_uring_get_sqe(&ring_);
    SLUICE_CHECK(entry != nullptr);
  }
  return entry;
}

// The submission queue is full in the middle of a turn. When the kernel refuses to take more because the completion
// queue overflowed, completions are set aside until it does; their number is bounded by the operations in flight.
void UringRing::submit_now() {
  while (io_uring_sq_ready(&ring_) > 0) {
    const int submitted = io_uring_submit(&ring_);
    if (submitted > 0) continue;
    SLUICE_CHECK(submitted == -EBUSY || submitted == -EAGAIN || submitted == -EINTR || submitted == -ENOMEM);
    io_uring_cqe* entry = nullptr;
    unsigned head = 0;
    unsigned taken = 0;
    io_uring_for_each_cqe(&ring_, head, entry) {
      stash_.push_back({entry->user_data, entry->res, entry->flags});
      ++taken;
    }
    io_uring_cq_advance(&ring_, taken);
    if (taken == 0) static_cast<void>(io_uring_get_events(&ring_));
  }
  send_parts_used_ = 0;
}

void UringRing::arm_wake() {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_read(entry, wake_descriptor_, &wake_count_, sizeof(wake_count_), 0);
  io_uring_sqe_set_data64(entry, kWake);
}

void UringRing::wake() noexcept {
  const uint64_t one = 1;
  // Cannot fail: the counter would have to reach 2^64 - 1 unread.
  static_cast<void>(!::write(wake_descriptor_, &one, sizeof(one)));
}

void UringRing::accept_multishot(int listener, Token token) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kAccept, token));
}

void UringRing::receive_multishot(int socket, Token token) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv_multishot(entry, socket, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = kBufferGroup;
  io_uring_sqe_set_data64(entry, user_data_of(Op::kReceive, token));
}

void UringRing::receive_into(int socket, char* memory, size_t capacity, Token token) {
  SLUICE_DCHECK(capacity > 0);
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv(entry, socket, memory, std::min<size_t>(capacity, INT32_MAX), 0);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kReceiveInto, token));
}

void UringRing::send(int socket, const char* bytes, size_t length, Token token) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_send(entry, socket, bytes, std::min<size_t>(length, INT32_MAX), MSG_NOSIGNAL);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kSend, token));
}

void UringRing::send_parts(int socket, const iovec* parts, unsigned count, Token token) {
  SLUICE_CHECK(count > 0 && count <= kSendPartsMax);
  if (send_parts_used_ == kSendPartsSlots) submit_now();
  io_uring_sqe* entry = next_entry();  // before the slot is taken: a full queue is submitted, which frees the slots
  SendParts& slot = send_parts_[send_parts_used_++];
  std::copy(parts, parts + count, slot.parts.begin());
  slot.header = {};
  slot.header.msg_iov = slot.parts.data();
  slot.header.msg_iovlen = count;
  io_uring_prep_sendmsg(entry, socket, &slot.header, MSG_NOSIGNAL);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kSend, token));
}

void UringRing::send_message(int socket, const msghdr& message, Token token) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_sendmsg(entry, socket, &message, MSG_NOSIGNAL);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kSend, token));
}

// The kernel's own shutdown operation always goes through its worker threads: several times the price of the call.
void UringRing::shutdown(int socket, int how, Token token) {
  SLUICE_DCHECK_OWNER(owner_);
  Completion completion;
  completion.op = Op::kShutdown;
  completion.token = token;
  completion.result = ::shutdown(socket, how) == 0 ? 0 : -errno;
  later_.push_back(completion);
}

void UringRing::fdatasync(int file, Token token) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data64(entry, user_data_of(Op::kFdatasync, token));
}

void UringRing::cancel(int, Op op, Token target) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel64(entry, user_data_of(op, target), 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, kSilent);
}

void UringRing::close(int descriptor) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_close(entry, descriptor);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, kSilent);
}

// A non-blocking descriptor would make every receive without data end with EAGAIN instead of waiting.
void UringRing::adopt(int socket) {
  const int flags = fcntl(socket, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0) static_cast<void>(fcntl(socket, F_SETFL, flags & ~O_NONBLOCK));
}

void UringRing::give_back(BufId buffer) {
  SLUICE_DCHECK_OWNER(owner_);
  buffers_.come_home(buffer);
  if (offered_ >= to_offer_) return shelf_.push_back(static_cast<uint16_t>(buffer));
  offer(buffer, 0);
  io_uring_buf_ring_advance(buffer_ring_, 1);
}

void UringRing::offer(BufId buffer, int place) {
  io_uring_buf_ring_add(buffer_ring_, buffers_.at(buffer), buffers_.bytes(), static_cast<uint16_t>(buffer),
                        io_uring_buf_ring_mask(buffers_.count()), place);
  ++offered_;
}

void UringRing::offer_buffers() {
  if (left_ > to_offer_ / 2) to_offer_ = std::min(2 * to_offer_, buffers_.count());
  left_ = 0;
  int count = 0;
  for (; offered_ < to_offer_ && !shelf_.empty(); shelf_.pop_back()) offer(BufId{shelf_.back()}, count++);
  if (count != 0) io_uring_buf_ring_advance(buffer_ring_, count);
}

}  // namespace sluice::net::ring
