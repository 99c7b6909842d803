// A ring without a kernel, for tests of what stands on net/ring: seeded, and as unkind as the real ones may be. It
// splits receives, delays everything, sends partially, runs out of buffers, resets connections, ends multishot
// operations for no reason and delivers completions long after they were cancelled. What breaks the contract of
// net/ring/ring.h aborts: two receives on one socket, close() with an operation in flight, a buffer given back twice,
// memory changed too early.
//
// The test plays the client by the functions whose names begin with client_. Descriptors are made up; their numbers are
// used again at once after close(), as the kernel's are, so what the client received is kept under the ClientId.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "net/ring/buffers.h"
#include "net/ring/ring.h"

namespace sluice::net::ring {

enum class ClientId : uint32_t {};

// Chances in percent, for each step of each operation.
struct FakeFaults {
  unsigned delay = 0;          // the step is left for a later turn
  unsigned split = 0;          // a receive delivers less than there is
  unsigned partial_send = 0;   // a send takes less than it was given
  unsigned no_buffers = 0;     // a multishot receive ends with ENOBUFS although there are buffers
  unsigned end_multishot = 0;  // a multishot operation delivers and ends (more == false)
  unsigned reset = 0;          // the client resets the connection
  unsigned accept_error = 0;   // a multishot accept ends with ECONNABORTED or EMFILE

  [[nodiscard]] static FakeFaults unkind() { return {30, 40, 40, 5, 10, 0, 5}; }
};

class FakeRing final : public Ring {
 public:
  static constexpr uint8_t kDataRecord = 23;
  static constexpr int kFirstDescriptor = 1'000'000;  // far from real ones: a real close() of it does nothing

  explicit FakeRing(uint64_t seed, FakeFaults faults = {}, RingOptions options = {}) : faults_(faults), random_(seed) {
    auto buffers = Buffers::map(options.buffers, options.buffer_bytes);
    SLUICE_CHECK(buffers.has_value());
    buffers_ = std::move(*buffers);
    for (uint32_t i = options.buffers; i-- > 0;) free_buffers_.push_back(BufId{static_cast<uint16_t>(i)});
  }
  ~FakeRing() override { SLUICE_CHECK(abandoned_ || buffers_.out() == 0); }

  // ---- The client's side -------------------------------------------------------------------------------------------
  struct Client {
    int descriptor = -1;    // of the server's end; -1 once the server closed it
    std::string to_server;  // sent by the client, not yet received
    std::string received;   // everything that the server sent
    bool finished = false;  // client_finish()
    bool reset = false;
    bool server_finished = false;  // shutdown of the write side, or close
    bool server_closed = false;    // close
    size_t window = SIZE_MAX;      // bytes that the client still takes: 0 blocks the server's sends
    int shutdowns = 0;
    // kTLS: what becomes of bytes that are sent as a record of a type, on their way to `received`.
    std::function<std::string(uint8_t, std::string_view)> seal;
  };
  // A connection whose server end goes to the test (for Service::on_connection).
  ClientId client_connect() {
    const auto id = ClientId{static_cast<uint32_t>(clients_.size())};
    Client& client = clients_.emplace_back();
    client.descriptor = new_descriptor();
    sockets_[client.descriptor] = id;
    return id;
  }
  // A connection that waits in the listener's queue.
  ClientId client_connect_to(int listener) {
    const ClientId id = client_connect();
    listeners_.at(listener).push_back(client(id).descriptor);
    return id;
  }
  void client_send(ClientId id, std::string_view bytes) { client(id).to_server.append(bytes); }
  void client_finish(ClientId id) { client(id).finished = true; }
  void client_reset(ClientId id) { client(id).reset = true; }
  [[nodiscard]] Client& client_of(int descriptor) { return client(sockets_.at(descriptor)); }
  [[nodiscard]] Client& client(ClientId id) { return clients_.at(static_cast<uint32_t>(id)); }
  [[nodiscard]] int make_listener() {
    const int descriptor = new_descriptor();
    listeners_[descriptor];
    return descriptor;
  }
  // Operations in flight, all or on one descriptor.
  [[nodiscard]] size_t in_flight() const { return operations_.size(); }
  [[nodiscard]] size_t in_flight_on(int descriptor) const {
    return static_cast<size_t>(std::count_if(operations_.begin(), operations_.end(),
                                             [&](const Operation& o) { return o.descriptor == descriptor; }));
  }
  // Nothing would complete if nobody did anything any more.
  [[nodiscard]] bool quiet() {
    return std::none_of(operations_.begin(), operations_.end(), [&](const Operation& o) { return can_step(o); });
  }
  [[nodiscard]] uint64_t closes() const { return closes_; }

  // ---- Ring --------------------------------------------------------------------------------------------------------
  int enable() noexcept override { return 0; }
  void accept_multishot(int listener, Token token) override {
    SLUICE_CHECK(listeners_.contains(listener));
    submit({.op = Op::kAccept, .descriptor = listener, .token = token});
  }
  void receive_multishot(int socket, Token token) override {
    submit({.op = Op::kReceive, .descriptor = socket, .token = token});
  }
  void receive_into(int socket, char* memory, size_t capacity, Token token) override {
    SLUICE_CHECK(capacity > 0);
    submit({.op = Op::kReceiveInto, .descriptor = socket, .token = token, .memory = memory, .capacity = capacity});
  }
  void send(int socket, const char* bytes, size_t length, Token token) override {
    const iovec part{const_cast<char*>(bytes), length};
    send_parts(socket, &part, 1, token);
  }
  void send_parts(int socket, const iovec* parts, unsigned count, Token token) override {
    SLUICE_CHECK(count > 0 && count <= kSendPartsMax);
    Operation operation{.op = Op::kSend, .descriptor = socket, .token = token};
    operation.parts.assign(parts, parts + count);
    operation.checked = joined(operation.parts);
    submit(std::move(operation));
  }
  void send_message(int socket, const msghdr& message, Token token) override {
    SLUICE_CHECK(message.msg_controllen >= sizeof(cmsghdr));
    const cmsghdr* const control = CMSG_FIRSTHDR(&message);
    Operation operation{.op = Op::kSend, .descriptor = socket, .token = token};
    operation.parts.assign(message.msg_iov, message.msg_iov + message.msg_iovlen);
    operation.checked = joined(operation.parts);
    operation.record_type = *CMSG_DATA(control);
    submit(std::move(operation));
  }
  void shutdown(int socket, int how, Token token) override {
    submit({.op = Op::kShutdown, .descriptor = socket, .token = token, .capacity = static_cast<size_t>(how)});
  }
  void fdatasync(int file, Token token) override {
    operations_.push_back({.op = Op::kFdatasync, .descriptor = file, .token = token, .serial = ++serials_});
  }
  void cancel(int descriptor, Op op, Token target) override {
    for (Operation& o : operations_) {
      if (o.descriptor == descriptor && o.op == op && o.token == target) o.cancelled = true;
    }
  }
  void close(int descriptor) override {
    SLUICE_CHECK(in_flight_on(descriptor) == 0);
    ++closes_;
    if (listeners_.erase(descriptor) == 0) {
      const auto found = sockets_.find(descriptor);
      SLUICE_CHECK(found != sockets_.end());  // a descriptor closed twice, or never open
      Client& c = client(found->second);
      c.server_finished = c.server_closed = true;
      c.descriptor = -1;
      sockets_.erase(found);
    }
    free_descriptors_.push_back(descriptor);
  }
  void adopt(int) override {}
  void give_back(BufId buffer) override {
    std::memset(buffers_.at(buffer), 0xdd, buffers_.bytes());  // what is read after this is seen
    buffers_.come_home(buffer);
    free_buffers_.push_back(buffer);
  }
  uint32_t buffers_free() const noexcept override { return buffers_.count() - buffers_.out(); }
  uint32_t buffers_total() const noexcept override { return buffers_.count(); }
  uint32_t buffer_bytes() const noexcept override { return buffers_.bytes(); }
  // Never blocks. Every operation in flight gets at most one step, in an order that the seed decides.
  uint32_t turn(int64_t wait_ns, CompletionHandler& handler) override {
    SLUICE_CHECK(!in_turn_);
    in_turn_ = true;
    if (wait_ns != 0 && quiet()) {
      handler.before_wait();
      handler.after_wait();
    }
    std::vector<uint64_t> order;
    for (const Operation& o : operations_) order.push_back(o.serial);
    std::shuffle(order.begin(), order.end(), random_);
    uint32_t dispatched = 0;
    for (const uint64_t serial : order) {
      const auto found =
          std::find_if(operations_.begin(), operations_.end(), [&](const Operation& o) { return o.serial == serial; });
      if (found == operations_.end() || !can_step(*found) || chance(faults_.delay)) continue;
      Completion completion;
      completion.token = found->token;
      completion.op = found->op;
      step(*found, completion);
      if (!completion.more) operations_.erase(found);
      ++dispatched;
      handler.on_completion(completion);
    }
    in_turn_ = false;
    return dispatched;
  }
  void wake() noexcept override {}
  void abandon() noexcept override { abandoned_ = true; }

 private:
  struct Operation {
    Op op;
    int descriptor;
    Token token;
    char* memory = nullptr;
    size_t capacity = 0;
    std::vector<iovec> parts{};
    std::string checked{};  // a copy of what is to be sent: the memory must not change before the completion
    uint64_t serial = 0;
    bool cancelled = false;
    uint8_t record_type = kDataRecord;
  };

  static std::string joined(const std::vector<iovec>& parts) {
    std::string all;
    for (const iovec& part : parts) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
    return all;
  }
  static bool reads(Op op) { return op == Op::kReceive || op == Op::kReceiveInto || op == Op::kAccept; }
  bool chance(unsigned percent) { return percent > 0 && random_() % 100 < percent; }
  size_t part_of(size_t whole, unsigned percent) {
    return whole > 1 && chance(percent) ? 1 + random_() % (whole - 1) : whole;
  }
  int new_descriptor() {
    if (free_descriptors_.empty()) return next_descriptor_++;
    const int descriptor = free_descriptors_.back();
    free_descriptors_.pop_back();
    return descriptor;
  }

  void submit(Operation operation) {
    SLUICE_CHECK(sockets_.contains(operation.descriptor) || listeners_.contains(operation.descriptor));
    for (const Operation& o : operations_) {
      const bool same = o.descriptor == operation.descriptor;
      SLUICE_CHECK(!(same && reads(o.op) && reads(operation.op)));
      SLUICE_CHECK(!(same && o.op == Op::kSend && operation.op == Op::kSend));
    }
    operation.serial = ++serials_;
    operations_.push_back(std::move(operation));
  }

  bool can_step(const Operation& o) {
    if (o.cancelled || o.op == Op::kFdatasync || o.op == Op::kShutdown) return true;
    if (o.op == Op::kAccept) return !listeners_.at(o.descriptor).empty();
    const Client& c = client_of(o.descriptor);
    if (o.op == Op::kSend) return c.reset || c.window > 0;
    return c.reset || c.finished || !c.to_server.empty();
  }

  void step(Operation& o, Completion& completion) {
    if (o.cancelled && o.op != Op::kShutdown && o.op != Op::kFdatasync) {
      completion.result = -ECANCELED;
      return;
    }
    switch (o.op) {
      case Op::kAccept:
        return step_accept(o, completion);
      case Op::kReceive:
      case Op::kReceiveInto:
        return step_receive(o, completion);
      case Op::kSend:
        return step_send(o, completion);
      case Op::kShutdown:
        return step_shutdown(o, completion);
      case Op::kFdatasync:
        return;
    }
  }

  void step_accept(const Operation& o, Completion& completion) {
    if (chance(faults_.accept_error)) {
      completion.result = chance(50) ? -ECONNABORTED : -EMFILE;
      return;
    }
    std::vector<int>& queue = listeners_.at(o.descriptor);
    completion.result = queue.front();
    queue.erase(queue.begin());
    completion.more = !chance(faults_.end_multishot);
  }

  void step_receive(const Operation& o, Completion& completion) {
    Client& c = client_of(o.descriptor);
    if (chance(faults_.reset)) c.reset = true;
    if (c.reset) {
      completion.result = -ECONNRESET;
      return;
    }
    if (c.to_server.empty()) return;  // finished: 0
    const bool multishot = o.op == Op::kReceive;
    if (multishot && (free_buffers_.empty() || chance(faults_.no_buffers))) {
      completion.result = -ENOBUFS;
      return;
    }
    const size_t room = multishot ? buffers_.bytes() : o.capacity;
    const size_t length = part_of(std::min(room, c.to_server.size()), faults_.split);
    char* target = o.memory;
    if (multishot) {
      completion.buffer = free_buffers_.back();
      free_buffers_.pop_back();
      buffers_.leave(completion.buffer);
      target = buffers_.at(completion.buffer);
      completion.data = target;
      completion.more = !chance(faults_.end_multishot);
    }
    std::memcpy(target, c.to_server.data(), length);
    c.to_server.erase(0, length);
    completion.result = static_cast<int32_t>(length);
  }

  void step_send(const Operation& o, Completion& completion) {
    Client& c = client_of(o.descriptor);
    const std::string bytes = joined(o.parts);
    SLUICE_CHECK(bytes == o.checked);
    if (c.reset || c.server_finished) {
      completion.result = chance(50) ? -EPIPE : -ECONNRESET;
      return;
    }
    const size_t length = part_of(std::min(bytes.size(), c.window), faults_.partial_send);
    if (c.seal) {
      c.received += c.seal(o.record_type, std::string_view(bytes).substr(0, length));
    } else {
      SLUICE_CHECK(o.record_type == kDataRecord);
      c.received.append(bytes, 0, length);
    }
    if (c.window != SIZE_MAX) c.window -= length;
    completion.result = static_cast<int32_t>(length);
  }

  void step_shutdown(const Operation& o, Completion& completion) {
    Client& c = client_of(o.descriptor);
    ++c.shutdowns;
    completion.result = c.reset ? -ENOTCONN : 0;
    if (o.capacity == 1 || o.capacity == 2) c.server_finished = true;  // SHUT_WR, SHUT_RDWR
    if (o.capacity == 0 || o.capacity == 2) c.finished = true;
  }

  FakeFaults faults_;
  std::mt19937_64 random_;
  Buffers buffers_;
  std::vector<BufId> free_buffers_;
  std::vector<Client> clients_;
  std::map<int, ClientId> sockets_;
  std::map<int, std::vector<int>> listeners_;
  std::vector<int> free_descriptors_;
  std::vector<Operation> operations_;
  int next_descriptor_ = kFirstDescriptor;
  uint64_t serials_ = 0;
  uint64_t closes_ = 0;
  bool in_turn_ = false;
  bool abandoned_ = false;
};

}  // namespace sluice::net::ring
